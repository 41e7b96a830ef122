/*
 * Loops whose stores go to another line of the cache every few rounds: what they write is mostly
 * not in the first-level cache, and the processor finishes stores in their order, so each line that
 * is missed is waited for. A program that reads a line before it writes it has it by then, and
 * never has its mirror. So the mirror is prefetched for writing before the native store, and the
 * native bytes too where the loop does not read them. A prefetch faults nowhere and changes no
 * flags.
 *
 * Only innermost loops with one way through them, whose addresses move by a register or by at least
 * a quarter of a line a round. Elsewhere lines are there already, and a prefetch is an idle
 * instruction.
 */
#include "program.h"

#include <stdlib.h>

enum {
    MAX_LOOP = 64, /* instructions */
    LINE = 64,
    LEAST_STRIDE = LINE / 4,
};

struct loop {
    const struct insn *insns;
    uint32_t count;
    int64_t stride[8]; /* what a round adds to a register */
    uint8_t variable;  /* registers to which it adds some register */
    uint8_t unknown;   /* registers that it sets otherwise */
};

static enum gpr register_of(const ZydisDecodedOperand *operand)
{
    if (operand->type != ZYDIS_OPERAND_TYPE_REGISTER ||
        ZydisRegisterGetClass(operand->reg.value) != ZYDIS_REGCLASS_GPR32)
        return NO_GPR;
    return (enum gpr)ZydisRegisterGetId(operand->reg.value);
}

/* What the instruction adds to the register that it sets: a number, or a register. */
static void note_step(struct loop *loop, const struct insn *insn)
{
    ZydisMnemonic mnemonic = insn->zydis.mnemonic;
    enum gpr reg = register_of(&insn->operands[0]);
    const ZydisDecodedOperand *source = &insn->operands[1];
    int64_t step = mnemonic == ZYDIS_MNEMONIC_INC ? 1 : mnemonic == ZYDIS_MNEMONIC_DEC ? -1 : 0;
    bool sum = mnemonic == ZYDIS_MNEMONIC_ADD || mnemonic == ZYDIS_MNEMONIC_SUB;
    if (sum && source->type == ZYDIS_OPERAND_TYPE_IMMEDIATE)
        step = mnemonic == ZYDIS_MNEMONIC_ADD ? source->imm.value.s : -source->imm.value.s;
    else if (mnemonic == ZYDIS_MNEMONIC_LEA && insn->mem.base == reg && insn->mem.index == NO_GPR)
        step = (int32_t)insn->mem.disp;
    uint8_t set = insn->writes & GPR_ALL;
    if (reg == NO_GPR || set != GPR_BIT(reg) || (step == 0 && !sum))
        loop->unknown |= set;
    else if (step == 0)
        loop->variable |= set;
    else
        loop->stride[reg] += step;
}

/* Where the address is in the next round is known, and that it is far enough away. */
static bool is_striding(const struct loop *loop, const struct insn *insn)
{
    if (!insn->has_mem || insn->addr16 || (insn->address_regs & (loop->unknown | GPR_BIT(ESP))))
        return false;
    int64_t stride = insn->mem.base == NO_GPR ? 0 : loop->stride[insn->mem.base];
    if (insn->mem.index != NO_GPR)
        stride += loop->stride[insn->mem.index] * (1 << insn->mem.scale);
    return (insn->address_regs & loop->variable) || llabs(stride) >= LEAST_STRIDE;
}

static bool is_near(const struct insn *one, const struct insn *other)
{
    uint32_t distance = one->mem.disp - other->mem.disp;
    return other->has_mem && !other->addr16 && one->mem.base == other->mem.base &&
           one->mem.index == other->mem.index && one->mem.scale == other->mem.scale &&
           distance + LINE - 1 < 2 * LINE - 1;
}

static bool reads_memory(const struct insn *insn)
{
    for (unsigned i = 0; i < insn->zydis.operand_count; i++)
        if (insn->operands[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
            (insn->operands[i].actions & ZYDIS_OPERAND_ACTION_MASK_READ))
            return true;
    return false;
}

static uint8_t choose(const struct loop *loop, uint32_t store)
{
    const struct insn *insn = &loop->insns[store];
    if (!insn->writes_mem || insn_is_locked(insn) || !is_striding(loop, insn))
        return 0;
    uint8_t choice = PREFETCH_MIRROR | PREFETCH_NATIVE;
    for (uint32_t i = 0; i < loop->count; i++) {
        const struct insn *other = &loop->insns[i];
        if (i < store && other->writes_mem && is_near(insn, other))
            return 0;
        if (reads_memory(other) && is_near(insn, other))
            choice = PREFETCH_MIRROR;
    }
    return choice;
}

/* The instructions [first, end) run from the first to the last, and again, or leave the loop. */
static void find_in_loop(struct program *program, const struct text *text, uint32_t first,
                         uint32_t end)
{
    static struct insn insns[MAX_LOOP];
    struct loop loop = {.insns = insns, .count = end - first};
    for (uint32_t i = first; i < end; i++) {
        const struct item *item = &program->items[i];
        insn_decode(&program->decoder, item_bytes(text, item), item->length, item->addr,
                    &insns[i - first]);
        note_step(&loop, &insns[i - first]);
    }
    for (uint32_t i = first; i < end; i++)
        program->prefetches[i] |= choose(&loop, i - first) & 3;
}

static bool is_body(const struct program *program, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++) {
        const struct item *item = &program->items[i];
        bool leaves = item->flow == FLOW_BRANCH && (item->target < first || item->target > end);
        if (item->kind == ITEM_DATA || (item->flow != FLOW_NEXT && !leaves))
            return false;
    }
    return true;
}

void program_find_prefetches(struct program *program)
{
    program->prefetches = xcalloc(program->item_count, sizeof(*program->prefetches));
    if (program->options.no_prefetch)
        return;
    for (unsigned t = 0; t < program->text_count; t++) {
        const struct text *text = &program->texts[t];
        for (uint32_t i = text->first; i < text->end; i++)
            if (item_loops(program, text, i) && i - program->items[i].target <= MAX_LOOP &&
                is_body(program, program->items[i].target, i))
                find_in_loop(program, text, program->items[i].target, i);
    }
}
