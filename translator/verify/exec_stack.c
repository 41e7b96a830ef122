/* What pushes and pops. */
#include "exec_rules.h"

#include "alu.h"
#include "operand.h"

static void push(struct machine *machine, unsigned int size, uint32_t value)
{
    machine->gpr[REG_ESP] -= size;
    machine_write(machine, machine->gpr[REG_ESP], size, value);
}

static uint32_t pop(struct machine *machine, unsigned int size)
{
    uint32_t value = machine_read(machine, machine->gpr[REG_ESP], size);

    machine->gpr[REG_ESP] += size;
    return value;
}

/* A pushed segment register may leave the upper half of its slot alone (SDM vol. 2, PUSH). */
bool exec_push(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    unsigned int size = insn->size16 ? 2 : 4;
    uint32_t value = operand_read(machine, insn, 0);

    (void)argument;
    if (operand_is(insn, 0, X86_OP_REG) && operand_gpr_index(insn->operands[0].reg) < 0 &&
        (machine->seed & 1)) {
        value |= machine_read(machine, machine->gpr[REG_ESP] - size, size) & 0xffff0000u;
    }
    push(machine, size, value);
    return true;
}

/* The destination's address is computed after the increment (SDM vol. 2, POP). */
bool exec_pop(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t value = pop(machine, insn->size16 ? 2 : 4);

    (void)argument;
    return operand_write(machine, insn, 0, value);
}

bool exec_pusha(struct machine *machine, const struct insn *insn, unsigned int size)
{
    uint32_t esp = machine->gpr[REG_ESP];

    (void)insn;
    for (unsigned int i = 0; i < REG_COUNT; i++) {
        push(machine, size, i == REG_ESP ? esp : machine->gpr[i]);
    }
    return true;
}

bool exec_pushf(struct machine *machine, const struct insn *insn, unsigned int size)
{
    (void)insn;
    push(machine, size, machine->eflags);
    return true;
}

bool exec_popf(struct machine *machine, const struct insn *insn, unsigned int size)
{
    uint32_t mask = alu_mask(size);

    (void)insn;
    machine->eflags = (machine->eflags & ~mask) | (pop(machine, size) & mask);
    return true;
}

bool exec_enter(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t level = (uint32_t)insn->operands[1].imm & 31;
    uint32_t frame;
    uint32_t display = machine->gpr[REG_EBP];

    (void)argument;
    if (insn->size16) {
        return false;
    }
    push(machine, 4, machine->gpr[REG_EBP]);
    frame = machine->gpr[REG_ESP];
    for (uint32_t i = 1; i < level; i++) {
        display -= 4;
        push(machine, 4, machine_read(machine, display, 4));
    }
    if (level > 0) {
        push(machine, 4, frame);
    }
    machine->gpr[REG_EBP] = frame;
    machine->gpr[REG_ESP] -= (uint32_t)insn->operands[0].imm & 0xffff;
    return true;
}

bool exec_call(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t target = operand_read(machine, insn, 0);

    (void)argument;
    push(machine, 4, machine->eip);
    machine->eip = target;
    return !insn->size16;
}
