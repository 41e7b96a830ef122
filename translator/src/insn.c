#include "insn.h"

#include <string.h>

void insn_decoder_init(ZydisDecoder *decoder)
{
    ZydisDecoderInit(decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
}

/* The general register that contains a register, or NO_GPR. */
static int gpr_of(ZydisRegister reg)
{
    if (reg == ZYDIS_REGISTER_NONE)
        return NO_GPR;
    ZydisRegister whole = ZydisRegisterGetLargestEnclosing(ZYDIS_MACHINE_MODE_LEGACY_32, reg);
    if (whole < ZYDIS_REGISTER_EAX || whole > ZYDIS_REGISTER_EDI)
        return NO_GPR;
    return whole - ZYDIS_REGISTER_EAX;
}

static uint8_t mask_of(ZydisRegister reg)
{
    int number = gpr_of(reg);
    return number == NO_GPR ? 0 : (uint8_t)GPR_BIT(number);
}

static void note_register(struct insn *insn, const ZydisDecodedOperand *operand)
{
    uint8_t mask = mask_of(operand->reg.value);
    if (operand->actions & ZYDIS_OPERAND_ACTION_MASK_READ)
        insn->reads |= mask;
    if (!(operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
        return;
    insn->writes |= mask;
    if ((operand->actions & ZYDIS_OPERAND_ACTION_WRITE) &&
        operand->reg.value >= ZYDIS_REGISTER_EAX && operand->reg.value <= ZYDIS_REGISTER_EDI)
        insn->kills |= mask;
}

static void note_memory(struct insn *insn, const ZydisDecodedOperand *operand)
{
    insn->reads |= mask_of(operand->mem.base) | mask_of(operand->mem.index);
    if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY && operand->mem.type == ZYDIS_MEMOP_TYPE_MEM &&
        (operand->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)) {
        insn->writes_mem = true;
        if (insn->mem_size == 0)
            insn->mem_size = operand->size / 8;
    }
}

static void note_operands(struct insn *insn)
{
    for (unsigned i = 0; i < insn->zydis.operand_count; i++) {
        const ZydisDecodedOperand *operand = &insn->operands[i];
        if (operand->type == ZYDIS_OPERAND_TYPE_REGISTER)
            note_register(insn, operand);
        else if (operand->type == ZYDIS_OPERAND_TYPE_MEMORY)
            note_memory(insn, operand);
    }
    /* A repeated string instruction with a count of zero changes nothing: no register is surely
     * overwritten. */
    if (insn->zydis.attributes &
        (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE))
        insn->kills = 0;
}

/* `xor r,r` and `sub r,r` do not depend on r: without this every zeroed register would count as
 * needed. */
static void note_zeroing(struct insn *insn)
{
    const ZydisDecodedInstruction *zydis = &insn->zydis;
    if ((zydis->mnemonic != ZYDIS_MNEMONIC_XOR && zydis->mnemonic != ZYDIS_MNEMONIC_SUB) ||
        zydis->operand_width != 32)
        return;
    const ZydisDecodedOperand *first = &insn->operands[0], *second = &insn->operands[1];
    if (first->type == ZYDIS_OPERAND_TYPE_REGISTER && second->type == ZYDIS_OPERAND_TYPE_REGISTER &&
        first->reg.value == second->reg.value)
        insn->reads &= ~mask_of(first->reg.value);
}

static uint8_t segment_prefix(const ZydisDecodedInstruction *zydis)
{
    static const struct {
        ZydisInstructionAttributes attribute;
        uint8_t prefix;
    } prefixes[] = {
        {ZYDIS_ATTRIB_HAS_SEGMENT_CS, 0x2e}, {ZYDIS_ATTRIB_HAS_SEGMENT_SS, 0x36},
        {ZYDIS_ATTRIB_HAS_SEGMENT_DS, 0x3e}, {ZYDIS_ATTRIB_HAS_SEGMENT_ES, 0x26},
        {ZYDIS_ATTRIB_HAS_SEGMENT_FS, 0x64}, {ZYDIS_ATTRIB_HAS_SEGMENT_GS, 0x65},
    };
    for (unsigned i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
        if (zydis->attributes & prefixes[i].attribute)
            return prefixes[i].prefix;
    return 0;
}

/* SDM volume 2, table 2-1. */
static uint8_t address_regs16(const ZydisDecodedInstruction *zydis)
{
    static const uint8_t masks[8] = {GPR_BIT(EBX) | GPR_BIT(ESI),
                                     GPR_BIT(EBX) | GPR_BIT(EDI),
                                     GPR_BIT(EBP) | GPR_BIT(ESI),
                                     GPR_BIT(EBP) | GPR_BIT(EDI),
                                     GPR_BIT(ESI),
                                     GPR_BIT(EDI),
                                     GPR_BIT(EBP),
                                     GPR_BIT(EBX)};
    bool absolute = zydis->raw.modrm.mod == 0 && zydis->raw.modrm.rm == 6;
    return absolute ? 0 : masks[zydis->raw.modrm.rm];
}

/* Reads ModRM, SIB and displacement, or the displacement of a mov with an absolute address, as they
 * stand in the bytes (SDM volume 2, 2.1.5). */
static void note_address(struct insn *insn)
{
    const ZydisDecodedInstruction *zydis = &insn->zydis;
    struct mem *mem = &insn->mem;
    mem->base = mem->index = NO_GPR;
    mem->segment = segment_prefix(zydis);
    mem->disp = (uint32_t)zydis->raw.disp.value;
    mem->disp_at = zydis->raw.disp.size == 32 ? zydis->raw.disp.offset : 0;
    if (!(zydis->attributes & ZYDIS_ATTRIB_HAS_MODRM) || zydis->raw.modrm.mod == 3)
        return;
    insn->has_mem = true;
    insn->addr16 = zydis->address_width == 16;
    if (insn->addr16) {
        insn->address_regs = address_regs16(zydis);
        return;
    }
    bool absolute = zydis->raw.modrm.mod == 0;
    if (zydis->raw.modrm.rm != 4) {
        if (zydis->raw.modrm.rm != EBP || !absolute)
            mem->base = (int8_t)zydis->raw.modrm.rm;
    } else {
        if (zydis->raw.sib.base != EBP || !absolute)
            mem->base = (int8_t)zydis->raw.sib.base;
        if (zydis->raw.sib.index != ESP) {
            mem->index = (int8_t)zydis->raw.sib.index;
            mem->scale = zydis->raw.sib.scale;
        }
    }
    if (mem->base != NO_GPR)
        insn->address_regs |= GPR_BIT(mem->base);
    if (mem->index != NO_GPR)
        insn->address_regs |= GPR_BIT(mem->index);
}

bool insn_decode(const ZydisDecoder *decoder, const uint8_t *bytes, size_t size, uint32_t addr,
                 struct insn *insn)
{
    if (!ZYAN_SUCCESS(ZydisDecoderDecodeFull(decoder, bytes, size, &insn->zydis, insn->operands)))
        return false;
    memset(&insn->bytes, 0, sizeof(*insn) - offsetof(struct insn, bytes));
    insn->bytes = bytes;
    insn->addr = addr;
    insn->length = insn->zydis.length;
    note_operands(insn);
    note_zeroing(insn);
    note_address(insn);
    return true;
}

bool insn_has_prefix(const struct insn *insn, uint8_t prefix)
{
    for (unsigned i = 0; i < insn->zydis.raw.prefix_count; i++)
        if (insn->zydis.raw.prefixes[i].value == prefix)
            return true;
    return false;
}

bool insn_is_locked(const struct insn *insn)
{
    return insn->has_mem &&
           (insn_has_prefix(insn, 0xf0) || insn->zydis.mnemonic == ZYDIS_MNEMONIC_XCHG);
}

/* CF, PF, AF, ZF, SF, OF */
#define STATUS_MASK 0x8d5u

bool insn_reads_flags(const struct insn *insn)
{
    ZydisMnemonic mnemonic = insn->zydis.mnemonic;
    const ZydisAccessedFlags *flags = insn->zydis.cpu_flags;
    return mnemonic == ZYDIS_MNEMONIC_PUSHF || mnemonic == ZYDIS_MNEMONIC_PUSHFD ||
           (flags != NULL && (flags->tested & STATUS_MASK) != 0);
}

/* Shifts by zero, for one, leave them all alone: only those that never do. */
bool insn_kills_flags(const struct insn *insn)
{
    switch (insn->zydis.mnemonic) {
    case ZYDIS_MNEMONIC_ADD:
    case ZYDIS_MNEMONIC_SUB:
    case ZYDIS_MNEMONIC_AND:
    case ZYDIS_MNEMONIC_OR:
    case ZYDIS_MNEMONIC_XOR:
    case ZYDIS_MNEMONIC_NEG:
    case ZYDIS_MNEMONIC_ADC:
    case ZYDIS_MNEMONIC_SBB:
    case ZYDIS_MNEMONIC_CMP:
    case ZYDIS_MNEMONIC_TEST:
        return true;
    default:
        return false;
    }
}

/* pop computes its address after it moved esp (SDM volume 2, POP): esp is right afterwards. */
bool insn_moves_address(const struct insn *insn)
{
    return (insn->writes & insn->address_regs & ~GPR_BIT(ESP)) != 0;
}

bool insn_is_relative_branch(const struct insn *insn)
{
    return insn->zydis.raw.imm[0].is_relative;
}

uint32_t insn_branch_target(const struct insn *insn)
{
    return insn->addr + insn->length + (uint32_t)insn->zydis.raw.imm[0].value.s;
}

bool insn_ends_flow(const struct insn *insn)
{
    switch (insn->zydis.meta.category) {
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_RET:
        return true;
    default:
        return insn->zydis.mnemonic == ZYDIS_MNEMONIC_UD2;
    }
}

bool insn_is_nop(const struct insn *insn)
{
    const ZydisDecodedInstruction *zydis = &insn->zydis;
    if (zydis->meta.category == ZYDIS_CATEGORY_NOP ||
        zydis->meta.category == ZYDIS_CATEGORY_WIDENOP)
        return true;
    /* gas also pads with `lea 0(r),r` and `xchg ax,ax`. */
    return zydis->mnemonic == ZYDIS_MNEMONIC_LEA &&
           insn->operands[1].mem.base == insn->operands[0].reg.value &&
           (insn->mem.index == NO_GPR) && insn->mem.disp == 0;
}
