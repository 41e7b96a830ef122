/*
 * DWARF debug information, versions 2 to 5 in their 32-bit format, moved along with the code: what
 * names an instruction names its translation, calls' mirrors included.
 *
 * Sections that hold nothing but fields of fixed size are changed in place; those that grow with
 * the code (lines, lists of DWARF 5, frames) are written anew, and what points into them follows.
 * Debug information that cannot be followed is dropped as a whole, with a warning: none is better
 * than a wrong one.
 */
#ifndef TRANSLATOR_DEBUG_H
#define TRANSLATOR_DEBUG_H

#include "cursor.h"
#include "program.h"

enum debug_kind {
    DEBUG_INFO,
    DEBUG_ABBREV,
    DEBUG_LINE,
    DEBUG_ADDR,
    DEBUG_ARANGES,
    DEBUG_RANGES,   /* DWARF 2 to 4 */
    DEBUG_LOC,      /* DWARF 2 to 4 */
    DEBUG_RNGLISTS, /* DWARF 5 */
    DEBUG_LOCLISTS, /* DWARF 5 */
    DEBUG_FRAME,
    DEBUG_KINDS
};

/* Bytes of the input from `old` on, up to those of the next entry, are at `new` in the output. */
struct moved {
    uint32_t old;
    uint32_t new;
};
VEC(moved_vec, struct moved);

struct debug_section {
    unsigned index;       /* in the image; 0: there is none */
    const uint8_t *bytes; /* of the input */
    uint32_t size;
    struct bytes patched;   /* the input with its relocated fields changed */
    struct bytes grown;     /* what replaces it, where sizes change */
    struct moved_vec moved; /* sorted; empty: nothing moves */
};

/* A list of ranges or locations that an entry of .debug_info refers to. */
struct debug_list {
    uint32_t offset;
    uint32_t base;      /* address that its offsets count from, in the input */
    uint32_t addresses; /* where its unit's addresses are in .debug_addr */
};
VEC(list_vec, struct debug_list);

/* A number in .debug_info whose variable-length form gets longer. */
struct growth {
    uint32_t at;
    uint32_t old_size;
    uint64_t number;
};
VEC(growth_vec, struct growth);

struct debug {
    struct program *program;
    struct growth_vec growths; /* in the order of the section */
    struct debug_section sections[DEBUG_KINDS];
    struct list_vec lists[DEBUG_KINDS]; /* of the four kinds of lists */
};

/*
 * Rewrites all debug sections of the program; the layout is known. False: there is something that
 * cannot be followed, and program->warning says what. Call debug_free in both cases.
 */
bool debug_rewrite(struct debug *debug, struct program *program);
void debug_free(struct debug *debug);

/* Whether a section that is not loaded is debug information to keep. */
bool debug_is_kept(const struct section *section);

/* What becomes of the bytes of a kept section. */
void debug_contents(const struct debug *debug, unsigned section, const uint8_t **bytes,
                    uint32_t *size);

/* For the files below. Sets the warning; returns false. */
bool debug_fail(struct debug *debug, enum debug_kind kind, size_t offset, const char *what);

/* The new address of the first byte of what an address starts, and of the end of what it ends. */
uint32_t debug_start(const struct debug *debug, uint32_t addr);
uint32_t debug_end(const struct debug *debug, uint32_t start, uint32_t end);

/* Entry `index` of the table of addresses at `table`. */
uint32_t debug_address(const struct debug *debug, uint32_t table, uint64_t index);

/* Notes that the input's bytes from `old` on go to where `grown` ends. */
void debug_note_moved(struct debug_section *section, size_t old);
uint32_t debug_moved(const struct debug_section *section, uint32_t old);

void debug_put32(struct bytes *bytes, size_t at, uint32_t value);
void debug_push32(struct bytes *bytes, uint32_t value);
void debug_push_uleb(struct bytes *bytes, uint64_t value);

/* debug_line.c: writes .debug_line anew. */
bool debug_write_lines(struct debug *debug);

/* debug_info.c: walks along .debug_info; finds the lists, corrects lengths of functions and blocks.
 */
bool debug_walk_info(struct debug *debug);

/* The same file, once all fields are changed: makes room for what grew. */
void debug_grow_info(struct debug *debug);

/* debug_lists.c: .debug_ranges and .debug_loc in place, .debug_rnglists and .debug_loclists anew.
 */
bool debug_write_lists(struct debug *debug);

/* debug_frame.c: writes .debug_frame anew. */
bool debug_write_frames(struct debug *debug);

#endif
