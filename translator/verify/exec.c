#include "exec.h"

#include "alu.h"
#include "exec_rules.h"

#include <stddef.h>

struct exec_rule {
    uint16_t id;
    uint8_t argument;
    bool any_size; /* takes operands of sizes other than 1, 2 and 4 */
    exec_handler *run;
};

#define RULE(id, run, argument)                                                                    \
    {                                                                                              \
        X86_INS_##id, argument, false, run                                                         \
    }
#define WIDE(id, run)                                                                              \
    {                                                                                              \
        X86_INS_##id, 0, true, run                                                                 \
    }

static const struct exec_rule exec_rules[] = {
    RULE(MOV, exec_mov, 0),
    RULE(PUSH, exec_push, 0),
    RULE(POP, exec_pop, 0),
    RULE(LEA, exec_lea, 0),
    RULE(XCHG, exec_xchg, 0),
    RULE(CALL, exec_call, 0),
    RULE(JMP, exec_jmp, 0),
    RULE(NOP, exec_nothing, 0),
    RULE(ENDBR32, exec_nothing, 0),
    WIDE(PREFETCHW, exec_nothing),
    RULE(MOVZX, exec_mov, 0),
    RULE(MOVSX, exec_movsx, 0),
    RULE(MOVNTI, exec_mov, 0),
    RULE(ADD, exec_alu, ALU_ADD),
    RULE(ADC, exec_alu, ALU_ADC),
    RULE(SUB, exec_alu, ALU_SUB),
    RULE(SBB, exec_alu, ALU_SBB),
    RULE(AND, exec_alu, ALU_AND),
    RULE(OR, exec_alu, ALU_OR),
    RULE(XOR, exec_alu, ALU_XOR),
    RULE(SHL, exec_alu, ALU_SHL),
    RULE(SAL, exec_alu, ALU_SHL),
    RULE(SHR, exec_alu, ALU_SHR),
    RULE(SAR, exec_alu, ALU_SAR),
    RULE(CMP, exec_compare, ALU_SUB),
    RULE(TEST, exec_compare, ALU_AND),
    RULE(INC, exec_step, ALU_ADD),
    RULE(DEC, exec_step, ALU_SUB),
    RULE(NEG, exec_neg, 0),
    RULE(NOT, exec_not, 0),
    RULE(XADD, exec_xadd, 0),
    RULE(CMPXCHG, exec_cmpxchg, 0),
    WIDE(CMPXCHG8B, exec_cmpxchg8b),
    RULE(BSWAP, exec_bswap, 0),
    RULE(PUSHAL, exec_pusha, 4),
    RULE(PUSHAW, exec_pusha, 2),
    RULE(PUSHFD, exec_pushf, 4),
    RULE(PUSHF, exec_pushf, 2),
    RULE(POPFD, exec_popf, 4),
    RULE(POPF, exec_popf, 2),
    RULE(LAHF, exec_lahf, 0),
    RULE(SAHF, exec_sahf, 0),
    RULE(CLD, exec_direction, 0),
    RULE(STD, exec_direction, 1),
    RULE(ENTER, exec_enter, 0),
    RULE(JCXZ, exec_counted, 0),
    RULE(JECXZ, exec_counted, 0),
    RULE(LOOP, exec_counted, 0),
    RULE(LOOPE, exec_counted, 0),
    RULE(LOOPNE, exec_counted, 0),
    RULE(STOSB, exec_string, 0),
    RULE(STOSW, exec_string, 0),
    RULE(STOSD, exec_string, 0),
    RULE(MOVSB, exec_string, 0),
    RULE(MOVSW, exec_string, 0),
    RULE(INSB, exec_string, 0),
    RULE(INSW, exec_string, 0),
    RULE(INSD, exec_string, 0),
    WIDE(SGDT, exec_sgdt),
    RULE(STR, exec_str, 0),
    RULE(LTR, exec_ltr, 0),
    WIDE(VMOVDQU, exec_vector_move),
    WIDE(VMOVDQU32, exec_vector_move),
    WIDE(VBROADCASTSS, exec_vector_broadcast),
    WIDE(MASKMOVQ, exec_masked),
    WIDE(MASKMOVDQU, exec_masked),
    WIDE(VMASKMOVDQU, exec_masked),
    WIDE(VMASKMOVPS, exec_masked),
    WIDE(VMASKMOVPD, exec_masked),
    WIDE(VPMASKMOVD, exec_masked),
    WIDE(VPMASKMOVQ, exec_masked),
    WIDE(XSAVE, exec_xsave),
    WIDE(XSAVEC, exec_xsave),
    WIDE(XSAVEOPT, exec_xsave),
};

static const struct exec_rule string_rule = {0, 0, false, exec_string};
static const struct exec_rule setcc_rule = {0, 0, false, exec_setcc};
static const struct exec_rule jcc_rule = {0, 0, false, exec_jcc};

static const struct exec_rule *find_rule(const struct insn *insn)
{
    if (insn->id == X86_INS_MOVSD) {
        return insn_is_string(insn) ? &string_rule : NULL;
    }
    if (insn->opcode == 0x0f && (insn->opcode2 & 0xf0) == 0x90) {
        return &setcc_rule;
    }
    if ((insn->opcode >= 0x70 && insn->opcode <= 0x7f) ||
        (insn->opcode == 0x0f && (insn->opcode2 & 0xf0) == 0x80)) {
        return &jcc_rule;
    }
    for (size_t i = 0; i < sizeof(exec_rules) / sizeof(exec_rules[0]); i++) {
        if (exec_rules[i].id == insn->id) {
            return &exec_rules[i];
        }
    }
    return NULL;
}

/* Most handlers take operands of 1, 2 or 4 bytes. */
static bool takes_sizes(const struct exec_rule *rule, const struct insn *insn)
{
    for (unsigned int i = 0; i < insn->operand_count && !rule->any_size; i++) {
        unsigned int size = insn->operands[i].size;

        if (size != 1 && size != 2 && size != 4) {
            return false;
        }
    }
    return true;
}

bool exec_insn(struct machine *machine, const struct insn *insn)
{
    const struct exec_rule *rule = find_rule(insn);
    bool known;

    machine->eip = insn->address + insn->length;
    if (rule) {
        known = takes_sizes(rule, insn) && rule->run(machine, insn, rule->argument);
    } else {
        known = exec_unknown_store(machine, insn);
    }
    return known && !machine->overflow;
}
