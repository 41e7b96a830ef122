/* Runs one instruction on the model. */
#ifndef KMV_VERIFY_EXEC_H
#define KMV_VERIFY_EXEC_H

#include "insn.h"
#include "machine.h"

/* Does the instruction and moves eip on. False: the model does not know the instruction, or the run
 * is too long. */
bool exec_insn(struct machine *machine, const struct insn *insn);

#endif
