/* Runs one instruction on the model. */
#ifndef KMV_VERIFY_EXEC_H
#define KMV_VERIFY_EXEC_H

#include "insn.h"
#include "machine.h"

/* Does the instruction and moves eip on. False: the model does not know the instruction, or the run
 * is too long. */
bool exec_insn(struct machine *machine, const struct insn *insn);

/* Linear address of a memory operand, as of the current registers. */
uint32_t exec_address(const struct machine *machine, const struct insn *insn, unsigned int operand);

/* Index of a 32-bit general register, or of the one that an 8- or 16-bit name is part of; -1 for
 * others. */
int exec_gpr_index(x86_reg reg);

#endif
