/* kmv-verify: proves of a translated program that every memory write has its mirror and that
 * nothing else changed. */
#include "check.h"
#include "data.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TRAPS 512u

enum { EXIT_USAGE = 2 };

/*
 * Frames that the CPU pushes for a change of privilege: eip, cs, eflags, esp, ss, behind an error
 * code for some exceptions (SDM vol. 3, 6.12.1, 6.13).
 */
static const struct {
    const char *kind;
    uint8_t at;
    uint8_t size;
} trap_kinds[] = {
    {"raw", 0, 20},
    {"err", 0, 24},
    {"gate", 0, 28},
};

struct options {
    const char *native;
    const char *translated;
    const char *traps[MAX_TRAPS];
    unsigned int trap_count;
    bool has_offset;
    uint32_t offset;
};

static const char help_text[] =
    "usage: kmv-verify [--offset HEX] [--trap-entry SYMBOL[:KIND]]... NATIVE TRANSLATED\n"
    "\n"
    "Compares an ELF32 program, linked with --emit-relocs, with what kmv-translate made of it:\n"
    "each instruction is there, each memory write is followed by its mirror at +OFFSET, nothing\n"
    "else changed.\n"
    "\n"
    "  --offset HEX            the note must name this OFFSET\n"
    "  --trap-entry SYMBOL[:KIND]  the hardware's frame must be mirrored there, KIND is\n"
    "                          raw: 5 dwords at [esp] (default), err: 6, with an error code,\n"
    "                          gate: 7 at [esp], with the vector's number, which with an error\n"
    "                          code vectors push and need not mirror\n"
    "  --help                  this text\n"
    "\n"
    "Exit: 0 proved, 1 findings (one line each) or unreadable files, 2 usage.\n";

static int usage_error(const char *what)
{
    fprintf(stderr, "kmv-verify: %s: see kmv-verify --help\n", what);
    return EXIT_USAGE;
}

static bool parse_hex(const char *text, uint32_t *value)
{
    char *end;
    unsigned long long parsed;

    errno = 0;
    parsed = strtoull(text, &end, 16);
    *value = (uint32_t)parsed;
    return errno == 0 && end != text && *end == 0 && parsed <= UINT32_MAX && text[0] != '-';
}

/* Returns -1 to go on, or an exit code. */
static int parse_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"help", no_argument, NULL, 'h'},
        {"offset", required_argument, NULL, 'o'},
        {"trap-entry", required_argument, NULL, 't'},
        {NULL, 0, NULL, 0},
    };
    int option;

    opterr = 0;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'h') {
            fputs(help_text, stdout);
            return EXIT_SUCCESS;
        }
        if (option == 't' && options->trap_count < MAX_TRAPS) {
            options->traps[options->trap_count++] = optarg;
        } else if (option == 'o' && parse_hex(optarg, &options->offset)) {
            options->has_offset = true;
        } else {
            return usage_error(option == 'o'   ? "--offset takes a hexadecimal number"
                               : option == 't' ? "too many --trap-entry"
                                               : "unknown option or missing value");
        }
    }
    if (argc - optind != 2) {
        return usage_error("two files are needed");
    }
    options->native = argv[optind];
    options->translated = argv[optind + 1];
    return -1;
}

static bool add_trap(struct program *program, const char *text)
{
    char name[256];
    const char *colon = strchr(text, ':');
    const char *kind = colon ? colon + 1 : trap_kinds[0].kind;

    snprintf(name, sizeof(name), "%.*s", (int)(colon ? (size_t)(colon - text) : strlen(text)),
             text);
    for (size_t i = 0; i < sizeof(trap_kinds) / sizeof(trap_kinds[0]); i++) {
        if (strcmp(kind, trap_kinds[i].kind) == 0) {
            return program_add_trap(program, name, trap_kinds[i].at, trap_kinds[i].size);
        }
    }
    return false;
}

static void add_traps(struct program *program, const struct options *options)
{
    for (unsigned int i = 0; i < options->trap_count; i++) {
        if (!add_trap(program, options->traps[i])) {
            report_add(program->report, "trap entry %s: no such code symbol or kind",
                       options->traps[i]);
        }
    }
}

static bool run_checks(struct program *program, struct totals *totals)
{
    if (!program_find_live(program)) {
        return false;
    }
    program_find_entries(program);
    check_coverage(program);
    if (!check_instructions(program, totals)) {
        return false;
    }
    check_sections(program);
    check_headers(program);
    check_symbols(program);
    return true;
}

static int file_error(const char *path, const char *what)
{
    fprintf(stderr, "kmv-verify: %s: %s\n", path, what);
    return EXIT_FAILURE;
}

static int verify_program(struct address_map *map, const struct options *options)
{
    struct report report = {0};
    struct decoder decoder;
    struct program program;
    struct totals totals;
    bool done;

    if (!decoder_open(&decoder)) {
        return file_error("capstone", "cannot start");
    }
    if (options->has_offset && options->offset != map->offset) {
        report_add(&report, "the note names offset 0x%08x, not 0x%08x", map->offset,
                   options->offset);
    }
    done = program_load(&program, map, &decoder, &report);
    if (done) {
        add_traps(&program, options);
        done = run_checks(&program, &totals);
    }
    program_free(&program);
    decoder_close(&decoder);
    if (!done) {
        return file_error(options->translated, "out of memory");
    }
    report_close(&report);
    if (report.findings == 0) {
        printf("kmv-verify: %s: writers=%u mirrored=%u instructions=%u offset=0x%08x ok\n",
               options->translated, totals.writers, totals.mirrored, totals.instructions,
               map->offset);
    }
    return report.findings == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int verify_files(const struct options *options)
{
    struct elf_file native;
    struct elf_file translated;
    struct address_map map;
    const char *error = elf_load(&native, options->native);
    int status;

    if (error) {
        return file_error(options->native, error);
    }
    error = elf_load(&translated, options->translated);
    if (!error) {
        error = map_load(&map, &native, &translated);
    }
    if (error) {
        status = file_error(options->translated, error);
    } else {
        status = verify_program(&map, options);
        map_free(&map);
    }
    elf_free(&translated);
    elf_free(&native);
    return status;
}

int main(int argc, char **argv)
{
    static struct options options;
    int status = parse_options(argc, argv, &options);

    return status >= 0 ? status : verify_files(&options);
}
