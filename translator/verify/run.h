/* A run of a translated piece on the model, beside its original. */
#ifndef KMV_VERIFY_RUN_H
#define KMV_VERIFY_RUN_H

#include "check.h"
#include "machine.h"

struct run {
    const struct program *program;
    const struct piece *piece;
    const struct insn *reference; /* the original, with its relocated fields as they are now */
    struct machine before;
    struct machine original;
    struct machine translated;
    uint32_t start;         /* of the piece, or behind its entry copy */
    enum entry_kind entry;  /* what the program counts as, from there */
    uint32_t interrupt_at;  /* step before which an interrupt comes; NO_INDEX: none */
    uint32_t steps;         /* done */
    uint32_t race_at[2];    /* before which instructions another processor writes; NO_INDEX: none */
    uint32_t races_left[2]; /* how often */
    bool native_done;
    bool reached[PIECE_MAX]; /* instructions that some run got to */
    bool window_fault;
    uint32_t window_fault_at;
    char message[128];
};

/* Sets the run's message; returns false. */
bool run_fail(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Other processors may write what this instruction writes, between any two instructions. */
bool race_possible(const struct insn *insn);

/* Before instruction `at`: it may be time for another processor to write what the original wrote,
 * with a lock, and to mirror it. */
void race_write(struct run *run, uint32_t at);

/* Runs the instruction; its mirror of what a locked instruction wrote must be written with a lock.
 */
bool race_step(struct run *run, const struct insn *insn);

/* The first byte that is stored natively and not mirrored; false if there is none. */
bool judge_stale(const struct run *run, uint32_t *address);
bool judge_left_stale(const struct run *run, uint32_t *address);

/* At a boundary: notes whether the window table is wrong here. */
void judge_window(struct run *run);

/* Of a new store: may the translation make it? */
bool judge_store(struct run *run, const struct stored_byte *store);

/* At the end. Registers are compared where `live` has their bits; an exit is right at
 * `expected_eip`. */
bool judge_registers(struct run *run, const struct machine *expected, uint16_t live);
bool judge_memory(struct run *run, const struct machine *expected);
bool judge_exit(struct run *run, uint32_t expected_eip);
bool judge_windows(struct run *run);
bool judge_entry_copy(struct run *run);

#endif
