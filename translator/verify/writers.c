#include "writers.h"

#include <stddef.h>

#define RMW      (STORE_READS_OLD | STORE_SETS_FLAGS)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define STORE(id)                                                                                  \
    {                                                                                              \
        X86_INS_##id, WRITES_OPERAND, 0, 0, 0                                                      \
    }
#define STORE_LOW(id)                                                                              \
    {                                                                                              \
        X86_INS_##id, WRITES_OPERAND, STORE_REGISTER, 0, 0                                         \
    }
#define ALTER(id)                                                                                  \
    {                                                                                              \
        X86_INS_##id, WRITES_OPERAND, RMW, 0, 0                                                    \
    }

/* Writers of an explicit memory operand: the first one (Intel order); xchg writes both. */
static const struct writer_rule explicit_rules[] = {
    STORE(MOV),
    STORE(MOVNTI),
    STORE(MOVBE),
    STORE(POP),
    {X86_INS_XCHG, WRITES_OPERAND, STORE_READS_OLD, 0, 0},
    {X86_INS_NOT, WRITES_OPERAND, STORE_READS_OLD, 0, 0},
    ALTER(ADC),
    ALTER(ADD),
    ALTER(AND),
    ALTER(BTC),
    ALTER(BTR),
    ALTER(BTS),
    ALTER(CMPXCHG),
    ALTER(CMPXCHG8B),
    ALTER(DEC),
    ALTER(INC),
    ALTER(NEG),
    ALTER(OR),
    ALTER(RCL),
    ALTER(RCR),
    ALTER(ROL),
    ALTER(ROR),
    ALTER(SAL),
    ALTER(SAR),
    ALTER(SBB),
    ALTER(SHL),
    ALTER(SHLD),
    ALTER(SHR),
    ALTER(SHRD),
    ALTER(SUB),
    ALTER(XADD),
    ALTER(XOR),
    STORE(SETAE),
    STORE(SETA),
    STORE(SETBE),
    STORE(SETB),
    STORE(SETE),
    STORE(SETGE),
    STORE(SETG),
    STORE(SETLE),
    STORE(SETL),
    STORE(SETNE),
    STORE(SETNO),
    STORE(SETNP),
    STORE(SETNS),
    STORE(SETO),
    STORE(SETP),
    STORE(SETS),
    /* System tables and registers: the limit and base are six bytes, a selector or status word two.
     */
    {X86_INS_SGDT, WRITES_OPERAND, 0, 6, 0},
    {X86_INS_SIDT, WRITES_OPERAND, 0, 6, 0},
    {X86_INS_SLDT, WRITES_OPERAND, 0, 2, 0},
    {X86_INS_STR, WRITES_OPERAND, 0, 2, 0},
    {X86_INS_SMSW, WRITES_OPERAND, 0, 2, 0},
    {X86_INS_VMREAD, WRITES_OPERAND, STORE_SETS_FLAGS, 4, 4},
    {X86_INS_VMPTRST, WRITES_OPERAND, STORE_SETS_FLAGS, 8, 8},
    /* x87: environment 28 or 14 bytes, whole state 108 or 94 (SDM vol. 1, 8.1.10). */
    {X86_INS_FST, WRITES_OPERAND, 0, 0, 0},
    {X86_INS_FSTP, WRITES_OPERAND, STORE_FPU_STEP, 0, 0},
    {X86_INS_FIST, WRITES_OPERAND, 0, 0, 0},
    {X86_INS_FISTP, WRITES_OPERAND, STORE_FPU_STEP, 0, 0},
    {X86_INS_FISTTP, WRITES_OPERAND, STORE_FPU_STEP, 0, 0},
    {X86_INS_FBSTP, WRITES_OPERAND, STORE_FPU_STEP, 10, 10},
    {X86_INS_FNSTCW, WRITES_OPERAND, 0, 2, 2},
    {X86_INS_FNSTSW, WRITES_OPERAND, 0, 2, 2},
    {X86_INS_FNSTENV, WRITES_OPERAND, STORE_FPU_STEP, 28, 14},
    {X86_INS_FNSAVE, WRITES_OPERAND, STORE_FPU_STEP, 108, 94},
    {X86_INS_FXSAVE, WRITES_OPERAND, STORE_ONCE, 512, 512},
    {X86_INS_STMXCSR, WRITES_OPERAND, 0, 4, 4},
    {X86_INS_VSTMXCSR, WRITES_OPERAND, 0, 4, 4},
    /* SSE and AVX stores. */
    STORE_LOW(MOVAPD),
    STORE_LOW(MOVAPS),
    STORE(MOVD),
    STORE_LOW(MOVDQA),
    STORE_LOW(MOVDQU),
    {X86_INS_MOVHPD, WRITES_OPERAND, 0, 8, 8},
    {X86_INS_MOVHPS, WRITES_OPERAND, 0, 8, 8},
    {X86_INS_MOVLPD, WRITES_OPERAND, 0, 8, 8},
    {X86_INS_MOVLPS, WRITES_OPERAND, 0, 8, 8},
    STORE_LOW(MOVNTDQ),
    STORE_LOW(MOVNTPD),
    STORE_LOW(MOVNTPS),
    STORE_LOW(MOVNTQ),
    STORE_LOW(MOVQ),
    {X86_INS_MOVSD, WRITES_OPERAND, 0, 8, 8},
    {X86_INS_MOVSS, WRITES_OPERAND, 0, 4, 4},
    STORE_LOW(MOVUPD),
    STORE_LOW(MOVUPS),
    {X86_INS_EXTRACTPS, WRITES_OPERAND, 0, 4, 4},
    {X86_INS_PEXTRB, WRITES_OPERAND, 0, 1, 1},
    {X86_INS_PEXTRD, WRITES_OPERAND, 0, 4, 4},
    {X86_INS_PEXTRW, WRITES_OPERAND, 0, 2, 2},
    STORE_LOW(VMOVAPD),
    STORE_LOW(VMOVAPS),
    STORE(VMOVD),
    STORE_LOW(VMOVDQA),
    STORE_LOW(VMOVDQU),
    {X86_INS_VMOVHPD, WRITES_OPERAND, 0, 8, 8},
    {X86_INS_VMOVHPS, WRITES_OPERAND, 0, 8, 8},
    {X86_INS_VMOVLPD, WRITES_OPERAND, 0, 8, 8},
    {X86_INS_VMOVLPS, WRITES_OPERAND, 0, 8, 8},
    STORE_LOW(VMOVNTDQ),
    STORE_LOW(VMOVNTPD),
    STORE_LOW(VMOVNTPS),
    STORE_LOW(VMOVQ),
    {X86_INS_VMOVSD, WRITES_OPERAND, 0, 8, 8},
    {X86_INS_VMOVSS, WRITES_OPERAND, 0, 4, 4},
    STORE_LOW(VMOVUPD),
    STORE_LOW(VMOVUPS),
    {X86_INS_VEXTRACTF128, WRITES_OPERAND, 0, 16, 16},
    {X86_INS_VEXTRACTI128, WRITES_OPERAND, 0, 16, 16},
    STORE(VCVTPS2PH),
    {X86_INS_VEXTRACTPS, WRITES_OPERAND, 0, 4, 4},
    {X86_INS_VPEXTRB, WRITES_OPERAND, 0, 1, 1},
    {X86_INS_VPEXTRD, WRITES_OPERAND, 0, 4, 4},
    {X86_INS_VPEXTRW, WRITES_OPERAND, 0, 2, 2},
    /* What a mask or the processor keeps back must not be stored in the mirror either (SDM vol.
     * 2, VMASKMOV, XSAVE). */
    {X86_INS_VMASKMOVPS, WRITES_OPERAND, STORE_MASKED, 4, 4},
    {X86_INS_VMASKMOVPD, WRITES_OPERAND, STORE_MASKED, 8, 8},
    {X86_INS_VPMASKMOVD, WRITES_OPERAND, STORE_MASKED, 4, 4},
    {X86_INS_VPMASKMOVQ, WRITES_OPERAND, STORE_MASKED, 8, 8},
    {X86_INS_XSAVE, WRITES_OPERAND, STORE_CHOSEN, 64, 64},
    {X86_INS_XSAVEC, WRITES_OPERAND, STORE_CHOSEN, 64, 64},
    {X86_INS_XSAVEOPT, WRITES_OPERAND, STORE_CHOSEN, 64, 64},
};

/* Writers that don't name what they write. */
static const struct writer_rule hidden_rules[] = {
    {X86_INS_PUSH, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_PUSHAL, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_PUSHAW, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_PUSHF, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_PUSHFD, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_ENTER, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_CALL, WRITES_CALL, 0, 0, 0},
    {X86_INS_STOSB, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_STOSW, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_STOSD, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_MOVSB, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_MOVSW, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_MOVSD, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_INSB, WRITES_HIDDEN, 0, 0, 0},
    /* The busy bit of the descriptor (SDM vol. 2, LTR). */
    {X86_INS_LTR, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_INSW, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_INSD, WRITES_HIDDEN, 0, 0, 0},
    {X86_INS_MASKMOVQ, WRITES_HIDDEN, STORE_MASKED, 1, 1},
    {X86_INS_MASKMOVDQU, WRITES_HIDDEN, STORE_MASKED, 1, 1},
    {X86_INS_VMASKMOVDQU, WRITES_HIDDEN, STORE_MASKED, 1, 1},
};

/* No program for such processors is translated: no rule here, so never accepted. */
static const uint16_t not_judged[] = {
    X86_INS_LCALL,      X86_INS_XSAVES,   X86_INS_XSAVE64,  X86_INS_XSAVEC64,
    X86_INS_XSAVEOPT64, X86_INS_XSAVES64, X86_INS_FXSAVE64,
};

/* Mnemonics whose first operand may be memory that they only read (or don't touch: nop, invlpg,
 * prefetches). */
static const uint16_t readers[] = {
    X86_INS_CMP,        X86_INS_TEST,        X86_INS_BT,         X86_INS_JMP,
    X86_INS_LJMP,       X86_INS_MUL,         X86_INS_IMUL,       X86_INS_DIV,
    X86_INS_IDIV,       X86_INS_NOP,         X86_INS_LGDT,       X86_INS_LIDT,
    X86_INS_LLDT,       X86_INS_LMSW,        X86_INS_VERR,       X86_INS_VERW,
    X86_INS_INVLPG,     X86_INS_CLFLUSH,     X86_INS_CLFLUSHOPT, X86_INS_CLWB,
    X86_INS_PREFETCH,   X86_INS_PREFETCHNTA, X86_INS_PREFETCHT0, X86_INS_PREFETCHT1,
    X86_INS_PREFETCHT2, X86_INS_PREFETCHW,   X86_INS_LDMXCSR,    X86_INS_VLDMXCSR,
    X86_INS_FXRSTOR,    X86_INS_XRSTOR,      X86_INS_FLD,        X86_INS_FILD,
    X86_INS_FBLD,       X86_INS_FLDCW,       X86_INS_FLDENV,     X86_INS_FRSTOR,
    X86_INS_FADD,       X86_INS_FIADD,       X86_INS_FSUB,       X86_INS_FISUB,
    X86_INS_FSUBR,      X86_INS_FISUBR,      X86_INS_FMUL,       X86_INS_FIMUL,
    X86_INS_FDIV,       X86_INS_FIDIV,       X86_INS_FDIVR,      X86_INS_FIDIVR,
    X86_INS_FCOM,       X86_INS_FCOMP,       X86_INS_FICOM,      X86_INS_FICOMP,
    X86_INS_VMPTRLD,    X86_INS_VMCLEAR,     X86_INS_VMXON,      X86_INS_CMPSB,
    X86_INS_CMPSW,      X86_INS_CMPSD,       X86_INS_OUTSB,      X86_INS_OUTSW,
    X86_INS_OUTSD,
};

static const struct writer_rule unknown_rule = {0, WRITES_UNKNOWN, 0, 0, 0};

static const struct writer_rule *find_rule(const struct writer_rule *rules, size_t count,
                                           uint32_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (rules[i].id == id) {
            return &rules[i];
        }
    }
    return NULL;
}

static bool is_listed(const uint16_t *ids, size_t count, uint32_t id)
{
    for (size_t i = 0; i < count; i++) {
        if (ids[i] == id) {
            return true;
        }
    }
    return false;
}

static const struct writer_rule *hidden_rule_of(const struct insn *insn)
{
    if (insn->id == X86_INS_MOVSD && !insn_is_string(insn)) {
        return NULL;
    }
    return find_rule(hidden_rules, COUNT(hidden_rules), insn->id);
}

const struct writer_rule *writer_rule_of(const struct insn *insn)
{
    const struct writer_rule *rule = hidden_rule_of(insn);
    bool first = operand_is(insn, 0, X86_OP_MEM);

    if (rule) {
        return rule;
    }
    if (is_listed(not_judged, COUNT(not_judged), insn->id)) {
        return &unknown_rule;
    }
    if (!first && !(insn->id == X86_INS_XCHG && operand_is(insn, 1, X86_OP_MEM))) {
        return NULL;
    }
    rule = find_rule(explicit_rules, COUNT(explicit_rules), insn->id);
    if (rule) {
        return rule;
    }
    return is_listed(readers, COUNT(readers), insn->id) ? NULL : &unknown_rule;
}

uint32_t writer_without_pop(uint32_t id)
{
    return id == X86_INS_FSTP ? X86_INS_FST : id == X86_INS_FISTP ? X86_INS_FIST : id;
}

unsigned int writer_size(const struct writer_rule *rule, const struct insn *insn)
{
    unsigned int size = insn->size16 && rule->size16 ? rule->size16 : rule->size;

    if (size == 0) {
        size = insn->operands[operand_is(insn, 0, X86_OP_MEM) ? 0 : 1].size;
    }
    return size;
}
