/* Moves of vector register 0, which mirrors of large fills and copies use. */
#include "exec_rules.h"

#include "operand.h"

/* The operand's bytes if it is the whole register that the program keeps; 0: another register, or
 * more or less of it: a VEX-encoded load would clear the rest (SDM vol. 1, 14.1.2). */
static unsigned int register_bytes(const struct machine *machine, const cs_x86_op *operand)
{
    if (operand->type != X86_OP_REG || operand->size != machine->vector_bytes) {
        return 0;
    }
    if (operand->reg == X86_REG_YMM0) {
        return 32;
    }
    return operand->reg == X86_REG_ZMM0 ? 64 : 0;
}

/* A store of another register is a writer like any other: nothing inserted may load that register.
 */
static bool holds_register_0(const struct machine *machine, const cs_x86_op *operand)
{
    return machine->vector_bytes != 0 &&
           (operand->reg == X86_REG_XMM0 || operand->reg == X86_REG_YMM0 ||
            operand->reg == X86_REG_ZMM0);
}

/* vbroadcastss from memory: its four bytes again and again. */
bool exec_vector_broadcast(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    unsigned int bytes = register_bytes(machine, &insn->operands[0]);
    uint32_t address;

    (void)argument;
    if (insn->operand_count != 2 || !operand_is(insn, 1, X86_OP_MEM)) {
        return false;
    }
    address = operand_address(machine, insn, 1);
    for (unsigned int i = 0; i < bytes; i++) {
        machine->vector[i] = machine_read_byte(machine, address + i % 4);
    }
    return bytes != 0;
}

/* vmovdqu and vmovdqu32 without masks, to or from memory. */
bool exec_vector_move(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    bool store = insn->operand_count == 2 && operand_is(insn, 0, X86_OP_MEM);
    unsigned int memory = store ? 0 : 1;
    unsigned int bytes;
    uint32_t address;

    (void)argument;
    if (insn->operand_count != 2 || !operand_is(insn, memory, X86_OP_MEM)) {
        return false;
    }
    if (store && !holds_register_0(machine, &insn->operands[1])) {
        return exec_unknown_store(machine, insn);
    }
    bytes = register_bytes(machine, &insn->operands[1 - memory]);
    address = operand_address(machine, insn, memory);
    for (unsigned int i = 0; i < bytes; i++) {
        if (store) {
            machine_write_byte(machine, address + i, machine->vector[i]);
        } else {
            machine->vector[i] = machine_read_byte(machine, address + i);
        }
    }
    return bytes != 0;
}
