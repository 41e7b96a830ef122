/* stos, movs and ins, with and without repetition. */
#include "exec_rules.h"

#include "operand.h"

/* Repetitions of one string instruction; the states that are tried use small counts. */
#define MAX_REPETITIONS 2048u

static unsigned int string_size(const struct insn *insn)
{
    if ((insn->opcode & 1) == 0) {
        return 1;
    }
    return insn->size16 ? 2 : 4;
}

/* What one repetition stores: al/ax/eax (aa, ab), memory at esi (a4, a5) or port input (6c, 6d). */
static uint32_t string_input(struct machine *machine, const struct insn *insn, unsigned int size)
{
    switch (insn->opcode & 0xfe) {
    case 0xaa:
        return machine->gpr[REG_EAX];
    case 0xa4:
        return machine_read(
            machine, machine->gpr[REG_ESI] + operand_segment_base(machine, insn->segment), size);
    default:
        return (uint32_t)machine_mix(machine->seed ^ 0x706f7274, machine->once++);
    }
}

bool exec_string(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    bool repeated = insn->rep || insn->repne;
    unsigned int size = string_size(insn);
    uint32_t step = machine->eflags & FLAG_DF ? 0u - size : size;
    uint32_t count = repeated ? machine->gpr[REG_ECX] : 1;

    (void)argument;
    /* Registers of 16 bits for string operations are not modelled. */
    if (insn->addr16 || count > MAX_REPETITIONS || !insn_is_string(insn)) {
        return false;
    }
    for (; count > 0; count--) {
        machine_write(machine, machine->gpr[REG_EDI], size, string_input(machine, insn, size));
        machine->gpr[REG_EDI] += step;
        if ((insn->opcode & 0xfe) == 0xa4) {
            machine->gpr[REG_ESI] += step;
        }
    }
    if (repeated) {
        machine->gpr[REG_ECX] = 0;
    }
    return true;
}
