#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kmv/contract.h"
#include "program.h"

static const char usage[] =
    "usage: kmv-translate [options] -o OUT IN\n"
    "Translates IN, a static ELF32 i386 executable linked with --emit-relocs, so that every "
    "memory\n"
    "write is repeated at address + OFFSET.\n"
    "  -o OUT                    output file\n"
    "  --offset HEX              OFFSET (default 38000000)\n"
    "  --trap-entry SYMBOL[:KIND]  mirror the interrupt frame at SYMBOL; may be repeated. Without "
    "it,\n"
    "                            where a table of vector stubs leads to (gate). KIND is\n"
    "                            raw: a vector without error code, frame at [esp] (default)\n"
    "                            err: a vector with error code\n"
    "                            gate: reached from vectors that pushed error code and number\n"
    "  --stats FILE              write counts as JSON\n"
    "  --list                    print every writer with its class and symbol; needs no -o\n"
    "  --identity                lay out anew, mirror nothing\n"
    "  --no-liveness             save every scratch register, for comparison\n"
    "  --no-groups               mirror each push by itself, for comparison\n"
    "  --no-prefetch             prefetch nothing, for comparison\n"
    "  --no-wide                 mirror string instructions without vector registers, for "
    "comparison\n"
    "  --drop-mirror CLASS       leave out the mirrors of one class (for tests)\n"
    "  --help                    this text\n"
    "Exit status: 0 done, 1 the input cannot be translated, 2 usage.\n";

enum { EXIT_USAGE = 2, LARGE_ALLOCATION = 256 * 1024 };

enum option_code {
    OPT_OFFSET = 256,
    OPT_TRAP,
    OPT_STATS,
    OPT_LIST,
    OPT_IDENTITY,
    OPT_DROP,
    OPT_NO_LIVENESS,
    OPT_NO_GROUPS,
    OPT_NO_PREFETCH,
    OPT_NO_WIDE,
    OPT_HELP,
};

static const struct option option_table[] = {
    {"offset", required_argument, NULL, OPT_OFFSET},
    {"trap-entry", required_argument, NULL, OPT_TRAP},
    {"stats", required_argument, NULL, OPT_STATS},
    {"list", no_argument, NULL, OPT_LIST},
    {"identity", no_argument, NULL, OPT_IDENTITY},
    {"drop-mirror", required_argument, NULL, OPT_DROP},
    {"no-liveness", no_argument, NULL, OPT_NO_LIVENESS},
    {"no-groups", no_argument, NULL, OPT_NO_GROUPS},
    {"no-prefetch", no_argument, NULL, OPT_NO_PREFETCH},
    {"no-wide", no_argument, NULL, OPT_NO_WIDE},
    {"help", no_argument, NULL, OPT_HELP},
    {0},
};

/* What the processor pushes: eip, cs, eflags, esp, ss, and an error code first (SDM volume
 * 3, 6.12.1 and 6.13). */
static const struct {
    const char *kind;
    struct trap_frame frame;
    bool gate;
} trap_kinds[] = {
    {"raw", {0, 5}, false},
    {"err", {0, 6}, false},
    /* the vector's number and an error code as well: 7 dwords whether the processor pushed 5 or 6
     */
    {"gate", {0, 7}, true},
};

static bool parse_offset(const char *text, struct program *program)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 16);
    if (errno != 0 || end == text || *end != '\0' || value > UINT32_MAX ||
        !KMV_OFFSET_IS_VALID(value))
        return diag_fail(
            &program->diag,
            "--offset %s: give hex, a multiple of 400000 that is 8000000 modulo 10000000", text);
    program->options.offset = (uint32_t)value;
    return true;
}

static bool parse_trap(char *text, struct program *program)
{
    struct options *options = &program->options;
    const char *kind = trap_kinds[0].kind;
    char *colon = strrchr(text, ':');
    if (colon != NULL) {
        *colon = '\0';
        kind = colon + 1;
    }
    for (unsigned i = 0; i < sizeof(trap_kinds) / sizeof(trap_kinds[0]); i++) {
        if (strcmp(kind, trap_kinds[i].kind) != 0)
            continue;
        options->traps =
            xrealloc(options->traps, (options->trap_count + 1) * sizeof(*options->traps));
        options->traps[options->trap_count++] =
            (struct trap_entry){text, trap_kinds[i].frame, trap_kinds[i].gate, NO_ITEM};
        return true;
    }
    return diag_fail(&program->diag, "--trap-entry %s:%s: unknown kind: use raw, err or gate", text,
                     kind);
}

static bool parse_drop(const char *name, struct program *program)
{
    program->options.dropped_row = writer_class_find(name);
    if (program->options.dropped_row < 0)
        return diag_fail(&program->diag, "--drop-mirror %s: no such class: see docs/translator.md",
                         name);
    return true;
}

static bool parse_option(int code, char *argument, struct program *program)
{
    struct options *options = &program->options;
    switch (code) {
    case OPT_OFFSET:
        return parse_offset(argument, program);
    case OPT_TRAP:
        return parse_trap(argument, program);
    case OPT_DROP:
        return parse_drop(argument, program);
    case OPT_STATS:
        options->stats = argument;
        return true;
    case OPT_LIST:
        options->list = true;
        return true;
    case OPT_IDENTITY:
        options->identity = true;
        return true;
    case OPT_NO_LIVENESS:
        options->no_liveness = true;
        return true;
    case OPT_NO_GROUPS:
        options->no_groups = true;
        return true;
    case OPT_NO_PREFETCH:
        options->no_prefetch = true;
        return true;
    case OPT_NO_WIDE:
        options->no_wide = true;
        return true;
    case OPT_HELP:
        fputs(usage, stdout);
        exit(0);
    case 'o':
        options->output = argument;
        return true;
    default:
        return diag_fail(&program->diag, "unknown option or missing argument: see --help");
    }
}

static bool parse_options(int argc, char **argv, struct program *program)
{
    struct options *options = &program->options;
    options->offset = KMV_OFFSET_DEFAULT;
    options->dropped_row = -1;
    opterr = 0;
    for (int code; (code = getopt_long(argc, argv, "o:", option_table, NULL)) != -1;)
        if (!parse_option(code, optarg, program))
            return false;
    if (argc - optind != 1)
        return diag_fail(&program->diag, "give exactly one input file: see --help");
    options->input = argv[optind];
    if (options->output == NULL && !options->list)
        return diag_fail(&program->diag, "no output file: give -o OUT");
    return true;
}

static bool read_file(struct program *program, const char *path, struct bytes *file)
{
    FILE *stream = fopen(path, "rb");
    if (stream == NULL)
        return diag_fail(&program->diag, "%s: %s", path, strerror(errno));
    uint8_t buffer[65536];
    size_t got;
    while ((got = fread(buffer, 1, sizeof(buffer), stream)) > 0)
        bytes_append(file, buffer, got);
    bool ok = !ferror(stream);
    fclose(stream);
    return ok || diag_fail(&program->diag, "%s: cannot be read", path);
}

static bool run_into(struct program *program, const char *path, const struct bytes *input)
{
    FILE *stream = fopen(path, "wb");
    if (stream == NULL)
        return diag_fail(&program->diag, "%s: %s", path, strerror(errno));
    bool ok = program_run(program, input, stream);
    bool written = !ferror(stream);
    written = fclose(stream) == 0 && written;
    if (ok && !written)
        return diag_fail(&program->diag, "%s: cannot be written: is the disk full?", path);
    return ok;
}

/* Writes beside the output and renames, so that a failure leaves no half file. */
static bool run_into_output(struct program *program, const char *path, const struct bytes *input)
{
    size_t size = strlen(path) + sizeof(".part");
    char *part = xmalloc(size);
    snprintf(part, size, "%s.part", path);
    bool ok = run_into(program, part, input);
    if (ok && (chmod(part, 0755) != 0 || rename(part, path) != 0))
        ok = diag_fail(&program->diag, "%s: %s", path, strerror(errno));
    if (!ok)
        unlink(part);
    free(part);
    return ok;
}

static bool translate(struct program *program)
{
    const struct options *options = &program->options;
    clock_t start = clock();
    struct bytes input = {0};
    classify_init();
    bool ok = read_file(program, options->input, &input);
    if (ok && options->output != NULL)
        ok = run_into_output(program, options->output, &input);
    else if (ok)
        ok = run_into(program, "/dev/null", &input);
    if (ok && options->list)
        program_list(program);
    double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    if (ok && options->stats != NULL)
        ok = program_write_stats(program, seconds);
    program_free(program);
    free(input.at);
    return ok;
}

int main(int argc, char **argv)
{
    struct program program = {0};
    /* Fixed, or else the C library raises it and growing arrays leave holes in its heap behind. */
    mallopt(M_MMAP_THRESHOLD, LARGE_ALLOCATION);
    if (!parse_options(argc, argv, &program)) {
        fprintf(stderr, "kmv-translate: %s\n", program.diag.text);
        return EXIT_USAGE;
    }
    bool ok = translate(&program);
    if (!ok) {
        fprintf(stderr, "kmv-translate: %s: %s\n", program.options.input, program.diag.text);
        if (program.options.output != NULL)
            unlink(program.options.output);
    }
    if (ok && program.warning.text[0] != '\0')
        fprintf(stderr, "kmv-translate: %s: warning: %s\n", program.options.input,
                program.warning.text);
    free(program.options.traps);
    return ok ? 0 : 1;
}
