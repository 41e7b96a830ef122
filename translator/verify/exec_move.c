/* Moves between registers and memory, and of flags. */
#include "exec_rules.h"

#include "alu.h"
#include "operand.h"

typedef bool (*exec_fn)(struct machine *machine, const struct insn *insn, unsigned int argument);

bool exec_nothing(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)machine;
    (void)insn;
    (void)argument;
    return true;
}

bool exec_mov(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    return operand_write(machine, insn, 0, operand_read(machine, insn, 1));
}

bool exec_movsx(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t value = operand_read(machine, insn, 1);

    (void)argument;
    value = insn->operands[1].size == 1 ? (uint32_t)(int8_t)value : (uint32_t)(int16_t)value;
    return operand_write(machine, insn, 0, value);
}

bool exec_lea(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    struct insn flat = *insn;

    (void)argument;
    flat.segment = 0;
    return operand_write(machine, insn, 0, operand_address(machine, &flat, 1));
}

bool exec_xchg(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    unsigned int memory = operand_is(insn, 1, X86_OP_MEM) ? 1 : 0;
    uint32_t left = operand_read(machine, insn, memory);
    uint32_t right = operand_read(machine, insn, 1 - memory);

    (void)argument;
    /* Memory first: the register may be part of its address. */
    return operand_write(machine, insn, memory, right) &&
           operand_write(machine, insn, 1 - memory, left);
}

bool exec_lahf(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)insn;
    (void)argument;
    return operand_write_reg(machine, X86_REG_AH, machine->eflags & 0xff);
}

bool exec_sahf(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t mask = FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF;

    (void)insn;
    (void)argument;
    machine->eflags = (machine->eflags & ~mask) | (operand_read_reg(machine, X86_REG_AH) & mask);
    return true;
}

bool exec_direction(struct machine *machine, const struct insn *insn, unsigned int down)
{
    (void)insn;
    machine->eflags = (machine->eflags & ~FLAG_DF) | (down ? FLAG_DF : 0);
    return true;
}

bool exec_setcc(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    return operand_write(machine, insn, 0, alu_condition(insn->opcode2 & 15, machine->eflags));
}

bool exec_bswap(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    return operand_write(machine, insn, 0, __builtin_bswap32(operand_read(machine, insn, 0)));
}
