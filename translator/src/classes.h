/*
 * The writer classes: one row each. An instruction that writes memory and has no row is an error;
 * one that is in two rows cannot be, as rows are tried in order.
 */
#ifndef TRANSLATOR_CLASSES_H
#define TRANSLATOR_CLASSES_H

#include "writers.h"

struct writer_class {
    const char *name;
    const char *mirror;                 /* how the mirror is written, for people */
    const ZydisMnemonic *mnemonics;     /* ends with ZYDIS_MNEMONIC_INVALID */
    bool (*match)(const struct insn *); /* NULL: the mnemonic suffices */
    void (*emit)(
        struct emitter *); /* NULL: the instruction stays, its mirror is written elsewhere */
};

#define WRITER_NONE 31 /* no writer; rows have smaller numbers */

extern const struct writer_class writer_classes[];
extern const unsigned writer_class_count;

/* Builds the index from mnemonics to rows; once, before classify. */
void classify_init(void);

/* The row of an instruction, or WRITER_NONE, in *row. False: it writes memory and no row knows how.
 */
bool classify(const struct insn *insn, uint8_t *row);

/* The row with this name, or -1. */
int writer_class_find(const char *name);

#endif
