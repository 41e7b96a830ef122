/* Which registers an instruction needs and which it overwrites: deliberately coarse, unknown
 * instructions need all. */
#ifndef KMV_VERIFY_USAGE_H
#define KMV_VERIFY_USAGE_H

#include "insn.h"

/* Bit sets as in program.h. `reads`: values that matter; `kills`: registers written whole. */
void usage_of(const struct insn *insn, uint16_t *reads, uint16_t *kills);

#endif
