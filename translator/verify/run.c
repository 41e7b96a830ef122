/*
 * The check by meaning: the original instruction alone, and its whole translation, run from the
 * same states.
 *
 * After the translation, registers and flags that matter must be those of the original; native
 * bytes too; every byte stored natively must have its equal at +OFFSET; and nothing else may be
 * stored, except that inserted code may push below the stack pointer, if it mirrors these bytes,
 * too.
 */
#include "run.h"

#include "exec.h"
#include "operand.h"

#include <string.h>

#define STATES 8u
/* More of them for string instructions of programs that keep vector registers: long ones. */
#define WIDE_STATES 21u
/* Steps of one run: inserted code has no loops other than string instructions. */
#define MAX_STEPS (2 * PIECE_MAX)
/* What a handler writes below the stack pointer, at least: its frame and registers. */
#define INTERRUPT_BYTES 64u
/* States from which interrupts, and writes of other processors, are tried at each boundary. */
#define INTERRUPTED_STATES 2u
/* How often other processors write before one instruction, at most. */
#define RACES 3u
/* Bytes at a label that may be mirrored: a hardware frame of six dwords, or one behind an error
 * code or vector number. */
#define ENTRY_BYTES 28u

/* Makes interesting cases likely: short and zero counts, both directions, overlap, a comparison
 * that succeeds. */
static void shape_state(struct machine *machine, const struct insn *insn, unsigned int variant)
{
    static const uint32_t counts[] = {3, 0, 1, 7};

    machine->eflags = (machine->eflags & ~FLAG_DF) | (variant & 1 ? FLAG_DF : 0);
    if (insn_is_repeated(insn) || insn_is_counted(insn)) {
        machine->gpr[REG_ECX] = counts[(variant >> 1) % 4];
    }
    if (insn_is_string(insn) && variant >= 6) {
        machine->gpr[REG_EDI] = machine->gpr[REG_ESI] + (variant & 1 ? 2u : -2u);
    }
    if (insn->id == X86_INS_CMPXCHG && operand_is(insn, 0, X86_OP_MEM) && (variant & 2)) {
        machine->gpr[REG_EAX] = machine_read(machine, operand_address(machine, insn, 0), 4);
    }
    if (insn->id == X86_INS_CMPXCHG8B && (variant & 2)) {
        uint32_t address = operand_address(machine, insn, 0);

        machine->gpr[REG_EAX] = machine_read(machine, address, 4);
        machine->gpr[REG_EDX] = machine_read(machine, address + 4, 4);
    }
}

/* Each width with counts that leave and don't leave a rest behind the units and the unrolled
 * rounds, upwards but for one; then widths that are none; then copies onto their source, as far
 * away as leaves a byte in common, and one byte further. */
static void shape_wide(struct machine *machine, const struct insn *insn, unsigned int variant)
{
    static const struct {
        uint32_t width;
        uint16_t bytes;
        bool down;
        int16_t distance; /* of destination and source, 0: any */
    } shapes[WIDE_STATES] = {
        {64, 308, false, 0},    {32, 308, false, 0},   {64, 512, false, 0},
        {32, 512, false, 0},    {64, 1164, false, 0},  {32, 1164, false, 0},
        {32, 132, false, 0},    {64, 124, false, 0},   {64, 12, false, 0},
        {32, 28, false, 0},     {64, 0, false, 0},     {64, 320, true, 0},
        {16, 320, false, 0},    {0, 320, false, 0},    {~0u, 320, false, 0},
        {64, 320, false, 319},  {64, 320, false, 320}, {64, 320, false, -319},
        {64, 320, false, -320}, {64, 320, false, -8},  {32, 320, false, 8},
    };
    bool bytes = (insn->opcode & 1) == 0;

    machine->vector_bytes = shapes[variant].width;
    machine->gpr[REG_ECX] = shapes[variant].bytes / (bytes ? 1u : 4u);
    machine->eflags = (machine->eflags & ~FLAG_DF) | (shapes[variant].down ? FLAG_DF : 0);
    if (shapes[variant].distance != 0) {
        machine->gpr[REG_EDI] = machine->gpr[REG_ESI] + (uint32_t)shapes[variant].distance;
    }
}

static bool step(struct run *run, uint32_t at)
{
    struct machine *machine = &run->translated;
    uint32_t stored = machine->store_count;
    bool racing = run->native_done && race_possible(run->reference);

    run->message[0] = '\0';
    if (racing ? !race_step(run, &run->piece->code[at])
               : !exec_insn(machine, &run->piece->code[at])) {
        return run->message[0]
                   ? false
                   : run_fail(run, "the instruction at %08x is not known in inserted code",
                              run->piece->code[at].address);
    }
    run->native_done |= at == run->piece->match;
    run->reached[at] = true;
    for (; stored < machine->store_count; stored++) {
        if (!judge_store(run, &machine->stores[stored])) {
            return false;
        }
    }
    return true;
}

/* Index of the instruction at eip; count when eip has left the piece. */
static uint32_t find_code(const struct piece *piece, uint32_t eip)
{
    uint32_t at = 0;

    while (at < piece->count && piece->code[at].address != eip) {
        at++;
    }
    return at;
}

/*
 * An interrupt without a change of stack, whose handler mirrors what it writes: everything below
 * the stack pointer is new, in both copies. Code that mirrors a slot which it has given back would
 * now write an old value.
 */
static void interrupt(struct run *run)
{
    struct machine *machine = &run->translated;

    for (uint32_t i = 1; i <= INTERRUPT_BYTES; i++) {
        uint32_t address = machine->gpr[REG_ESP] - i;
        uint8_t value = (uint8_t)machine_mix(machine->seed ^ 0x696e74, address);

        machine_write_byte(machine, address, value);
        machine_write_byte(machine, address + machine->offset, value);
    }
}

/* Runs until control leaves the piece or, for originals that write nothing or call, reaches the
 * original. */
static bool run_translated(struct run *run, bool stop_at_match)
{
    const struct piece *piece = run->piece;

    for (uint32_t steps = 0; steps < MAX_STEPS; steps++) {
        uint32_t at = find_code(piece, run->translated.eip);

        if (at == piece->count || (stop_at_match && at == piece->match)) {
            return true;
        }
        if (run->interrupt_at == NO_INDEX) {
            judge_window(run);
        }
        if (steps == run->interrupt_at) {
            interrupt(run);
        }
        race_write(run, at);
        run->steps = steps + 1;
        if (!step(run, at)) {
            return false;
        }
    }
    return run_fail(run, "inserted code does not end");
}

/* What the original does: one instruction, or a group of pushes, which read nothing but registers.
 */
static bool run_original(struct run *run)
{
    const struct piece *piece = run->piece;
    bool known = exec_insn(&run->original, run->reference);

    for (uint32_t i = 1; known && i <= piece->last - piece->index; i++) {
        known = exec_insn(&run->original, &piece->code[piece->match + i]);
    }
    return known || run_fail(run, "this program has no rule for it");
}

static void start_state(struct run *run, unsigned int variant)
{
    struct machine *before = &run->before;

    machine_reset(before, machine_mix(0x6b6d76, variant) ^ variant, run->program->map->offset);
    before->vector_word = run->program->vector_word;
    if (variant < STATES) {
        shape_state(before, run->reference, variant);
    } else {
        shape_wide(before, run->reference, variant - STATES);
    }
    before->entry_base = before->gpr[REG_ESP];
    before->entry_size = run->entry == ENTRY_NONE ? 0 : ENTRY_BYTES;
    before->eip = run->start;
    machine_copy(&run->original, before);
    machine_copy(&run->translated, before);
    run->interrupt_at = NO_INDEX;
    run->race_at[0] = run->race_at[1] = NO_INDEX;
    run->native_done = false;
    run->steps = 0;
    run->window_fault = false;
}

/* Originals that write nothing, and calls: what is in front of them must be without effect but for
 * the entry copy. */
static bool run_prefix(struct run *run)
{
    uint16_t live = run->program->live_in[run->piece->index];

    run->original.offset = 0;
    return run_translated(run, true) && judge_registers(run, &run->before, live) &&
           judge_memory(run, &run->original) &&
           judge_exit(run, run->piece->code[run->piece->match].address) && judge_windows(run);
}

/* Writers, and branches that had to be expanded. */
static bool run_whole(struct run *run)
{
    uint32_t expected_eip = run->piece->end;
    uint32_t target;

    if (!run_original(run)) {
        return false;
    }
    if (insn_branch_target(&run->piece->original, &target) &&
        run->original.eip == (uint32_t)run->reference->operands[0].imm) {
        expected_eip = run->original.eip;
    }
    return run_translated(run, false) &&
           judge_registers(run, &run->original, run->program->live_out[run->piece->last]) &&
           judge_memory(run, &run->original) && judge_exit(run, expected_eip) && judge_windows(run);
}

/* The original of an expanded branch, going to where its target is now. */
static bool moved_branch(const struct run *run, struct insn *branch)
{
    uint32_t target;
    uint32_t index;

    *branch = run->piece->original;
    if (!insn_branch_target(branch, &target)) {
        return false;
    }
    index = map_pair(run->program->map, target);
    if (index != NO_INDEX) {
        branch->operands[0].imm = run->program->map->pairs[index].new_addr;
    }
    return index != NO_INDEX;
}

/* An interrupt at any boundary must leave no byte without its mirror once the piece is done. */
static bool run_interrupted(struct run *run, unsigned int variant, bool prefix_only)
{
    uint32_t steps = run->steps;
    uint32_t stale;

    for (uint32_t at = 0; at < steps; at++) {
        start_state(run, variant);
        run->interrupt_at = at;
        if (!prefix_only && !run_original(run)) {
            return false;
        }
        if (!run_translated(run, prefix_only)) {
            return false;
        }
        if (judge_left_stale(run, &stale)) {
            return run_fail(run,
                            "an interrupt before its instruction %u leaves byte %08x not mirrored",
                            at + 1, stale);
        }
    }
    return true;
}

static bool run_raced_at(struct run *run, unsigned int variant, uint32_t first, uint32_t second)
{
    char why[sizeof(run->message)];

    start_state(run, variant);
    run->race_at[0] = first;
    run->races_left[0] = 1;
    run->race_at[1] = second;
    run->races_left[1] = RACES;
    if (!run_whole(run)) {
        memcpy(why, run->message, sizeof(why));
        return run_fail(run, "another processor writes before %08x: %.80s",
                        run->piece->code[first].address, why);
    }
    return true;
}

/* Other processors write before one of the piece's instructions, and then before one again and
 * again. */
static bool run_raced(struct run *run, unsigned int variant)
{
    for (uint32_t first = 0; first < run->piece->count; first++) {
        for (uint32_t second = 0; second < run->piece->count; second++) {
            if (!run_raced_at(run, variant, first, second)) {
                return false;
            }
        }
    }
    return true;
}

static bool run_from(struct run *run, uint32_t start, enum entry_kind entry)
{
    const struct writer_rule *rule = writer_rule_of(&run->piece->original);
    bool prefix_only = run->piece->match != NO_INDEX && (!rule || rule->kind == WRITES_CALL);

    unsigned int states = STATES;

    if (run->program->vector_word && insn_is_repeated(run->reference)) {
        states += WIDE_STATES;
    }
    run->start = start;
    run->entry = entry;
    for (unsigned int variant = 0; variant < states; variant++) {
        start_state(run, variant);
        if (prefix_only ? !run_prefix(run) : !run_whole(run)) {
            return false;
        }
        if (start != run->program->map->pairs[run->piece->index].new_addr &&
            !judge_entry_copy(run)) {
            return false;
        }
        if (variant % STATES < INTERRUPTED_STATES && !run_interrupted(run, variant, prefix_only)) {
            return false;
        }
        if (variant % STATES < INTERRUPTED_STATES && race_possible(run->reference) &&
            !run_raced(run, variant)) {
            return false;
        }
    }
    return true;
}

/* What no run gets to is not proved. What the original itself does is not a matter of inserted
 * code.
 */
static const char *unreached(struct run *run)
{
    for (uint32_t i = 0; i < run->piece->count; i++) {
        if (!run->reached[i] && i != run->piece->match) {
            run_fail(run, "the instruction at %08x is never run", run->piece->code[i].address);
            return run->message;
        }
    }
    return NULL;
}

const char *piece_run(const struct program *program, const struct piece *piece)
{
    static struct run run;
    uint32_t body = program->map->pairs[piece->index].new_addr;
    struct insn branch;
    struct insn whole;

    run.program = program;
    run.piece = piece;
    memset(run.reached, 0, piece->count * sizeof(run.reached[0]));
    if (piece->match != NO_INDEX) {
        whole = piece->code[piece->match];
        whole.id = piece->original.id;
        run.reference = &whole;
    } else if (moved_branch(&run, &branch)) {
        run.reference = &branch;
    } else {
        return "the original instruction is not in its translation";
    }
    if (!run_from(&run, piece->start, program->flows[piece->index].entry)) {
        return run.message;
    }
    /* Jumps come in behind the entry copy. */
    if (body != piece->start && !run_from(&run, body, ENTRY_NONE)) {
        return run.message;
    }
    return unreached(&run);
}
