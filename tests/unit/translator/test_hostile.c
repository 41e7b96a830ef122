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

enum { DAMAGED_FILES = 6000, DAMAGED_DEBUG = 6000, MOST_DAMAGES = 6 };

static struct bytes original;
static struct bytes with_debug; /* a program with debug information */
static unsigned warnings;

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
    assert_null(strchr(program.warning.text, '\n'));
    warnings += ok && program.warning.text[0] != '\0';
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

/* A debug section of the file, of those that are not empty. */
static const Elf32_Shdr *pick_debug_section(const uint8_t *file)
{
    const Elf32_Ehdr *header = (const Elf32_Ehdr *)file;
    const Elf32_Shdr *sections = (const Elf32_Shdr *)(file + header->e_shoff);
    const char *names = (const char *)file + sections[header->e_shstrndx].sh_offset;
    for (;;) {
        const Elf32_Shdr *section = &sections[random_below(header->e_shnum)];
        bool debug = strncmp(names + section->sh_name, ".debug_", 7) == 0 ||
                     strncmp(names + section->sh_name, ".rel.debug_", 11) == 0;
        if (debug && section->sh_size >= 4)
            return section;
    }
}

/* Damaged debug information is dropped, or translated; it never makes a program untranslatable. */
static void test_damaged_debug_information_is_dropped(void **state)
{
    (void)state;
    uint8_t *file = malloc(with_debug.count);
    warnings = 0;
    assert_true(translate(with_debug.at, with_debug.count, NULL));
    assert_int_equal(warnings, 0);
    random_seed(4);
    for (unsigned n = 0; n < DAMAGED_DEBUG; n++) {
        memcpy(file, with_debug.at, with_debug.count);
        for (unsigned damages = 1 + random_below(MOST_DAMAGES); damages > 0; damages--) {
            const Elf32_Shdr *section = pick_debug_section(with_debug.at);
            uint8_t *at = file + section->sh_offset + random_below(section->sh_size - 3);
            uint32_t value;
            memcpy(&value, at, sizeof(value));
            value = pick_value(value);
            memcpy(at, &value, random_below(2) ? 4 : 1);
        }
        assert_true(translate(file, with_debug.count, NULL));
    }
    printf("damaged debug information: %d, dropped: %u\n", DAMAGED_DEBUG, warnings);
    assert_in_range(warnings, DAMAGED_DEBUG / 10, DAMAGED_DEBUG - 1);
    free(file);
}

static bool read_file(const char *path, struct bytes *bytes)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    uint8_t buffer[4096];
    size_t got;
    while ((got = fread(buffer, 1, sizeof(buffer), file)) > 0)
        bytes_append(bytes, buffer, got);
    fclose(file);
    return bytes->count >= sizeof(Elf32_Ehdr);
}

static int set_up(void **state)
{
    (void)state;
    classify_init();
    return read_file(HOSTILE_SEED, &original) && read_file(HOSTILE_DEBUG, &with_debug) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    free(original.at);
    free(with_debug.at);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sound_file_is_translated),
        cmocka_unit_test(test_truncated_files_are_refused),
        cmocka_unit_test(test_damaged_files_never_crash),
        cmocka_unit_test(test_damaged_debug_information_is_dropped),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
