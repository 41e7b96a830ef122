#include "usage.h"

#include "operand.h"
#include "program.h"

#include <stddef.h>

#define EAX (1u << REG_EAX)
#define ECX (1u << REG_ECX)
#define EDX (1u << REG_EDX)
#define EBX (1u << REG_EBX)
#define ESP (1u << REG_ESP)
#define EBP (1u << REG_EBP)
#define ESI (1u << REG_ESI)
#define EDI (1u << REG_EDI)

enum {
    DEST_READ = 1,     /* the first operand is an input, too */
    DEST_WRITTEN = 2,  /* the first operand, if a 32-bit register, is overwritten whole */
    FLAGS_READ = 4,    /* needs status flags */
    FLAGS_WRITTEN = 8, /* sets all status flags */
    SAME_CLEARS = 16,  /* with equal registers as operands, needs neither */
    REPEATS = 32,      /* needs ecx behind a rep prefix */
};

struct usage_rule {
    uint16_t id;
    uint8_t properties;
    uint16_t reads; /* hidden inputs */
    uint16_t kills; /* hidden outputs */
};

#define ALU   (DEST_READ | DEST_WRITTEN | FLAGS_WRITTEN)
#define CARRY (ALU | FLAGS_READ)
/* Flags that may survive in part (inc keeps carry, a shift by zero all) count as not written. */
#define PARTLY (DEST_READ | DEST_WRITTEN)
#define TESTS  (DEST_READ | FLAGS_WRITTEN)

static const struct usage_rule rules[] = {
    {X86_INS_MOV, DEST_WRITTEN, 0, 0},
    {X86_INS_MOVZX, DEST_WRITTEN, 0, 0},
    {X86_INS_MOVSX, DEST_WRITTEN, 0, 0},
    {X86_INS_LEA, DEST_WRITTEN, 0, 0},
    {X86_INS_POP, DEST_WRITTEN, ESP, 0},
    {X86_INS_PUSH, DEST_READ, ESP, 0},
    {X86_INS_ADD, ALU, 0, 0},
    {X86_INS_SUB, ALU | SAME_CLEARS, 0, 0},
    {X86_INS_AND, ALU, 0, 0},
    {X86_INS_OR, ALU, 0, 0},
    {X86_INS_XOR, ALU | SAME_CLEARS, 0, 0},
    {X86_INS_NEG, ALU, 0, 0},
    {X86_INS_ADC, CARRY, 0, 0},
    {X86_INS_SBB, CARRY, 0, 0},
    {X86_INS_CMP, TESTS, 0, 0},
    {X86_INS_TEST, TESTS, 0, 0},
    {X86_INS_INC, PARTLY, 0, 0},
    {X86_INS_DEC, PARTLY, 0, 0},
    {X86_INS_NOT, PARTLY, 0, 0},
    {X86_INS_SHL, PARTLY, 0, 0},
    {X86_INS_SAL, PARTLY, 0, 0},
    {X86_INS_SHR, PARTLY, 0, 0},
    {X86_INS_SAR, PARTLY, 0, 0},
    {X86_INS_ROL, PARTLY, 0, 0},
    {X86_INS_ROR, PARTLY, 0, 0},
    {X86_INS_RCL, PARTLY | FLAGS_READ, 0, 0},
    {X86_INS_RCR, PARTLY | FLAGS_READ, 0, 0},
    {X86_INS_SHLD, PARTLY, 0, 0},
    {X86_INS_SHRD, PARTLY, 0, 0},
    {X86_INS_CLC, 0, 0, 0},
    {X86_INS_STC, 0, 0, 0},
    {X86_INS_CMC, FLAGS_READ, 0, 0},
    {X86_INS_BSWAP, PARTLY, 0, 0},
    {X86_INS_NOP, 0, 0, 0},
    {X86_INS_PAUSE, 0, 0, 0},
    {X86_INS_ENDBR32, 0, 0, 0},
    {X86_INS_CDQ, 0, EAX, EDX},
    {X86_INS_CWDE, 0, EAX, EAX},
    {X86_INS_ENTER, 0, ESP | EBP, 0},
    {X86_INS_LEAVE, 0, EBP, ESP | EBP},
    {X86_INS_UD2, 0, 0, 0},
    {X86_INS_CALL, DEST_READ, ESP, 0},
    {X86_INS_JMP, DEST_READ, 0, 0},
    {X86_INS_CLD, 0, 0, 0},
    {X86_INS_STD, 0, 0, 0},
    {X86_INS_CLI, 0, 0, 0},
    {X86_INS_STI, 0, 0, 0},
    {X86_INS_RDMSR, 0, ECX, EAX | EDX},
    {X86_INS_WRMSR, 0, EAX | ECX | EDX, 0},
    {X86_INS_RDTSC, 0, 0, EAX | EDX},
    {X86_INS_CPUID, 0, EAX | ECX, EAX | EBX | ECX | EDX},
    {X86_INS_LODSB, REPEATS, ESI, 0},
    {X86_INS_LODSD, REPEATS, ESI, 0},
    {X86_INS_RET, 0, ESP, 0},
    {X86_INS_POPAL, 0, ESP, EAX | ECX | EDX | EBX | EBP | ESI | EDI},
    {X86_INS_HLT, 0, 0, 0},
    {X86_INS_IN, DEST_WRITTEN, 0, 0},
    {X86_INS_OUT, DEST_READ, 0, 0},
    {X86_INS_IMUL, DEST_READ, EAX, 0},
    {X86_INS_MUL, DEST_READ, EAX, EDX},
    {X86_INS_DIV, DEST_READ, EAX | EDX, 0},
    {X86_INS_IDIV, DEST_READ, EAX | EDX, 0},
    {X86_INS_XCHG, DEST_READ, 0, 0},
    {X86_INS_XADD, TESTS, 0, 0},
    {X86_INS_CMPXCHG, TESTS, EAX, 0},
    {X86_INS_BT, DEST_READ, 0, 0},
    {X86_INS_BTS, DEST_READ, 0, 0},
    {X86_INS_BTR, DEST_READ, 0, 0},
    {X86_INS_BTC, DEST_READ, 0, 0},
    {X86_INS_CMPXCHG8B, 0, EAX | ECX | EDX | EBX, 0},
    {X86_INS_SIDT, 0, 0, 0},
    {X86_INS_SGDT, 0, 0, 0},
    {X86_INS_SLDT, 0, 0, 0},
    {X86_INS_SMSW, 0, 0, 0},
    {X86_INS_STR, 0, 0, 0},
    {X86_INS_MOVNTI, 0, 0, 0},
    {X86_INS_MOVUPS, 0, 0, 0},
    {X86_INS_MOVAPS, 0, 0, 0},
    {X86_INS_MOVDQU, 0, 0, 0},
    {X86_INS_MOVDQA, 0, 0, 0},
    {X86_INS_MOVQ, 0, 0, 0},
    {X86_INS_MASKMOVDQU, 0, EDI, 0},
    {X86_INS_STOSB, REPEATS, EAX | EDI, 0},
    {X86_INS_STOSW, REPEATS, EAX | EDI, 0},
    {X86_INS_STOSD, REPEATS, EAX | EDI, 0},
    {X86_INS_MOVSB, REPEATS, ESI | EDI, 0},
    {X86_INS_MOVSW, REPEATS, ESI | EDI, 0},
    {X86_INS_MOVSD, REPEATS, ESI | EDI, 0},
    {X86_INS_INSB, REPEATS, EDX | EDI, 0},
    {X86_INS_INSD, REPEATS, EDX | EDI, 0},
    {X86_INS_OUTSB, REPEATS, EDX | ESI, 0},
    {X86_INS_OUTSD, REPEATS, EDX | ESI, 0},
    {X86_INS_PUSHFD, FLAGS_READ, ESP, 0},
    {X86_INS_POPFD, FLAGS_WRITTEN, ESP, 0},
    {X86_INS_LTR, DEST_READ, 0, 0},
    {X86_INS_LGDT, 0, 0, 0},
    {X86_INS_LIDT, 0, 0, 0},
    {X86_INS_INVLPG, 0, 0, 0},
};

static const struct usage_rule conditional = {0, DEST_READ | FLAGS_READ, 0, 0};

static const struct usage_rule *find_rule(const struct insn *insn)
{
    for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (rules[i].id == insn->id) {
            return &rules[i];
        }
    }
    return NULL;
}

static uint16_t reg_bit(x86_reg reg)
{
    int index = reg == X86_REG_INVALID ? -1 : operand_gpr_index(reg);

    return index < 0 ? 0 : (uint16_t)(1u << index);
}

/* Registers that make the address of a memory operand, or the register operand itself. */
static uint16_t operand_bits(const cs_x86_op *operand)
{
    if (operand->type == X86_OP_MEM) {
        return reg_bit(operand->mem.base) | reg_bit(operand->mem.index);
    }
    return operand->type == X86_OP_REG ? reg_bit(operand->reg) : 0;
}

/* setcc and cmovcc keep (part of) their first operand. */
static bool is_conditional(const struct insn *insn)
{
    return insn->opcode == 0x0f &&
           ((insn->opcode2 & 0xf0) == 0x90 || (insn->opcode2 & 0xf0) == 0x40);
}

static bool is_vector_register(const cs_x86_op *operand)
{
    return operand->type == X86_OP_REG &&
           ((operand->reg >= X86_REG_MM0 && operand->reg <= X86_REG_MM7) ||
            (operand->reg >= X86_REG_XMM0 && operand->reg <= X86_REG_XMM15) ||
            (operand->reg >= X86_REG_YMM0 && operand->reg <= X86_REG_YMM15));
}

/*
 * x87 and vector instructions name the general registers that they need, but for the string
 * comparisons (SDM vol. 2, PCMPESTRI) and the masked moves, which store at edi.
 */
static bool is_floating(const struct insn *insn)
{
    switch (insn->id) {
    case X86_INS_PCMPESTRI:
    case X86_INS_PCMPESTRM:
    case X86_INS_PCMPISTRI:
    case X86_INS_PCMPISTRM:
    case X86_INS_VPCMPESTRI:
    case X86_INS_VPCMPESTRM:
    case X86_INS_VPCMPISTRI:
    case X86_INS_VPCMPISTRM:
    case X86_INS_MASKMOVQ:
    case X86_INS_MASKMOVDQU:
    case X86_INS_VMASKMOVDQU:
        return false;
    default:
        return (insn->opcode >= 0xd8 && insn->opcode <= 0xdf) ||
               (insn->operand_count > 0 && is_vector_register(&insn->operands[0])) ||
               (insn->operand_count > 1 && is_vector_register(&insn->operands[1]));
    }
}

static bool is_jcc(const struct insn *insn)
{
    return (insn->opcode >= 0x70 && insn->opcode <= 0x7f) ||
           (insn->opcode == 0x0f && (insn->opcode2 & 0xf0) == 0x80);
}

/*
 * A new stack may hold other registers and another way back: switching stacks needs everything.
 * Frames that are given up (from ebp) and room that is made or given back are no switch.
 */
static bool switches_stack(const struct insn *insn)
{
    const cs_x86_op *source = &insn->operands[1];

    if (!operand_is(insn, 0, X86_OP_REG) || insn->operands[0].reg != X86_REG_ESP) {
        return false;
    }
    switch (insn->id) {
    case X86_INS_MOV:
        return source->type != X86_OP_REG || source->reg != X86_REG_EBP;
    case X86_INS_LEA:
        return (source->mem.base != X86_REG_EBP && source->mem.base != X86_REG_ESP) ||
               (source->mem.index != X86_REG_INVALID && source->mem.index != X86_REG_EIZ);
    case X86_INS_ADD:
    case X86_INS_SUB:
    case X86_INS_AND:
    case X86_INS_CMP:
    case X86_INS_TEST:
    case X86_INS_PUSH:
        return false;
    default:
        return true;
    }
}

static void apply_rule(const struct usage_rule *rule, const struct insn *insn, uint16_t *reads,
                       uint16_t *kills)
{
    const cs_x86_op *first = &insn->operands[0];
    bool whole = operand_is(insn, 0, X86_OP_REG) && first->size == 4;
    bool clears = (rule->properties & SAME_CLEARS) && whole && operand_is(insn, 1, X86_OP_REG) &&
                  first->reg == insn->operands[1].reg;

    *reads = rule->reads;
    *kills = rule->kills;
    for (unsigned int i = 1; i < insn->operand_count && !clears; i++) {
        *reads |= operand_bits(&insn->operands[i]);
    }
    /* A part of a register that is written is neither read nor are the other parts overwritten. */
    if (insn->operand_count > 0 && !clears &&
        ((rule->properties & DEST_READ) || !operand_is(insn, 0, X86_OP_REG))) {
        *reads |= operand_bits(first);
    }
    if (whole && (rule->properties & DEST_WRITTEN)) {
        *kills |= reg_bit(first->reg);
    }
    *reads |= (rule->properties & REPEATS) && (insn->rep || insn->repne) ? ECX : 0;
    *reads |= rule->properties & FLAGS_READ ? LIVE_FLAGS : 0;
    *kills |= rule->properties & FLAGS_WRITTEN ? LIVE_FLAGS : 0;
}

void usage_of(const struct insn *insn, uint16_t *reads, uint16_t *kills)
{
    const struct usage_rule *rule = find_rule(insn);

    *reads = LIVE_ALL;
    *kills = 0;
    if (is_jcc(insn)) {
        *reads = LIVE_FLAGS;
    } else if (is_conditional(insn) || is_floating(insn)) {
        apply_rule(&conditional, insn, reads, kills);
    } else if (rule && !switches_stack(insn)) {
        apply_rule(rule, insn, reads, kills);
    }
}
