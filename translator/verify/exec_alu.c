/* Integer arithmetic on operands. */
#include "exec_rules.h"

#include "alu.h"
#include "operand.h"

bool exec_alu(struct machine *machine, const struct insn *insn, unsigned int operation)
{
    unsigned int size = insn->operands[0].size;
    uint32_t left = operand_read(machine, insn, 0);
    uint32_t right = insn->operand_count > 1 ? operand_read(machine, insn, 1) : 1;

    right &= alu_mask(size);
    return operand_write(machine, insn, 0,
                         alu_compute(operation, left, right, size, &machine->eflags));
}

/* cmp and test: the operation without its result. */
bool exec_compare(struct machine *machine, const struct insn *insn, unsigned int operation)
{
    unsigned int size = insn->operands[0].size;
    uint32_t right = operand_read(machine, insn, 1) & alu_mask(size);

    alu_compute(operation, operand_read(machine, insn, 0), right, size, &machine->eflags);
    return true;
}

/* inc and dec leave the carry flag alone. */
bool exec_step(struct machine *machine, const struct insn *insn, unsigned int operation)
{
    uint32_t carry = machine->eflags & FLAG_CF;
    uint32_t value = alu_compute(operation, operand_read(machine, insn, 0), 1,
                                 insn->operands[0].size, &machine->eflags);

    machine->eflags = (machine->eflags & ~FLAG_CF) | carry;
    return operand_write(machine, insn, 0, value);
}

bool exec_neg(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    return operand_write(machine, insn, 0,
                         alu_compute(ALU_SUB, 0, operand_read(machine, insn, 0),
                                     insn->operands[0].size, &machine->eflags));
}

bool exec_not(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    return operand_write(machine, insn, 0, ~operand_read(machine, insn, 0));
}

bool exec_xadd(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t left = operand_read(machine, insn, 0);
    uint32_t sum = alu_compute(ALU_ADD, left, operand_read(machine, insn, 1),
                               insn->operands[0].size, &machine->eflags);

    (void)argument;
    if (operand_is(insn, 0, X86_OP_MEM)) {
        return operand_write(machine, insn, 0, sum) && operand_write(machine, insn, 1, left);
    }
    return operand_write(machine, insn, 1, left) && operand_write(machine, insn, 0, sum);
}

/* Memory is written in either case: with its old value when the comparison fails (SDM vol. 2,
 * CMPXCHG). */
bool exec_cmpxchg(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    static const x86_reg accumulators[] = {0, X86_REG_AL, X86_REG_AX, 0, X86_REG_EAX};
    unsigned int size = insn->operands[0].size;
    x86_reg accumulator = size <= 4 ? accumulators[size] : 0;
    uint32_t old = operand_read(machine, insn, 0);

    (void)argument;
    alu_compute(ALU_SUB, operand_read_reg(machine, accumulator), old, size, &machine->eflags);
    if (machine->eflags & FLAG_ZF) {
        return operand_write(machine, insn, 0, operand_read(machine, insn, 1));
    }
    return operand_write(machine, insn, 0, old) && operand_write_reg(machine, accumulator, old);
}

bool exec_cmpxchg8b(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t address = operand_address(machine, insn, 0);
    uint32_t low = machine_read(machine, address, 4);
    uint32_t high = machine_read(machine, address + 4, 4);
    bool equal = low == machine->gpr[REG_EAX] && high == machine->gpr[REG_EDX];

    (void)argument;
    machine->eflags = (machine->eflags & ~FLAG_ZF) | (equal ? FLAG_ZF : 0);
    machine_write(machine, address, 4, equal ? machine->gpr[REG_EBX] : low);
    machine_write(machine, address + 4, 4, equal ? machine->gpr[REG_ECX] : high);
    if (!equal) {
        machine->gpr[REG_EAX] = low;
        machine->gpr[REG_EDX] = high;
    }
    return true;
}
