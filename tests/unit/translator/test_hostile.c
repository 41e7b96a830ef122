/*
 * Malformed input: truncated and damaged copies of a program go through the whole translator, which
 * is built with sanitizers here. Each ends in an output or in a message, never in a crash.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms.h"
#include "program.h"

enum { DAMAGED_FILES = 6000, MOST_DAMAGES = 6 };

static struct bytes original;

/* Runs the pipeline, into nowhere; returns whether it succeeded. A failure must have said why. */
static bool translate(const uint8_t *data, size_t size, uint64_t *written)
{
    struct program program = {.options = {.offset = MIRROR_OFFSET, .dropped_row = -1}};
    /* A copy of its own size, so that reading past its end is noticed. */
    uint8_t *copy = malloc(size ? size : 1);
    memcpy(copy, data, size);
    struct bytes input = {copy, size, size};
    FILE *stream = fopen("/dev/null", "wb");
    assert_non_null(stream);
    bool ok = program_run(&program, &input, stream);
    assert_int_equal(fclose(stream), 0);
    assert_int_equal(ok, program.diag.text[0] == '\0');
    assert_null(strchr(program.diag.text, '\n'));
    if (written != NULL)
        *written = program.sink.end;
    program_free(&program);
    free(copy);
    return ok;
}

static void test_sound_file_is_translated(void **state)
{
    (void)state;
    uint64_t written;
    assert_true(translate(original.at, original.count, &written));
    assert_true(written > original.count / 2);
}

static void test_truncated_files_are_refused(void **state)
{
    (void)state;
    for (size_t size = 0; size < original.count; size += size < 512 ? 1 : 61) {
        assert_false(translate(original.at, size, NULL));
    }
}

static uint32_t read32(size_t at)
{
    uint32_t value;
    memcpy(&value, original.at + at, sizeof(value));
    return value;
}

/* Damages are put where they matter: the header, the tables, else anywhere. */
static size_t pick_place(void)
{
    uint32_t sections = read32(offsetof(Elf32_Ehdr, e_shoff));
    switch (random_below(4)) {
    case 0:
        return random_below(sizeof(Elf32_Ehdr) + 4 * sizeof(Elf32_Phdr));
    case 1:
    case 2:
        return sections + random_below((uint32_t)original.count - sections);
    default:
        return random_below((uint32_t)original.count);
    }
}

static uint32_t pick_value(uint32_t old)
{
    static const uint32_t edges[] = {0,    1,          2,          0x7f,       0x80,
                                     0xff, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};
    switch (random_below(4)) {
    case 0:
        return edges[random_below(sizeof(edges) / sizeof(edges[0]))];
    case 1:
        return old + random_below(33) - 16;
    case 2:
        return old ^ 1u << random_below(32);
    default:
        return random_next();
    }
}

static void damage(uint8_t *file)
{
    for (unsigned n = 1 + random_below(MOST_DAMAGES); n > 0; n--) {
        size_t at = pick_place() & ~(size_t)(random_below(8) ? 3 : 0);
        unsigned size = random_below(2) ? 4 : 1;
        if (at + 4 > original.count)
            continue;
        uint32_t value;
        memcpy(&value, file + at, 4);
        value = pick_value(value);
        memcpy(file + at, &value, size);
    }
}

static void test_damaged_files_never_crash(void **state)
{
    (void)state;
    unsigned translated = 0;
    uint8_t *file = malloc(original.count);
    random_seed(3);
    for (unsigned n = 0; n < DAMAGED_FILES; n++) {
        memcpy(file, original.at, original.count);
        damage(file);
        translated += translate(file, original.count, NULL);
    }
    printf("damaged files: %d, still translated: %u\n", DAMAGED_FILES, translated);
    assert_true(translated < DAMAGED_FILES);
    free(file);
}

static int set_up(void **state)
{
    (void)state;
    FILE *file = fopen(HOSTILE_SEED, "rb");
    if (file == NULL)
        return -1;
    uint8_t buffer[4096];
    size_t got;
    while ((got = fread(buffer, 1, sizeof(buffer), file)) > 0)
        bytes_append(&original, buffer, got);
    fclose(file);
    classify_init();
    return original.count < sizeof(Elf32_Ehdr);
}

static int tear_down(void **state)
{
    (void)state;
    free(original.at);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_file_is_translated),
        cmocka_unit_test(test_truncated_files_are_refused),
        cmocka_unit_test(test_damaged_files_never_crash),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
