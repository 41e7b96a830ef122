/* Repeated string instructions by vector registers (wide.c). */
#ifndef TRANSLATOR_WIDE_H
#define TRANSLATOR_WIDE_H

#include "emit.h"

struct wide {
    enum gpr count;                                  /* ecx before the instruction */
    enum gpr start;                                  /* edi before the instruction */
    unsigned size;                                   /* of an element */
    enum { WIDE_FILL, WIDE_COPY, WIDE_MIRROR } does; /* the last: the native stores are done */

    unsigned unit; /* the rest is wide.c's own */
    size_t to_wide;
    size_t narrow;
};

/* Before the native instruction, or after that of a WIDE_MIRROR. True: what follows now, up to
 * wide_end, is the narrow way, which leaves every register as it has to be; ecx is lost. False:
 * there is no wide one. */
bool wide_begin(struct emitter *emitter, struct wide *wide);
void wide_end(struct emitter *emitter, struct wide *wide);

/* One more than the index of a relocation whose field is the address of the program's
 * KMV_VECTOR_SYMBOL; 0: the program has none, or never uses it. */
uint32_t wide_find_variable(const struct image *image);

#endif
