/* The check of one translated instruction: the piece of new text from its mapped address to the
 * next one's. */
#ifndef KMV_VERIFY_CHECK_H
#define KMV_VERIFY_CHECK_H

#include "program.h"
#include "writers.h"

/* Instructions in one piece: a mirrored fxsave by single copies is the longest imaginable. */
#define PIECE_MAX 512u

/* Pushes whose mirrors are written together, at most. */
#define GROUP_MAX 16u

struct piece {
    uint32_t index; /* of the pair */
    uint32_t last;  /* of the last pair: another one for a group of pushes */
    uint32_t start; /* new addresses */
    uint32_t end;
    struct insn original;
    struct insn code[PIECE_MAX];
    uint32_t count; /* instructions in front of the padding at the end */
    uint32_t match; /* which of them is the original; NO_INDEX if none */
    bool complete;  /* all of it could be decoded */
};

/*
 * Makes the piece of a push that is not mirrored one with the pushes that follow, up to the first
 * one with code behind it, if control can't but run through all of them. The natives then stand in
 * code[match] and behind it.
 */
void piece_group(const struct program *program, struct piece *piece);

struct totals {
    uint32_t instructions;
    uint32_t writers;
    uint32_t mirrored;
};

/* Checks every instruction of the original; findings go to the program's report. False: out of
 * memory. */
bool check_instructions(struct program *program, struct totals *totals);

/* Decodes the translation of one instruction and finds the original in it. */
void piece_load(const struct program *program, uint32_t index, struct piece *piece);

/*
 * Runs the piece from several states, beside the original instruction, and compares. Returns NULL,
 * or a text (valid until the next call) saying what differs.
 */
const char *piece_run(const struct program *program, const struct piece *piece);

#endif
