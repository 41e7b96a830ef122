#include "exec.h"

#include "alu.h"
#include "exec_rules.h"

#include <stddef.h>

struct exec_rule {
    uint16_t id;
    uint8_t argument;
    exec_handler *run;
};

#define RULE(id, run, argument)                                                                    \
    {                                                                                              \
        X86_INS_##id, argument, run                                                                \
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
    RULE(CMPXCHG8B, exec_cmpxchg8b, 0),
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
    RULE(SGDT, exec_sgdt, 0),
    RULE(STR, exec_str, 0),
    RULE(LTR, exec_ltr, 0),
    RULE(VMOVDQU, exec_vector_move, 0),
    RULE(VMOVDQU32, exec_vector_move, 0),
};

static exec_handler *find_rule(const struct insn *insn, unsigned int *argument)
{
    *argument = 0;
    if (insn->id == X86_INS_MOVSD) {
        return insn_is_string(insn) ? exec_string : NULL;
    }
    if (insn->opcode == 0x0f && (insn->opcode2 & 0xf0) == 0x90) {
        return exec_setcc;
    }
    if ((insn->opcode >= 0x70 && insn->opcode <= 0x7f) ||
        (insn->opcode == 0x0f && (insn->opcode2 & 0xf0) == 0x80)) {
        return exec_jcc;
    }
    for (size_t i = 0; i < sizeof(exec_rules) / sizeof(exec_rules[0]); i++) {
        if (exec_rules[i].id == insn->id) {
            *argument = exec_rules[i].argument;
            return exec_rules[i].run;
        }
    }
    return NULL;
}

/* The handlers take operands of 1, 2 or 4 bytes, but for those that know their size. */
static bool has_modelled_sizes(const struct insn *insn, exec_handler *run)
{
    if (run == exec_vector_move) {
        return true;
    }
    for (unsigned int i = 0; i < insn->operand_count; i++) {
        unsigned int size = insn->operands[i].size;

        if (size != 1 && size != 2 && size != 4 && insn->id != X86_INS_CMPXCHG8B &&
            insn->id != X86_INS_SGDT) {
            return false;
        }
    }
    return true;
}

bool exec_insn(struct machine *machine, const struct insn *insn)
{
    unsigned int argument;
    exec_handler *run = find_rule(insn, &argument);

    machine->eip = insn->address + insn->length;
    if (run && !has_modelled_sizes(insn, run)) {
        return false;
    }
    if (run ? !run(machine, insn, argument) : !exec_unknown_store(machine, insn)) {
        return false;
    }
    return !machine->overflow;
}
