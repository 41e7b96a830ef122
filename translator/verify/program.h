/* The original program as a list of instructions, with what the checks of single instructions need
 * to know of the rest. */
#ifndef KMV_VERIFY_PROGRAM_H
#define KMV_VERIFY_PROGRAM_H

#include "insn.h"
#include "map.h"
#include "report.h"

/* Registers as a bit set: bit n is general register n; one more bit stands for the status flags. */
#define LIVE_FLAGS 0x100u
#define LIVE_ALL   0x1ffu

enum flow_kind {
    FLOW_NEXT,   /* goes on */
    FLOW_JUMP,   /* direct jmp */
    FLOW_BRANCH, /* jcc, loop, jecxz: target or next */
    FLOW_CALL,   /* direct call */
    FLOW_RETURN, /* ret */
    FLOW_AWAY,   /* where to is not known: indirect jmp or call, int, iret */
    FLOW_DEAD,   /* stops: ud2, hlt is not one */
};

enum entry_kind {
    ENTRY_NONE,
    ENTRY_ALLOWED,  /* a label: the bytes at esp may be mirrored there */
    ENTRY_REQUIRED, /* a function that is called: the return address must be mirrored there */
    ENTRY_TRAP,     /* a trap entry: the hardware's frame must be mirrored there */
};

struct flow {
    uint32_t target; /* index of the target's pair, or NO_INDEX */
    uint16_t reads;  /* registers that must keep their values for this instruction */
    uint16_t kills;  /* registers that it overwrites whole */
    uint8_t kind;    /* enum flow_kind */
    uint8_t length;
    uint8_t entry;    /* enum entry_kind */
    uint8_t frame_at; /* for ENTRY_TRAP: where the hardware's frame is, from esp */
    uint8_t frame;    /* and its bytes */
    uint8_t stub;     /* part of a vector: pushes, then a jump to where the frame is mirrored */
    uint8_t deferred; /* a push of a vector that is mirrored with the frame */
    uint8_t owing;    /* behind such a push */
    uint8_t targeted; /* a branch, a pointer or a symbol leads here */
};

struct program {
    struct address_map *map;
    struct decoder *decoder;
    struct report *report;
    struct flow *flows;   /* one a pair of the map */
    uint16_t *live_in;    /* one a pair: registers that matter before the instruction */
    uint16_t *live_out;   /* and behind it */
    uint32_t vector_word; /* new address of the program's KMV_VECTOR_SYMBOL; 0: none */
};

/* Decodes the original and finds entries. False: out of memory. Findings go to the report. */
bool program_load(struct program *program, struct address_map *map, struct decoder *decoder,
                  struct report *report);
void program_free(struct program *program);

/* Decodes the original instruction of a pair; false if it is none. */
bool program_original(const struct program *program, uint32_t index, struct insn *insn);

/* Makes the code at this symbol a trap entry: the hardware's frame is `size` bytes at esp + at.
 * False: no such code symbol. */
bool program_add_trap(struct program *program, const char *symbol, uint8_t at, uint8_t size);

/* Finds where calls go: to the address that the map names, or to a copy in front of it. */
void program_find_entries(struct program *program);

/* May the translation of this branch, to the instruction of a pair, go to this new address? */
bool program_branch_goes_to(const struct program *program, const struct insn *branch,
                            uint32_t target_index, uint32_t new_target);

/* Computes live_in and live_out. False: out of memory. */
bool program_find_live(struct program *program);

#endif
