#include "exec_rules.h"

#include "operand.h"
#include "writers.h"

/*
 * Writers whose arithmetic does not matter here: what is stored is an unknown function of the
 * inputs, so that a mirror write which is not a copy, nor the same function of the same inputs,
 * differs.
 */
static uint64_t unknown_value(struct machine *machine, const struct insn *insn,
                              const struct writer_rule *rule)
{
    uint32_t operation = rule->properties & STORE_REGISTER ? 0 : writer_without_pop(insn->id);
    uint64_t value = machine_mix(machine->seed ^ 0x76616c, operation);

    for (unsigned int i = 0; i < insn->operand_count; i++) {
        const cs_x86_op *operand = &insn->operands[i];

        if (operand->type == X86_OP_MEM && !(rule->properties & STORE_READS_OLD)) {
            continue;
        }
        value = machine_mix(value, operand_read(machine, insn, i));
    }
    if (rule->properties & STORE_READS_OLD) {
        value = machine_mix(value, machine->eflags & FLAG_CF);
    }
    value = machine_mix(value, machine->fpu_steps);
    return rule->properties & STORE_ONCE ? machine_mix(value, ++machine->once) : value;
}

bool exec_unknown_store(struct machine *machine, const struct insn *insn)
{
    const struct writer_rule *rule = writer_rule_of(insn);
    unsigned int size;
    uint64_t value;
    uint32_t address;

    if (!rule || rule->kind != WRITES_OPERAND || !operand_is(insn, 0, X86_OP_MEM)) {
        return false;
    }
    size = writer_size(rule, insn);
    value = unknown_value(machine, insn, rule);
    address = operand_address(machine, insn, 0);
    for (unsigned int i = 0; i < size; i++) {
        machine_write_byte(machine, address + i, (uint8_t)machine_mix(value, i));
    }
    if (rule->properties & STORE_SETS_FLAGS) {
        machine->eflags = (machine->eflags & ~FLAGS_STATUS) |
                          ((uint32_t)machine_mix(value, 0xf1a65) & FLAGS_STATUS);
    }
    machine->fpu_steps += (rule->properties & STORE_FPU_STEP) != 0;
    return true;
}
