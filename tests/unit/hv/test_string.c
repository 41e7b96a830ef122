/* The hypervisor's string functions against libc's, whose names the build gives to ours in this
 * file. */
#include <hv/lib/string.h>

#include "testing.h"

#include <hv/types.h>
#include <stdlib.h>

#define ROOM   96
#define ROUNDS 20000

static void fill_random(u8 *bytes)
{
    for (u32 i = 0; i < ROOM; i++)
        bytes[i] = (u8)(rand() % 4);
}

static void slow_move(u8 *to, const u8 *from, size_t bytes)
{
    u8 copy[ROOM];

    for (size_t i = 0; i < bytes; i++)
        copy[i] = from[i];
    for (size_t i = 0; i < bytes; i++)
        to[i] = copy[i];
}

static void copies_and_fills(void **state)
{
    u8 ours[ROOM], expected[ROOM];

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        size_t from = rand() % 40, bytes = rand() % 50;
        u8 value = (u8)rand();
        fill_random(ours);
        slow_move(expected, ours, ROOM);
        assert_ptr_equal(memset(ours + from, value, bytes), ours + from);
        for (size_t i = 0; i < bytes; i++)
            expected[from + i] = value;
        assert_memory_equal(ours, expected, ROOM);
        assert_ptr_equal(memcpy(ours, expected + from, bytes), ours);
        assert_memory_equal(ours, expected + from, bytes);
    }
}

static int sign(int value)
{
    return (value > 0) - (value < 0);
}

static int slow_compare(const u8 *a, const u8 *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

static void comparisons(void **state)
{
    u8 a[ROOM], b[ROOM];

    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        size_t bytes = rand() % 40, same = rand() % 40;
        fill_random(a);
        fill_random(b);
        slow_move(b, a, same);
        assert_int_equal(sign(memcmp(a, b, bytes)), slow_compare(a, b, bytes));
    }
    a[0] = 0xff;
    b[0] = 0x01;
    assert_true(memcmp(a, b, 1) > 0);
    assert_int_equal(strlen(""), 0);
    assert_int_equal(strlen("mirror"), 6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(copies_and_fills),
                                       cmocka_unit_test(comparisons)};

    return cmocka_run_group_tests_name("hv string", tests, NULL, NULL);
}
