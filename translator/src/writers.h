/* The emit functions of the writer classes. Each translates emitter->insn: native first, then its
 * mirror. */
#ifndef TRANSLATOR_WRITERS_H
#define TRANSLATOR_WRITERS_H

#include "emit.h"

/* writers_memory.c: explicit memory operands */
void write_store(struct emitter *emitter);
void write_moffs(struct emitter *emitter);
void write_nontemporal(struct emitter *emitter);
void write_copy(struct emitter *emitter);
void write_x87(struct emitter *emitter);
void write_bit_offset(struct emitter *emitter);
void write_ltr(struct emitter *emitter);

/* writers_locked.c: what other processors may write, too. */
void write_locked(struct emitter *emitter);

/*
 * Copies mem to its mirror until the two agree; size in bytes: 1, 2, 4 or 8. `again` is ecx, or
 * NO_GPR where the flags may change.
 */
void write_locked_copy(struct emitter *emitter, struct mem mem, unsigned size, enum gpr value,
                       enum gpr again);

/* writers_stack.c */
void write_push_register(struct emitter *emitter);
void write_push_immediate(struct emitter *emitter);
void write_push_other(struct emitter *emitter);
void write_pusha(struct emitter *emitter);
void write_enter(struct emitter *emitter);

/* writers_string.c */
void write_maskmov(struct emitter *emitter);
void write_string(struct emitter *emitter);
void write_rep_stos(struct emitter *emitter);
void write_rep_copy(struct emitter *emitter);

/* What lies at the entry of a trap: dwords pushed by the processor, from [esp + skip] up (SDM
 * volume 3, 6.12.1). */
struct trap_frame {
    uint32_t skip;
    uint32_t dwords;
};

/* writers_entry.c: the mirror of `call`, at the callee's entry, and of interrupts. emit_begin comes
 * first. */
void write_entry_copy(struct emitter *emitter);
void write_trap_copy(struct emitter *emitter, struct trap_frame frame);

#endif
