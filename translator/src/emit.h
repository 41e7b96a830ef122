/*
 * Writes translations as bytes. Nothing is re-encoded by a library: an instruction is copied
 * verbatim, or spliced, that is its prefixes, opcode and immediate are copied around a new ModRM.
 * All helper instructions that can be emitted here leave the flags alone.
 *
 * Scratch registers: one that liveness proves dead, else one that is pushed; that push is mirrored
 * like any other, so that also the bytes below esp stay equal in both copies. Pushing moves esp:
 * esp_shift counts by how much.
 */
#ifndef TRANSLATOR_EMIT_H
#define TRANSLATOR_EMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "image.h"
#include "insn.h"
#include "vec.h"

/* A 32-bit field in emitted code: the value of relocation `reloc` in the new layout, plus extra. */
struct fixup {
    uint32_t at; /* index into the code bytes */
    uint32_t reloc;
    uint32_t extra;
};
VEC(fixup_vec, struct fixup);

/* Part of an item's translation in which native is written and mirror is not: [start, end), from
 * its first byte. */
struct item_window {
    uint32_t item;
    uint16_t start;
    uint16_t end;
};
VEC(window_vec, struct item_window);

#define MAX_SAVED 4

struct emitter {
    struct bytes code;
    struct fixup_vec fixups;
    struct window_vec windows;
    uint32_t offset;      /* OFFSET */
    uint32_t width_reloc; /* as wide_find_variable returns it */

    /* The item under translation. */
    uint32_t item;
    size_t start; /* of its translation in code */
    const struct insn *insn;
    const struct reloc *relocs; /* those inside the instruction */
    uint32_t reloc_first;       /* index of relocs[0] */
    uint32_t reloc_count;
    uint8_t dead;       /* registers whose values are not needed after the instruction */
    bool flags_dead;    /* nor are the status flags */
    uint8_t avoid;      /* registers that no scratch may be */
    uint32_t esp_shift; /* bytes pushed by scratch registers */
    int8_t saved[MAX_SAVED];
    unsigned saved_count;
    bool small_count; /* a string instruction does so few elements that a wide mirror is not worth
                         it */
    bool window_open;
    size_t window_start;
};

/* Registers with an 8-bit low part. */
#define GPR_LOW (GPR_BIT(EAX) | GPR_BIT(ECX) | GPR_BIT(EDX) | GPR_BIT(EBX))

/* Starts the translation of an item; dead: registers and STATUS_FLAGS that are not needed after it.
 * insn may be NULL (entry code). */
void emit_begin(struct emitter *emitter, uint32_t item, const struct insn *insn, uint8_t dead);

/* Windows: open right after (for repeated instructions: before) a native write, close after its
 * last mirror write. */
void emit_window_open(struct emitter *emitter);
void emit_window_close(struct emitter *emitter);

/* The instruction itself, verbatim but for an esp-relative operand when esp is shifted. Opens the
 * window. */
void emit_native(struct emitter *emitter);

/* Bytes [from, to) of the original instruction with the relocations that lie in them. */
void emit_original(struct emitter *emitter, unsigned from, unsigned to);

/* The instruction with another memory operand. */
void emit_spliced(struct emitter *emitter, struct mem mem);

/* The ModRM memory operand as it must be written now, displaced by `more` bytes. */
struct mem emit_operand(const struct emitter *emitter, uint32_t more);

/* Asks for the cache line at mem, to write to it: faults nowhere, changes nothing. */
void emit_prefetch(struct emitter *emitter, struct mem mem);

/* [base + disp], no segment override. */
struct mem emit_based(enum gpr base, uint32_t disp);

/* A register out of `from` that may be overwritten, saved by a push when none is dead. */
enum gpr emit_scratch(struct emitter *emitter, uint8_t from);

/* Gives back all scratch registers. */
void emit_restore(struct emitter *emitter);

void emit_bytes(struct emitter *emitter, const void *bytes, size_t size);
void emit_byte(struct emitter *emitter, uint8_t byte);
void emit_word32(struct emitter *emitter, uint32_t value);

/* A word with the value that the relocated field of `reloc` has. */
void emit_reloc(struct emitter *emitter, uint32_t reloc);

/* An opcode byte with a ModRM for `reg` and a memory operand; segment prefix included. */
void emit_op_mem(struct emitter *emitter, uint8_t opcode, unsigned reg, struct mem mem);

/* mov and lea; size in bytes: 1, 2 or 4. A load of less than 4 bytes clears the rest of the
 * register. */
void emit_load(struct emitter *emitter, unsigned size, enum gpr reg, struct mem mem);
void emit_store(struct emitter *emitter, unsigned size, enum gpr reg, struct mem mem);
void emit_lea(struct emitter *emitter, enum gpr reg, struct mem mem);
void emit_mov(struct emitter *emitter, enum gpr to, enum gpr from);

/* A forward branch whose target is not known yet, with a displacement of 8 bits: what to hand to
 * emit_land at its target. */
size_t emit_jump_ahead(struct emitter *emitter, uint8_t opcode);
void emit_land(struct emitter *emitter, size_t jump);

/* A branch of 8 bits back to emitted code. */
void emit_jump_back(struct emitter *emitter, uint8_t opcode, size_t target);

/* Loads the address of the instruction's memory operand, also of a 16-bit one. */
void emit_address(struct emitter *emitter, enum gpr reg);

/* Copies size bytes at mem to their mirror through a scratch register (of GPR_LOW if size is odd).
 */
void emit_copy(struct emitter *emitter, struct mem mem, unsigned size, enum gpr scratch);

/* Frees the emitted code and its fixups; windows stay. */
void emitter_drop_code(struct emitter *emitter);

/* Decodes the code emitted since `from`: it must be whole instructions. */
bool emit_check(const struct emitter *emitter, const ZydisDecoder *decoder, size_t from);

#endif
