#include "pair.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define FOLDER   TEST_FOLDER
#define TEXT_OLD "0x100000"
#define TEXT_NEW "0x200000"

static const char prelude[] = "    .macro wb\n"
                              "    .pushsection .kmv.windows\n"
                              "    .long 77777f\n"
                              "    .popsection\n"
                              "77777:\n"
                              "    .endm\n"
                              "    .macro we\n"
                              "    wb\n"
                              "    .endm\n";

static const char note[] = "    .section .note.kmv,\"\",@note\n"
                           "    .long 4, 12, 0x4b4d5631\n"
                           "    .asciz \"kmv\"\n"
                           "    .long 2, %u, 0\n";

static void write_text(FILE *out, const struct pair *pair, bool translated)
{
    fputs("    .file \"pair.s\"\n    .text\n    .globl _start\n_start:\n", out);
    for (size_t i = 0; i < pair->line_count; i++) {
        const struct pair_line *line = &pair->lines[i];

        if (line->function) {
            fprintf(out, "    .globl %s\n    .type %s, @function\n%s:\n", line->function,
                    line->function, line->function);
        }
        fprintf(out, ".L%zu: %s\n", i,
                translated && line->translated ? line->translated : line->native);
    }
    fputs("    .data\n", out);
    if (pair->native_data) {
        fprintf(out, "%s\n",
                translated && pair->translated_data ? pair->translated_data : pair->native_data);
    }
}

/* Copies assembler text, with the lines' labels renamed. */
static void write_renamed(FILE *out, const char *text)
{
    for (; *text; text++) {
        fputc(*text, out);
        if (text[0] == '.' && text[1] == 'L' && text[2] >= '0' && text[2] <= '9') {
            fputs("Lold", out);
            text++;
        }
    }
}

/* Addresses of the originals come from a second assembly of them, in a section that is not loaded.
 */
static void write_map(FILE *out, const struct pair *pair)
{
    fputs("    .section .old,\"\",@progbits\n.Lold:\n", out);
    for (size_t i = 0; i < pair->line_count; i++) {
        fprintf(out, ".Lold%zu: ", i);
        write_renamed(out, pair->lines[i].native);
        fputc('\n', out);
    }
    fputs("    .section .kmv.addrmap,\"\",@progbits\n", out);
    for (size_t i = 0; i < pair->line_count; i++) {
        fprintf(out, "    .long " TEXT_OLD " + .Lold%zu - .Lold, .L%zu\n", i, i);
    }
}

static bool write_sources(const struct pair *pair)
{
    FILE *native = fopen(FOLDER "/native.s", "w");
    FILE *translated = fopen(FOLDER "/translated.s", "w");

    if (native && translated) {
        write_text(native, pair, false);
        fprintf(translated, "    .set OFF, %u\n    .section .kmv.windows,\"\",@progbits\n%s",
                pair->used_offset ? pair->used_offset : PAIR_OFFSET, prelude);
        write_text(translated, pair, true);
        write_map(translated, pair);
        fprintf(translated, note, PAIR_OFFSET);
        if (pair->extra_table) {
            fprintf(translated, "%s\n", pair->extra_table);
        }
    }
    return native && translated && fclose(native) == 0 && fclose(translated) == 0;
}

static bool build(const char *name, const char *text)
{
    char command[512];

    snprintf(command, sizeof(command),
             "as --32 -o " FOLDER "/%s.o " FOLDER "/%s.s && ld -m elf_i386 -q --no-relax -Ttext=%s "
             "-Tdata=0x300000 -e _start -o " FOLDER "/%s " FOLDER "/%s.o",
             name, name, text, name, name);
    return system(command) == 0;
}

const char *pair_folder(void)
{
    return FOLDER;
}

int pair_run_verify(const char *arguments, char *output, size_t size)
{
    char command[512];
    FILE *pipe;
    size_t length;
    int status;

    snprintf(command, sizeof(command), KMV_VERIFY " %s 2>&1", arguments);
    pipe = popen(command, "r");
    if (!pipe) {
        return -1;
    }
    length = fread(output, 1, size - 1, pipe);
    output[length] = 0;
    status = pclose(pipe);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int pair_verify(const struct pair *pair, char *output, size_t size)
{
    char arguments[256];

    mkdir(FOLDER, 0777);
    output[0] = 0;
    if (!write_sources(pair) || !build("native", TEXT_OLD) || !build("translated", TEXT_NEW)) {
        return -1;
    }
    snprintf(arguments, sizeof(arguments), "%s " FOLDER "/native " FOLDER "/translated",
             pair->options ? pair->options : "");
    return pair_run_verify(arguments, output, size);
}
