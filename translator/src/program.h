/* A program under translation: what one step of the pipeline leaves to the next. */
#ifndef TRANSLATOR_PROGRAM_H
#define TRANSLATOR_PROGRAM_H

#include "classes.h"
#include "diag.h"
#include "emit.h"
#include "image.h"
#include "sink.h"

enum item_kind {
    ITEM_PLAIN,  /* an instruction that is no relative branch */
    ITEM_BRANCH, /* a relative branch; its size is the layout's matter */
    ITEM_DATA,   /* data between code, covered by an object symbol; `target` is its length */
    ITEM_PAD,    /* padding before an aligned function: the layout pads anew */
};

/* Where control goes after an instruction; for liveness. */
enum item_flow {
    FLOW_NEXT,
    FLOW_JUMP,   /* to target */
    FLOW_BRANCH, /* to target or on */
    FLOW_CALL,   /* to target, and back */
    FLOW_RETURN,
    FLOW_UNKNOWN, /* anywhere, or something that may read every register */
};

enum {
    ITEM_ENTRY = 1,    /* reached by calls or pointers: the return address is mirrored here */
    ITEM_ALIGNED = 2,  /* was aligned to TEXT_ALIGN, stays so */
    ITEM_NEAR = 4,     /* a branch that needs a 32-bit displacement */
    ITEM_TRAP = 8,     /* a trap entry */
    ITEM_STUB = 16,    /* of a vector stub that jumps to a trap entry of kind gate */
    ITEM_STOPS = 32,   /* control never goes on to the next item */
    ITEM_POINTER = 64, /* its address is taken: an odd `ret` may go there */
    ITEM_LAST = 128,   /* the last of its section */
};

#define TEXT_ALIGN 16u
#define NO_ITEM    UINT32_MAX

/* One a decoded instruction: kept small, since programs have millions. */
struct item {
    uint32_t addr;
    uint32_t new_addr; /* of the body: where branches go. Calls and pointers go entry_size bytes
                          before it */
    uint32_t target;   /* item that a branch goes to, or NO_ITEM */
    /* Translated bytes, in emitter.code right behind those of the item before. */
    uint32_t chunk_size : 12;
    uint32_t entry_size : 5; /* leading bytes of the chunk that only calls and pointers run */
    uint32_t length : 4;     /* bytes of the original; not of data */
    uint32_t kind : 2;
    uint32_t flow : 3;
    uint32_t row : 5; /* writer class or WRITER_NONE */
    uint8_t flags;
    uint8_t reads;
    uint8_t kills;
    uint8_t live; /* registers and STATUS_FLAGS that may be needed, before the instruction */
};

#define MAX_CHUNK 0xfffu
#define MAX_ENTRY 0x1fu

/* The items of one text section, in address order. */
struct text {
    struct section *section;
    uint32_t first;
    uint32_t end;
    uint32_t *hints; /* per HINT_BYTES of text: the last item that starts at or below them */
};

#define HINT_BYTES 64u

/* The place of a push in its group; size 0: in none. */
struct push_group {
    uint8_t position : 4;
    uint8_t size : 4;
};

#define MAX_GROUP 15u

/* What to prefetch before a store. */
enum { PREFETCH_NATIVE = 1, PREFETCH_MIRROR = 2 };

struct trap_entry {
    const char *symbol; /* NULL: found, not named */
    struct trap_frame frame;
    bool gate;
    uint32_t item;
};

struct options {
    const char *input;
    const char *output;
    const char *stats;
    uint32_t offset;
    bool list;
    bool identity;
    bool no_liveness; /* every register counts as needed everywhere */
    bool no_groups;   /* each push is mirrored by itself */
    bool no_prefetch; /* no prefetches of what loops store */
    bool no_wide;     /* no vector registers, even if the program keeps them */
    int dropped_row;  /* row without mirrors, for tests; -1: none */
    struct trap_entry *traps;
    unsigned trap_count;
};

struct program {
    struct options options;
    struct diag diag;
    struct diag warning; /* of what is left out of the output, "": nothing */
    struct image image;
    ZydisDecoder decoder;
    struct text *texts; /* in address order */
    unsigned text_count;
    struct item *items; /* in address order */
    uint32_t item_count;
    uint8_t *jump_only;        /* per relocation: an entry of a jump table, never called */
    struct push_group *groups; /* per item */
    uint8_t *prefetches;       /* per item: PREFETCH_* */
    struct trap_entry *gates;  /* those found, when options.traps names none */
    struct emitter emitter;
    struct sink sink; /* the output */
};

/* decode.c: finds instructions, classifies them, resolves branches. */
bool program_decode(struct program *program);

/* marks.c: finds entries, trap entries, vector stubs, jump tables. */
bool program_mark(struct program *program);

/* vectors.c: adds to options.traps the entries that a table of vector stubs leads to. */
void program_find_gates(struct program *program);

/* marks.c: the address that a relocated field of the input holds. */
uint32_t reloc_value(const struct image *image, const struct reloc *reloc);

/* liveness.c: which registers are needed before each item. */
void program_liveness(struct program *program);

/* groups.c: finds pushes whose mirrors are written together. */
void program_group(struct program *program);

/* groups.c: the translation of one that is in a group; emit_begin comes first. */
void write_grouped_push(struct program *program, const struct text *text, uint32_t index);

/* prefetch.c: finds stores in loops whose lines the cache has not. */
void program_find_prefetches(struct program *program);

/* translate.c: emits the chunk of every item that has one. */
bool program_translate(struct program *program);

/* layout.c: addresses of items, sections. */
bool program_layout(struct program *program);

/* Where a loaded section's bytes stand in the output. */
static inline uint32_t section_file_offset(const struct section *section)
{
    return section->header.sh_offset + (section->new_addr - section->header.sh_addr);
}

/* relocate.c: writes the contents of every loaded section. */
bool program_relocate(struct program *program);

/* elf_write.c: the rest of the output file: headers, note, tables, symbols. */
bool program_write(struct program *program);

/* report.c: --stats and --list. */
bool program_write_stats(struct program *program, double seconds);
void program_list(const struct program *program);

/*
 * The whole pipeline, from a file's bytes to a stream that can seek; program->options are set,
 * classify_init was called. False with a message in program->diag; whether the stream took all of
 * the output, the caller checks. Call program_free in both cases; the input must live until then.
 */
bool program_run(struct program *program, const struct bytes *input, FILE *output);

void program_free(struct program *program);

/* Speeds up the two searches below; once all items of a text section are known. */
void text_index(const struct program *program, struct text *text);

/* The item that starts at an address, or NO_ITEM. */
uint32_t program_find(const struct program *program, uint32_t addr);

/* The item whose original bytes hold an address, or NO_ITEM. */
uint32_t program_covering(const struct program *program, uint32_t addr);

const uint8_t *item_bytes(const struct text *text, const struct item *item);

/* Where calls and pointers to the item go. */
static inline uint32_t item_entry(const struct item *item)
{
    return item->new_addr - item->entry_size;
}

/* The item is a branch back within its text. */
static inline bool item_loops(const struct program *program, const struct text *text,
                              uint32_t index)
{
    const struct item *item = &program->items[index];
    return item->kind == ITEM_BRANCH && (item->flow == FLOW_BRANCH || item->flow == FLOW_JUMP) &&
           item->target >= text->first && item->target < index;
}

/* Bytes of a branch's legacy prefixes. */
unsigned branch_prefixes(const uint8_t *bytes, unsigned length);

/* layout.c: bytes that follow the item's chunk. */
uint32_t item_body_size(const struct text *text, const struct item *item);

/* The code that the map of windows covers; false: there is no map (nothing is mirrored, or text
 * sections lie so far apart that it would be larger than they). */
bool program_mapped(const struct program *program, uint32_t *base, uint32_t *count);

/* Where the map is, behind code that ends at `end`. */
static inline uint32_t program_map_at(uint32_t end)
{
    return (end + 3) & ~3u;
}

/* Index of the first relocation at or above an address. */
uint32_t program_first_reloc(const struct program *program, uint32_t addr);

/*
 * address.c: what a relocated field means. `addr` is an address of the original program, `section`
 * the one that it belongs to (NULL: a constant that stays as it is); the field's new value is
 * new(addr) + addend.
 */
struct meaning {
    struct section *section;
    uint32_t addr;
    uint32_t addend;
    bool physical;  /* biased by a load address: never called through */
    bool ambiguous; /* biased, and only the section is known, not where in the code it points */
};
struct meaning address_meaning(const struct program *program, const Elf32_Sym *symbol,
                               uint32_t value);

enum address_use { USE_BRANCH, USE_POINTER };

/* The new address; false: it lies inside an instruction. */
bool address_map(const struct program *program, const struct section *section, uint32_t addr,
                 enum address_use use, uint32_t *new_addr);

/* The same for an address of unknown section; between sections it moves with the next one. */
uint32_t address_map_any(const struct program *program, uint32_t addr, enum address_use use);

/* The entry point may be a physical address. */
uint32_t address_map_entry(const struct program *program, uint32_t addr);

#endif
