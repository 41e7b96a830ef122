#include "insn.h"

#include <string.h>

bool decoder_open(struct decoder *decoder)
{
    if (cs_open(CS_ARCH_X86, CS_MODE_32, &decoder->handle) != CS_ERR_OK) {
        return false;
    }
    cs_option(decoder->handle, CS_OPT_DETAIL, CS_OPT_ON);
    decoder->scratch = cs_malloc(decoder->handle);
    return decoder->scratch != NULL;
}

void decoder_close(struct decoder *decoder)
{
    cs_free(decoder->scratch, 1);
    cs_close(&decoder->handle);
}

/*
 * Legacy prefixes, from the bytes: Capstone forgets the ones that select an opcode (SDM vol.
 * 2, 2.1.1). Returns the index of the opcode.
 */
static uint8_t scan_prefixes(struct insn *insn)
{
    for (uint8_t i = 0; i < insn->length; i++) {
        switch (insn->bytes[i]) {
        case 0xf0:
            insn->lock = true;
            break;
        case 0xf3:
            insn->rep = true;
            break;
        case 0xf2:
            insn->repne = true;
            break;
        case 0x66:
            insn->size16 = true;
            break;
        case 0x67:
            insn->addr16 = true;
            break;
        case 0x26:
        case 0x2e:
        case 0x36:
        case 0x3e:
        case 0x64:
        case 0x65:
            insn->segment = insn->bytes[i];
            break;
        default:
            return i;
        }
    }
    return insn->length;
}

bool insn_decode(struct decoder *decoder, const uint8_t *bytes, uint32_t available,
                 uint32_t address, struct insn *insn)
{
    const uint8_t *code = bytes;
    size_t size = available;
    uint64_t next = address;
    const cs_x86 *detail;
    uint8_t opcode_at;

    if (!bytes || !cs_disasm_iter(decoder->handle, &code, &size, &next, decoder->scratch)) {
        return false;
    }
    detail = &decoder->scratch->detail->x86;
    if (decoder->scratch->size > INSN_MAX_LENGTH || detail->op_count > INSN_MAX_OPERANDS) {
        return false;
    }
    memset(insn, 0, sizeof(*insn));
    insn->address = address;
    insn->id = decoder->scratch->id;
    insn->length = (uint8_t)decoder->scratch->size;
    memcpy(insn->bytes, bytes, insn->length);
    opcode_at = scan_prefixes(insn);
    insn->opcode = opcode_at < insn->length ? insn->bytes[opcode_at] : 0;
    insn->opcode2 = opcode_at + 1 < insn->length ? insn->bytes[opcode_at + 1] : 0;
    insn->operand_count = detail->op_count;
    memcpy(insn->operands, detail->operands, detail->op_count * sizeof(cs_x86_op));
    return true;
}

const char *insn_name(const struct decoder *decoder, const struct insn *insn)
{
    const char *name = cs_insn_name(decoder->handle, insn->id);

    return name ? name : "?";
}

bool operand_is(const struct insn *insn, unsigned int index, x86_op_type type)
{
    return index < insn->operand_count && insn->operands[index].type == type;
}

bool insn_branch_target(const struct insn *insn, uint32_t *target)
{
    bool two_byte_jcc = insn->opcode == 0x0f && insn->id >= X86_INS_JAE && insn->id <= X86_INS_JS;
    bool one_byte = (insn->opcode >= 0x70 && insn->opcode <= 0x7f) ||
                    (insn->opcode >= 0xe0 && insn->opcode <= 0xe3) || insn->opcode == 0xe8 ||
                    insn->opcode == 0xe9 || insn->opcode == 0xeb;

    if ((!two_byte_jcc && !one_byte) || !operand_is(insn, 0, X86_OP_IMM)) {
        return false;
    }
    *target = (uint32_t)insn->operands[0].imm;
    return true;
}

/* lea r, [r] and the SIB and displacement-of-zero forms of it. */
static bool is_lea_to_itself(const struct insn *insn)
{
    return insn->id == X86_INS_LEA && operand_is(insn, 0, X86_OP_REG) && !insn->size16 &&
           insn->operands[1].mem.base == insn->operands[0].reg &&
           (insn->operands[1].mem.index == X86_REG_INVALID ||
            insn->operands[1].mem.index == X86_REG_EIZ) &&
           insn->operands[1].mem.disp == 0;
}

bool insn_is_padding(const struct insn *insn)
{
    if (insn->id == X86_INS_NOP || is_lea_to_itself(insn)) {
        return true;
    }
    return (insn->opcode == 0x89 || insn->opcode == 0x87) && operand_is(insn, 0, X86_OP_REG) &&
           operand_is(insn, 1, X86_OP_REG) && insn->operands[0].reg == insn->operands[1].reg;
}

bool insn_is_string(const struct insn *insn)
{
    return (insn->opcode >= 0x6c && insn->opcode <= 0x6f) ||
           (insn->opcode >= 0xa4 && insn->opcode <= 0xa7) ||
           (insn->opcode >= 0xaa && insn->opcode <= 0xaf);
}

bool insn_is_repeated(const struct insn *insn)
{
    return insn_is_string(insn) && (insn->rep || insn->repne);
}

bool insn_is_counted(const struct insn *insn)
{
    return insn->opcode >= 0xe0 && insn->opcode <= 0xe3;
}
