/* Mirrors of repeated string instructions by vector registers (wide.c). */
#ifndef TRANSLATOR_WIDE_H
#define TRANSLATOR_WIDE_H

#include "emit.h"

struct wide {
    enum gpr count; /* ecx before the instruction */
    enum gpr start; /* edi before the instruction */
    unsigned size;  /* of an element */
    bool fills;     /* all elements are equal */

    unsigned unit; /* the rest is wide.c's own */
    size_t to_wide;
    size_t narrow;
};

/* After the native instruction. True: what follows now, up to wide_end, is the narrow mirror, which
 * leaves every register as it has to be. False: there is no wide one. */
bool wide_begin(struct emitter *emitter, struct wide *wide);
void wide_end(struct emitter *emitter, struct wide *wide);

/* One more than the index of a relocation whose field is the address of the program's
 * KMV_VECTOR_SYMBOL; 0: the program has none, or never uses it. */
uint32_t wide_find_variable(const struct image *image);

#endif
