/* Registers and operands of instructions on the model. */
#ifndef KMV_VERIFY_OPERAND_H
#define KMV_VERIFY_OPERAND_H

#include "insn.h"
#include "machine.h"

/* Index of a 32-bit general register, or of the one that an 8- or 16-bit name is part of; -1 for
 * others. */
int operand_gpr_index(x86_reg reg);

/* Registers that are not general ones read as values that nothing inserted may change; they can't
 * be written. */
uint32_t operand_read_reg(const struct machine *machine, x86_reg reg);
bool operand_write_reg(struct machine *machine, x86_reg reg, uint32_t value);

/* Base that a segment prefix adds to an address; 0 for none. */
uint32_t operand_segment_base(const struct machine *machine, uint8_t prefix);

/* Linear address of a memory operand, as of the current registers. */
uint32_t operand_address(const struct machine *machine, const struct insn *insn,
                         unsigned int operand);

/* Operands of 1, 2 or 4 bytes, by index. Writing is false for what can't be written. */
uint32_t operand_read(const struct machine *machine, const struct insn *insn, unsigned int index);
bool operand_write(struct machine *machine, const struct insn *insn, unsigned int index,
                   uint32_t value);

#endif
