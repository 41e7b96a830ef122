#include "classes.h"

#include <string.h>

#define M(name) ZYDIS_MNEMONIC_##name
#define LIST(...)                                                                                  \
    (const ZydisMnemonic[])                                                                        \
    {                                                                                              \
        __VA_ARGS__, ZYDIS_MNEMONIC_INVALID                                                        \
    }

static bool is_string(const struct insn *insn)
{
    return insn->zydis.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && insn->zydis.address_width == 32;
}

static bool is_repeated(const struct insn *insn)
{
    return is_string(insn) && (insn_has_prefix(insn, 0xf3) || insn_has_prefix(insn, 0xf2));
}

static bool has_modrm(const struct insn *insn)
{
    return insn->has_mem && insn->zydis.encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY;
}

/* EVEX forms scale their displacements: they are no class of this table. */
static bool is_vex(const struct insn *insn)
{
    return insn->has_mem && insn->zydis.encoding == ZYDIS_INSTRUCTION_ENCODING_VEX;
}

/* What a mask keeps back must not be copied: where it lies may not even be memory. */
static bool is_masked(const struct insn *insn)
{
    return is_vex(insn) && !insn->addr16;
}

/* How much is stored, only the processor knows: it cannot be copied either. */
static bool is_xsave(const struct insn *insn)
{
    return insn->has_mem && !insn->addr16;
}

static bool is_maskmov(const struct insn *insn)
{
    return insn->zydis.address_width == 32;
}

static bool is_moffs(const struct insn *insn)
{
    return insn->zydis.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT && (insn->zydis.opcode & ~1) == 0xa2;
}

/*
 * An exchange with esp moves the stack from under every scratch register. One that moves its own
 * address has scratch registers pushed before it: then its operand cannot be esp either.
 */
static bool is_exchange(const struct insn *insn)
{
    bool moves = (insn->writes & insn->address_regs) != 0;
    bool esp = insn->zydis.operand_width != 8 && insn->zydis.raw.modrm.reg == ESP;
    return insn->has_mem && !(insn->writes & GPR_BIT(ESP)) && !(moves && esp);
}

/* The bit offset is computed in a register while esp is shifted: esp itself cannot be one. */
static bool is_bit_offset(const struct insn *insn)
{
    return insn->operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
           insn->zydis.raw.modrm.reg != ESP;
}

static bool is_read_modify_write(const struct insn *insn)
{
    bool bit_string = insn->zydis.mnemonic == M(BTS) || insn->zydis.mnemonic == M(BTR) ||
                      insn->zydis.mnemonic == M(BTC);
    return insn->has_mem && (!bit_string || insn->operands[1].type == ZYDIS_OPERAND_TYPE_IMMEDIATE);
}

static bool is_push_register(const struct insn *insn)
{
    const ZydisDecodedOperand *operand = &insn->operands[0];
    return operand->type == ZYDIS_OPERAND_TYPE_REGISTER &&
           ZydisRegisterGetClass(operand->reg.value) != ZYDIS_REGCLASS_SEGMENT &&
           (insn->bytes[insn->length - 1] & 7) != ESP;
}

static bool is_push_immediate(const struct insn *insn)
{
    return insn->operands[0].type == ZYDIS_OPERAND_TYPE_IMMEDIATE;
}

static bool is_pop_memory(const struct insn *insn)
{
    return insn->has_mem;
}

static bool is_near_call(const struct insn *insn)
{
    return insn->zydis.meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR &&
           insn->zydis.operand_width == 32;
}

static bool is_wide_enter(const struct insn *insn)
{
    return insn->zydis.operand_width == 32;
}

/* Rows are tried in this order. */
const struct writer_class writer_classes[] = {
    {"store", "the instruction again at +OFFSET",
     LIST(M(MOV), M(MOVBE), M(SETB), M(SETBE), M(SETL), M(SETLE), M(SETNB), M(SETNBE), M(SETNL),
          M(SETNLE), M(SETNO), M(SETNP), M(SETNS), M(SETNZ), M(SETO), M(SETP), M(SETS), M(SETZ),
          M(MOVAPS), M(MOVAPD), M(MOVUPS), M(MOVUPD), M(MOVDQA), M(MOVDQU), M(MOVLPS), M(MOVLPD),
          M(MOVHPS), M(MOVHPD), M(MOVSS), M(MOVSD), M(MOVD), M(MOVQ), M(STMXCSR), M(EXTRACTPS),
          M(PEXTRB), M(PEXTRW), M(PEXTRD)),
     has_modrm, write_store},
    {"moffs", "88/89 at the absolute address +OFFSET", LIST(M(MOV)), is_moffs, write_moffs},
    {"nontemporal", "the plain store at +OFFSET",
     LIST(M(MOVNTI), M(MOVNTPS), M(MOVNTPD), M(MOVNTDQ), M(MOVNTQ)), has_modrm, write_nontemporal},
    {"vex_store", "the instruction again at +OFFSET",
     LIST(M(VMOVAPS), M(VMOVAPD), M(VMOVUPS), M(VMOVUPD), M(VMOVDQA), M(VMOVDQU), M(VMOVLPS),
          M(VMOVLPD), M(VMOVHPS), M(VMOVHPD), M(VMOVSS), M(VMOVSD), M(VMOVD), M(VMOVQ), M(VMOVNTPS),
          M(VMOVNTPD), M(VMOVNTDQ), M(VEXTRACTF128), M(VEXTRACTI128), M(VEXTRACTPS), M(VPEXTRB),
          M(VPEXTRW), M(VPEXTRD), M(VCVTPS2PH), M(VSTMXCSR)),
     is_vex, write_store},
    {"vex_masked", "the instruction again at +OFFSET",
     LIST(M(VMASKMOVPS), M(VMASKMOVPD), M(VPMASKMOVD), M(VPMASKMOVQ)), is_masked, write_store},
    {"maskmov", "the instruction again with edi+OFFSET",
     LIST(M(MASKMOVQ), M(MASKMOVDQU), M(VMASKMOVDQU)), is_maskmov, write_maskmov},
    {"xsave", "the instruction again at +OFFSET", LIST(M(XSAVE), M(XSAVEC), M(XSAVEOPT)), is_xsave,
     write_store},
    {"rmw", "native copied to mirror",
     LIST(M(ADD), M(ADC), M(SUB), M(SBB), M(AND), M(OR), M(XOR), M(INC), M(DEC), M(NOT), M(NEG),
          M(ROL), M(ROR), M(RCL), M(RCR), M(SHL), M(SHR), M(SAR), M(SHLD), M(SHRD), M(BTS), M(BTR),
          M(BTC)),
     is_read_modify_write, write_copy},
    {"exchange", "native copied to mirror", LIST(M(XCHG), M(XADD), M(CMPXCHG), M(CMPXCHG8B)),
     is_exchange, write_copy},
    {"bit_offset", "the addressed word copied to mirror, flags saved", LIST(M(BTS), M(BTR), M(BTC)),
     is_bit_offset, write_bit_offset},
    {"x87", "the value stored again, or native copied to mirror",
     LIST(M(FST), M(FSTP), M(FIST), M(FISTP), M(FISTTP), M(FBSTP), M(FNSTCW), M(FNSTSW), M(FNSTENV),
          M(FNSAVE), M(FXSAVE)),
     has_modrm, write_x87},
    {"system_store", "native copied to mirror", LIST(M(SGDT), M(SIDT), M(SLDT), M(STR), M(SMSW)),
     has_modrm, write_copy},
    {"pop", "native copied to mirror", LIST(M(POP)), is_pop_memory, write_copy},
    {"push_register", "mov to the slot +OFFSET", LIST(M(PUSH)), is_push_register,
     write_push_register},
    {"push_immediate", "mov to the slot +OFFSET", LIST(M(PUSH)), is_push_immediate,
     write_push_immediate},
    {"push_other", "slot copied to mirror (memory, esp, segment registers)", LIST(M(PUSH)), NULL,
     write_push_other},
    {"pushf", "slot copied to mirror", LIST(M(PUSHF), M(PUSHFD)), NULL, write_push_other},
    {"pusha", "each register stored to its slot +OFFSET", LIST(M(PUSHA), M(PUSHAD)), NULL,
     write_pusha},
    {"enter", "ebp and the display copied to mirror", LIST(M(ENTER)), is_wide_enter, write_enter},
    {"call", "return address copied to mirror at the callee's entry", LIST(M(CALL)), is_near_call,
     NULL},
    {"rep_stos", "repeated at edi+OFFSET", LIST(M(STOSB), M(STOSW), M(STOSD)), is_repeated,
     write_rep_stos},
    {"rep_movs", "destination copied to mirror", LIST(M(MOVSB), M(MOVSW), M(MOVSD)), is_repeated,
     write_rep_copy},
    {"rep_ins", "destination copied to mirror", LIST(M(INSB), M(INSW), M(INSD)), is_repeated,
     write_rep_copy},
    {"stos", "eax stored at the old edi+OFFSET", LIST(M(STOSB), M(STOSW), M(STOSD)), is_string,
     write_string},
    {"movs", "destination copied to mirror", LIST(M(MOVSB), M(MOVSW), M(MOVSD)), is_string,
     write_string},
    {"ins", "destination copied to mirror", LIST(M(INSB), M(INSW), M(INSD)), is_string,
     write_string},
    {"ltr", "descriptor with its busy bit copied to mirror", LIST(M(LTR)), NULL, write_ltr},
    {"trap", "interrupt frame copied to mirror at --trap-entry", LIST(M(INVALID)), NULL, NULL},
};

const unsigned writer_class_count = sizeof(writer_classes) / sizeof(writer_classes[0]);

/* What writes memory behind the decoder's back, ltr apart. */
static const ZydisMnemonic hidden_writers[] = {M(LTR), M(CLZERO), M(VMRUN), M(VMSAVE), M(INVALID)};

/* Bit r of rows_of[mnemonic]: row r lists it. Bit 31: hidden writer. */
#define HIDDEN_WRITER (1u << 31)
static uint32_t rows_of[ZYDIS_MNEMONIC_MAX_VALUE + 1];

void classify_init(void)
{
    for (unsigned row = 0; row < writer_class_count; row++)
        for (const ZydisMnemonic *m = writer_classes[row].mnemonics; *m != M(INVALID); m++)
            rows_of[*m] |= 1u << row;
    for (const ZydisMnemonic *m = hidden_writers; *m != M(INVALID); m++)
        rows_of[*m] |= HIDDEN_WRITER;
}

bool classify(const struct insn *insn, uint8_t *row)
{
    uint32_t rows = rows_of[insn->zydis.mnemonic];
    *row = WRITER_NONE;
    if (!insn->writes_mem && !(rows & HIDDEN_WRITER))
        return true;
    for (rows &= ~HIDDEN_WRITER; rows != 0; rows &= rows - 1) {
        unsigned candidate = (unsigned)__builtin_ctz(rows);
        const struct writer_class *class = &writer_classes[candidate];
        if (class->match == NULL || class->match(insn)) {
            *row = (uint8_t)candidate;
            return true;
        }
    }
    return false;
}

int writer_class_find(const char *name)
{
    for (unsigned row = 0; row < writer_class_count; row++)
        if (strcmp(writer_classes[row].name, name) == 0)
            return (int)row;
    return -1;
}
