/* The guest's library on the host, over a fake sbrk and a write that gathers the output. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void guest_printf(int fd, const char *format, ...);
void *guest_malloc(size_t bytes);
void guest_free(void *memory);
char *guest_sbrk(int bytes);
int guest_write(int fd, const void *buf, int bytes);
void *guest_memmove(void *to, const void *from, size_t count);
void *guest_memset(void *to, int byte, size_t count);
int guest_strcmp(const char *left, const char *right);
int guest_strncmp(const char *left, const char *right, size_t count);
int guest_parse_unsigned(const char *text, unsigned *value);

#define HEAP_BYTES (1 << 20)

static _Alignas(4096) char heap[HEAP_BYTES];
static int heap_used;
static char output[4096];
static int output_used, writes;

char *guest_sbrk(int bytes)
{
    if (bytes > HEAP_BYTES - heap_used)
        return (char *)-1;
    heap_used += bytes;
    return heap + heap_used - bytes;
}

int guest_write(int fd, const void *buf, int bytes)
{
    assert_int_equal(fd, 7);
    memcpy(output + output_used, buf, (size_t)bytes);
    output_used += bytes;
    output[output_used] = '\0';
    writes++;
    return bytes;
}

#define EXPECT_PRINTED(wanted, ...)                                                                \
    do {                                                                                           \
        output_used = writes = 0;                                                                  \
        guest_printf(7, __VA_ARGS__);                                                              \
        assert_string_equal(output, wanted);                                                       \
    } while (0)

static void test_printf(void **state)
{
    (void)state;
    EXPECT_PRINTED("plain", "plain");
    EXPECT_PRINTED("-2147483648 0 2147483647", "%d %d %d", INT_MIN, 0, INT_MAX);
    EXPECT_PRINTED("4294967295 ffffffff 0", "%u %x %x", UINT_MAX, UINT_MAX, 0);
    EXPECT_PRINTED("18446744073709551615 4294967296", "%llu %llu", ULLONG_MAX, 1ull << 32);
    EXPECT_PRINTED("123456789abcdef0!", "%llx!", 0x123456789abcdef0ull);
    EXPECT_PRINTED("text (null) c 100%", "%s %s %c 100%%", "text", (const char *)NULL, 'c');
    EXPECT_PRINTED("%q trailing %", "%q trailing %");
    EXPECT_PRINTED("%", "%ll");
    EXPECT_PRINTED("80001000", "%p", (void *)0x80001000ul);
}

static void test_printf_gathers(void **state)
{
    char text[301];

    (void)state;
    EXPECT_PRINTED("12 34", "%d %d", 12, 34);
    assert_int_equal(writes, 1);
    memset(text, 'x', 300);
    text[300] = '\0';
    EXPECT_PRINTED(text, "%s", text);
    assert_int_equal(writes, 3);
}

static void test_memmove(void **state)
{
    (void)state;
    for (int from = 0; from < 16; from++) {
        for (int to = 0; to < 16; to++) {
            char got[32], wanted[32];
            for (int i = 0; i < 32; i++)
                got[i] = wanted[i] = (char)i;
            guest_memmove(got + to, got + from, 16);
            memmove(wanted + to, wanted + from, 16);
            assert_memory_equal(got, wanted, 32);
        }
    }
}

static void test_strings(void **state)
{
    (void)state;
    assert_true(guest_strcmp("a", "b") < 0);
    assert_true(guest_strcmp("a\xff", "a") > 0);
    assert_int_equal(guest_strcmp("same", "same"), 0);
    assert_int_equal(guest_strncmp("same1", "same2", 4), 0);
    assert_int_equal(guest_strncmp("a", "a", 10), 0);
    assert_true(guest_strncmp("same1", "same2", 5) < 0);
}

static void test_parse_unsigned(void **state)
{
    static const char *const bad[] = {"", "x", "1x", "-1", "4294967296", "99999999999"};
    unsigned value = 5;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(guest_parse_unsigned(bad[i], &value), -1);
    assert_int_equal(value, 5);
    assert_int_equal(guest_parse_unsigned("4294967295", &value), 0);
    assert_int_equal(value, UINT_MAX);
    assert_int_equal(guest_parse_unsigned("007", &value), 0);
    assert_int_equal(value, 7);
}

/* Many blocks of random sizes, each filled with its own byte: none may overlap, and after all are
 * free one large fits. */
static void test_malloc_blocks(void **state)
{
    unsigned char *blocks[64] = {0};
    size_t sizes[64];
    unsigned seed = 1;

    (void)state;
    heap_used = 3; /* the break need not be aligned */
    for (int round = 0; round < 20000; round++) {
        seed = seed * 1103515245u + 12345u;
        unsigned slot = seed >> 16 & 63;
        if (blocks[slot]) {
            for (size_t i = 0; i < sizes[slot]; i++)
                assert_int_equal(blocks[slot][i], slot);
            guest_free(blocks[slot]);
            blocks[slot] = NULL;
            continue;
        }
        sizes[slot] = seed >> 8 & 2047;
        blocks[slot] = guest_malloc(sizes[slot]);
        assert_non_null(blocks[slot]);
        assert_int_equal((uintptr_t)blocks[slot] % 8, 0);
        guest_memset(blocks[slot], (int)slot, sizes[slot]);
    }
    assert_true(heap_used < 64 * 4096);
    for (int slot = 0; slot < 64; slot++)
        guest_free(blocks[slot]);
    int before = heap_used;
    assert_non_null(guest_malloc((size_t)before / 2));
    assert_int_equal(heap_used, before);
}

static void test_malloc_fails(void **state)
{
    (void)state;
    assert_null(guest_malloc(HEAP_BYTES));
    assert_null(guest_malloc(SIZE_MAX));
    assert_null(guest_malloc(SIZE_MAX - 8));
    assert_null(guest_malloc(0x80000000u));
    assert_non_null(guest_malloc(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printf),         cmocka_unit_test(test_printf_gathers),
        cmocka_unit_test(test_memmove),        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_parse_unsigned), cmocka_unit_test(test_malloc_blocks),
        cmocka_unit_test(test_malloc_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
