/*
 * Damaged files: kmv-verify, built with the sanitizers, must end with a status of its own, never by
 * a fault. The damage is random from a fixed seed: bytes changed, words that say sizes and offsets
 * made extreme, files cut off.
 */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROUNDS 150

struct file {
    uint8_t bytes[65536];
    size_t size;
};

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * 1664525u + 1013904223u;
    return (random_state >> 8) % bound;
}

static void read_pair_file(const char *name, struct file *file)
{
    char path[256];
    FILE *stream;

    snprintf(path, sizeof(path), "%s/%s", pair_folder(), name);
    stream = fopen(path, "rb");
    assert_non_null(stream);
    file->size = fread(file->bytes, 1, sizeof(file->bytes), stream);
    fclose(stream);
    assert_in_range(file->size, 1000, sizeof(file->bytes) - 1);
}

static void write_damaged(const struct file *file)
{
    char path[256];
    FILE *stream;

    snprintf(path, sizeof(path), "%s/damaged", pair_folder());
    stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(file->bytes, 1, file->size, stream), file->size);
    fclose(stream);
}

/* Headers are where damage hurts: the file's header, and the section headers at the end. */
static size_t random_place(const struct file *file)
{
    switch (random_below(3)) {
    case 0:
        return random_below(52 + 32 * 4);
    case 1:
        return file->size - 4 - random_below(800);
    default:
        return random_below((uint32_t)file->size - 4);
    }
}

static void damage(struct file *file)
{
    static const uint32_t extremes[] = {0,          1,          0x7fffffff, 0x80000000,
                                        0xffffffff, 0xfffffffc, 0x200000};
    uint32_t word;

    for (uint32_t i = random_below(3) + 1; i > 0; i--) {
        switch (random_below(8)) {
        case 0:
            file->size = 1 + random_below((uint32_t)file->size);
            return;
        case 1:
        case 2:
            file->bytes[random_place(file)] = (uint8_t)random_below(256);
            break;
        default:
            word = extremes[random_below(7)] + random_below(2);
            memcpy(file->bytes + (random_place(file) & ~3u), &word, sizeof(word));
        }
    }
}

static void make_pair(void)
{
    static const struct pair_line lines[] = {
        {"call .L4", NULL, NULL},
        {"movl %eax, value", "movl %eax, value; wb; movl %eax, OFF+value; we", NULL},
        {"pushl %ebx", "pushl %ebx; wb; movl %ebx, OFF(%esp); we", NULL},
        {"jmp .L0", NULL, NULL},
        {"nop", "wb; pushl (%esp); popl OFF(%esp); pushl (%esp); popl OFF-4(%esp); we; nop",
         "callee"},
        {"ret", NULL, NULL},
    };
    static const struct pair pair = {
        .lines = lines, .line_count = 6, .native_data = "value: .long 1, value, callee"};
    char output[4096];

    assert_int_equal(pair_verify(&pair, output, sizeof(output)), 0);
}

static void run_damaged(const char *victim, const char *arguments)
{
    static struct file original;
    static struct file file;
    char output[8192];
    char command[512];

    read_pair_file(victim, &original);
    snprintf(command, sizeof(command), arguments, pair_folder(), pair_folder());
    for (int i = 0; i < ROUNDS; i++) {
        int status;

        file = original;
        damage(&file);
        write_damaged(&file);
        status = pair_run_verify(command, output, sizeof(output));
        if ((status != 0 && status != 1) || strstr(output, "runtime error") || !output[0]) {
            fail_msg("round %d of %s: status %d: %s", i, victim, status, output);
        }
    }
}

static void test_damaged_native(void **state)
{
    (void)state;
    make_pair();
    run_damaged("native", "%s/damaged %s/translated");
}

static void test_damaged_translated(void **state)
{
    (void)state;
    make_pair();
    run_damaged("translated", "%s/native %s/damaged");
}

static void test_usage(void **state)
{
    static const char *const wrong[] = {
        "", "one", "a b c", "--what a b", "--offset zz a b", "--offset 123456789 a b"};
    char output[4096];

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        assert_int_equal(pair_run_verify(wrong[i], output, sizeof(output)), 2);
        assert_non_null(strstr(output, "see kmv-verify --help"));
    }
    assert_int_equal(pair_run_verify("--help", output, sizeof(output)), 0);
    assert_non_null(strstr(output, "usage: kmv-verify"));
    assert_int_equal(pair_run_verify("/nonexistent /nonexistent", output, sizeof(output)), 1);
    assert_non_null(strstr(output, "/nonexistent: cannot be opened"));
    assert_int_equal(pair_run_verify("/dev/null /dev/null", output, sizeof(output)), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_damaged_native),
        cmocka_unit_test(test_damaged_translated),
        cmocka_unit_test(test_usage),
    };

    setenv("ASAN_OPTIONS", "exitcode=99:allocator_may_return_null=1", 1);
    setenv("UBSAN_OPTIONS", "halt_on_error=1:exitcode=99", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
