/*
 * Stores that leave bytes alone: by a mask register, or by what the processor has in use.
 *
 * Which bytes is an unknown function of the inputs. So a mirror that copies all of them stores
 * where the original does not, and one with another mask leaves some out.
 */
#include "exec_rules.h"
#include "operand.h"
#include "writers.h"

/* An xsave area in pieces of which each is stored or not: 512 bytes of x87 and SSE, 64 of header,
 * 256 of AVX (SDM vol. 1, 13.4). */
#define XSAVE_BYTES 832u

static bool is_ymm(x86_reg reg)
{
    return reg >= X86_REG_YMM0 && reg <= X86_REG_YMM15;
}

static void store_chosen(struct machine *machine, uint32_t address, uint32_t size, uint32_t element,
                         uint64_t choice, uint64_t value)
{
    for (uint32_t i = 0; i < size; i++) {
        if (machine_mix(choice, i / element) & 1) {
            machine_write_byte(machine, address + i, (uint8_t)machine_mix(value, i));
        }
    }
}

/*
 * vmaskmov m, mask, source stores the elements whose mask has its highest bit set; maskmov source,
 * mask bytes, at edi.
 */
bool exec_masked(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    const struct writer_rule *rule = writer_rule_of(insn);
    bool hidden = rule && rule->kind == WRITES_HIDDEN;
    unsigned int mask_at = 1;
    unsigned int source_at = hidden ? 0 : 2;
    uint32_t address = machine->gpr[REG_EDI] + operand_segment_base(machine, insn->segment);
    uint32_t size = insn->id == X86_INS_MASKMOVQ ? 8 : 16;

    (void)argument;
    if (!rule || insn->addr16 || !operand_is(insn, mask_at, X86_OP_REG) ||
        !operand_is(insn, source_at, X86_OP_REG)) {
        return false;
    }
    if (!hidden) {
        address = operand_address(machine, insn, 0);
        size = is_ymm(insn->operands[source_at].reg) ? 32 : 16;
    }
    store_chosen(machine, address, size, rule->size,
                 machine_mix(machine->seed ^ 0x6d61736b, operand_read(machine, insn, mask_at)),
                 machine_mix(insn->id, operand_read(machine, insn, source_at)));
    return true;
}

/*
 * edx:eax asks for components of the state; what is in use, and for xsaveopt what was modified, is
 * in no register. Of XSTATE_BV the bits that were not asked for keep their old value (SDM vol.
 * 1, 13.7): the same in both copies, if they were equal before.
 */
bool exec_xsave(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    const struct writer_rule *rule = writer_rule_of(insn);
    uint64_t asked = (uint64_t)machine->gpr[REG_EDX] << 32 | machine->gpr[REG_EAX];

    (void)argument;
    if (!rule || insn->addr16 || !operand_is(insn, 0, X86_OP_MEM)) {
        return false;
    }
    store_chosen(machine, operand_address(machine, insn, 0), XSAVE_BYTES, rule->size,
                 machine_mix(machine->seed ^ insn->id, asked),
                 machine_mix(machine->seed ^ 0x7873, machine->fpu_steps));
    return true;
}
