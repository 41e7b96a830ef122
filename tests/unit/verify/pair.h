/*
 * Makes a small program and a translation of it by hand, with the system's assembler and linker,
 * and runs kmv-verify on the two. So the tests share nothing with the translator.
 */
#ifndef TESTS_VERIFY_PAIR_H
#define TESTS_VERIFY_PAIR_H

#include <stddef.h>
#include <stdint.h>

/*
 * One original instruction and its translation, in AT&T syntax; translated NULL: the same. Before
 * both stands a label .L0, .L1, ... by line. In translations OFF is the offset that is used, and
 * `wb` and `we` begin and end a window.
 */
struct pair_line {
    const char *native;
    const char *translated;
    const char *function; /* a global function of this name starts here; NULL: none */
};

struct pair {
    const struct pair_line *lines;
    size_t line_count;
    const char *native_data;     /* what .data holds; NULL: nothing */
    const char *translated_data; /* NULL: the same */
    uint32_t used_offset;        /* OFF; 0: what the note says */
    const char *extra_table;     /* directives for the end of the translation; NULL: none */
    const char *options;         /* for kmv-verify; NULL: none */
};

/* What the notes of all pairs say. */
#define PAIR_OFFSET 0x38000000u

/* Builds the pair and runs kmv-verify. Returns its exit status; its output (both streams) is in
 * `output`. -1: not built. */
int pair_verify(const struct pair *pair, char *output, size_t size);

/* Where the last pair is: the files native and translated in this folder. */
const char *pair_folder(void);

/* Runs kmv-verify with these arguments. */
int pair_run_verify(const char *arguments, char *output, size_t size);

#endif
