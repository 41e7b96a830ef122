#include "operand.h"

#include "alu.h"

#include <stddef.h>

struct reg_name {
    uint16_t reg;
    uint8_t index;
    uint8_t shift;
    uint8_t size;
};

#define FAMILY(index, r32, r16)                                                                    \
    {X86_REG_##r32, index, 0, 4},                                                                  \
    {                                                                                              \
        X86_REG_##r16, index, 0, 2                                                                 \
    }

static const struct reg_name reg_names[] = {
    FAMILY(REG_EAX, EAX, AX),    FAMILY(REG_ECX, ECX, CX),    FAMILY(REG_EDX, EDX, DX),
    FAMILY(REG_EBX, EBX, BX),    FAMILY(REG_ESP, ESP, SP),    FAMILY(REG_EBP, EBP, BP),
    FAMILY(REG_ESI, ESI, SI),    FAMILY(REG_EDI, EDI, DI),    {X86_REG_AL, REG_EAX, 0, 1},
    {X86_REG_CL, REG_ECX, 0, 1}, {X86_REG_DL, REG_EDX, 0, 1}, {X86_REG_BL, REG_EBX, 0, 1},
    {X86_REG_AH, REG_EAX, 8, 1}, {X86_REG_CH, REG_ECX, 8, 1}, {X86_REG_DH, REG_EDX, 8, 1},
    {X86_REG_BH, REG_EBX, 8, 1},
};

static const struct reg_name *operand_gpr(x86_reg reg)
{
    for (size_t i = 0; i < sizeof(reg_names) / sizeof(reg_names[0]); i++) {
        if (reg_names[i].reg == reg) {
            return &reg_names[i];
        }
    }
    return NULL;
}

int operand_gpr_index(x86_reg reg)
{
    const struct reg_name *name = operand_gpr(reg);

    return name ? name->index : -1;
}

/* Registers that are not modelled hold a value that nothing inserted may change. */
uint32_t operand_read_reg(const struct machine *machine, x86_reg reg)
{
    const struct reg_name *name = operand_gpr(reg);

    if (!name) {
        return (uint32_t)machine_mix(machine->seed ^ 0x726567, reg) & 0xffff;
    }
    return (machine->gpr[name->index] >> name->shift) & alu_mask(name->size);
}

bool operand_write_reg(struct machine *machine, x86_reg reg, uint32_t value)
{
    const struct reg_name *name = operand_gpr(reg);
    uint32_t mask;

    if (!name) {
        return false;
    }
    mask = alu_mask(name->size) << name->shift;
    machine->gpr[name->index] =
        (machine->gpr[name->index] & ~mask) | ((value << name->shift) & mask);
    return true;
}

uint32_t operand_segment_base(const struct machine *machine, uint8_t prefix)
{
    /* Flat but for fs and gs, as the address contract has it. */
    if (prefix != 0x64 && prefix != 0x65) {
        return 0;
    }
    return (uint32_t)machine_mix(machine->seed ^ 0x736567, prefix);
}

/* bt with a register operand reaches beyond its memory operand (SDM vol. 2, BT). */
static uint32_t bit_offset(const struct machine *machine, const struct insn *insn)
{
    bool bit = insn->id == X86_INS_BTS || insn->id == X86_INS_BTR || insn->id == X86_INS_BTC;
    uint32_t index;

    if (!bit || !operand_is(insn, 1, X86_OP_REG)) {
        return 0;
    }
    index = operand_read_reg(machine, insn->operands[1].reg);
    if (insn->operands[0].size == 2) {
        return (uint32_t)((int16_t)index >> 4) * 2;
    }
    return (uint32_t)((int32_t)index >> 5) * 4;
}

uint32_t operand_address(const struct machine *machine, const struct insn *insn,
                         unsigned int operand)
{
    const x86_op_mem *mem = &insn->operands[operand].mem;
    uint32_t address = (uint32_t)mem->disp;

    if (mem->base != X86_REG_INVALID) {
        address += operand_read_reg(machine, mem->base);
    }
    if (mem->index != X86_REG_INVALID && mem->index != X86_REG_EIZ) {
        address += operand_read_reg(machine, mem->index) * (uint32_t)mem->scale;
    }
    address += operand == 0 ? bit_offset(machine, insn) : 0;
    if (insn->addr16) {
        address &= 0xffff;
    }
    return address + operand_segment_base(machine, insn->segment);
}

uint32_t operand_read(const struct machine *machine, const struct insn *insn, unsigned int index)
{
    const cs_x86_op *operand = &insn->operands[index];

    switch (operand->type) {
    case X86_OP_REG:
        return operand_read_reg(machine, operand->reg);
    case X86_OP_IMM:
        return (uint32_t)operand->imm;
    default:
        return machine_read(machine, operand_address(machine, insn, index), operand->size);
    }
}

bool operand_write(struct machine *machine, const struct insn *insn, unsigned int index,
                   uint32_t value)
{
    const cs_x86_op *operand = &insn->operands[index];

    if (operand->type == X86_OP_REG) {
        return operand_write_reg(machine, operand->reg, value);
    }
    machine_write(machine, operand_address(machine, insn, index), operand->size, value);
    return operand->type == X86_OP_MEM;
}
