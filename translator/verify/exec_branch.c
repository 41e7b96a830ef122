/* Jumps; loops by a counter. */
#include "exec_rules.h"

#include "alu.h"
#include "operand.h"

bool exec_jmp(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    machine->eip = operand_read(machine, insn, 0);
    return !insn->size16;
}

bool exec_jcc(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint8_t code = insn->opcode == 0x0f ? insn->opcode2 : insn->opcode;

    (void)argument;
    if (alu_condition(code & 15, machine->eflags)) {
        machine->eip = (uint32_t)insn->operands[0].imm;
    }
    return !insn->size16;
}

/* loopne, loope, loop, jecxz are opcodes e0 to e3; an address-size prefix makes the counter cx. */
bool exec_counted(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    x86_reg counter = insn->addr16 ? X86_REG_CX : X86_REG_ECX;
    bool zero = machine->eflags & FLAG_ZF;
    bool taken;

    (void)argument;
    if (insn->opcode == 0xe3) {
        taken = operand_read_reg(machine, counter) == 0;
    } else {
        operand_write_reg(machine, counter, operand_read_reg(machine, counter) - 1);
        taken = operand_read_reg(machine, counter) != 0 &&
                (insn->opcode == 0xe2 || zero == (insn->opcode == 0xe1));
    }
    if (taken) {
        machine->eip = (uint32_t)insn->operands[0].imm;
    }
    return !insn->size16;
}
