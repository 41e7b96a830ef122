/*
 * The check by meaning: the original instruction alone, and its whole translation, run from the
 * same states.
 *
 * After the translation, registers and flags that matter must be those of the original; native
 * bytes too; every byte stored natively must have its equal at +OFFSET; and nothing else may be
 * stored, except that inserted code may push below the stack pointer, if it mirrors these bytes,
 * too.
 */
#include "check.h"
#include "exec.h"

#include <stdarg.h>
#include <stdio.h>

#define STATES 8u
/* Steps of one run: inserted code has no loops other than string instructions. */
#define MAX_STEPS (2 * PIECE_MAX)
/* Inserted code may use that many bytes below the stack pointer. */
#define SCRATCH_BYTES 128u
/* What a handler writes below the stack pointer, at least: its frame and registers. */
#define INTERRUPT_BYTES 64u
/* States from which interrupts are tried at each boundary. */
#define INTERRUPTED_STATES 2u
/* Bytes at a label that may be mirrored: a hardware frame of six dwords, or one behind an error
 * code or vector number. */
#define ENTRY_BYTES 28u

struct run {
    const struct program *program;
    const struct piece *piece;
    const struct insn *reference; /* the original, with its relocated fields as they are now */
    struct machine before;
    struct machine original;
    struct machine translated;
    uint32_t start;        /* of the piece, or behind its entry copy */
    enum entry_kind entry; /* what the program counts as, from there */
    uint32_t interrupt_at; /* step before which an interrupt comes; NO_INDEX: none */
    uint32_t steps;        /* done */
    bool native_done;
    bool window_fault;
    uint32_t window_fault_at;
    char message[128];
};

static bool fail(struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(struct run *run, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(run->message, sizeof(run->message), format, arguments);
    va_end(arguments);
    return false;
}

static bool is_repeated(const struct insn *insn)
{
    return insn_is_string(insn) && (insn->rep || insn->repne);
}

static bool is_counted(const struct insn *insn)
{
    return insn->opcode >= 0xe0 && insn->opcode <= 0xe3;
}

/* Makes interesting cases likely: short and zero counts, both directions, overlap, a comparison
 * that succeeds. */
static void shape_state(struct machine *machine, const struct insn *insn, unsigned int variant)
{
    static const uint32_t counts[] = {3, 0, 1, 7};

    machine->eflags = (machine->eflags & ~FLAG_DF) | (variant & 1 ? FLAG_DF : 0);
    if (is_repeated(insn) || is_counted(insn)) {
        machine->gpr[REG_ECX] = counts[(variant >> 1) % 4];
    }
    if (insn_is_string(insn) && variant >= 6) {
        machine->gpr[REG_EDI] = machine->gpr[REG_ESI] + (variant & 1 ? 2u : -2u);
    }
    if (insn->id == X86_INS_CMPXCHG && operand_is(insn, 0, X86_OP_MEM) && (variant & 2)) {
        machine->gpr[REG_EAX] = machine_read(machine, exec_address(machine, insn, 0), 4);
    }
    if (insn->id == X86_INS_CMPXCHG8B && (variant & 2)) {
        uint32_t address = exec_address(machine, insn, 0);

        machine->gpr[REG_EAX] = machine_read(machine, address, 4);
        machine->gpr[REG_EDX] = machine_read(machine, address + 4, 4);
    }
}

/* What must be mirrored of the bytes at esp, from *at. */
static uint32_t required_entry_bytes(const struct run *run, uint32_t *at)
{
    const struct flow *flow = &run->program->flows[run->piece->index];

    *at = flow->frame_at;
    if (run->program->map->offset == 0) {
        return 0;
    }
    switch (run->entry) {
    case ENTRY_REQUIRED:
        return 4;
    case ENTRY_TRAP:
        return flow->frame;
    default:
        return 0;
    }
}

static bool mirror_equals(const struct machine *machine, uint32_t address)
{
    const struct stored_byte *mirror = machine_find(machine, address + machine->offset);

    return mirror && mirror->value == machine_read_byte(machine, address);
}

/* The first byte that is stored natively and not mirrored; false if there is none. */
static bool find_stale(const struct run *run, uint32_t *address)
{
    const struct machine *machine = &run->translated;
    uint32_t at;
    uint32_t required = required_entry_bytes(run, &at);

    for (uint32_t i = 0; i < required; i++) {
        *address = machine->entry_base + at + i;
        if (!mirror_equals(machine, *address)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < machine->store_count; i++) {
        *address = machine->stores[i].address;
        if (machine->stores[i].store_class == STORE_NATIVE && !mirror_equals(machine, *address)) {
            return true;
        }
    }
    return false;
}

/*
 * The window table must tell the truth at this boundary; a repeated writer is in its own window,
 * half done. What is wrong here is told at the end, when nothing worse was found.
 */
static void check_window(struct run *run)
{
    uint32_t eip = run->translated.eip;
    uint32_t stale;
    bool inside = map_in_window(run->program->map, eip);
    bool at_native = run->piece->match != NO_INDEX &&
                     eip == run->piece->code[run->piece->match].address &&
                     writer_rule_of(&run->piece->original) && is_repeated(&run->piece->original);
    bool dirty = at_native || find_stale(run, &stale);
    bool at_start = eip == run->start && run->entry == ENTRY_NONE &&
                    !run->program->flows[run->piece->index].stub;

    if (!run->window_fault && (dirty ? !inside : inside && at_start)) {
        run->window_fault = true;
        run->window_fault_at = eip;
    }
}

static bool compare_windows(struct run *run)
{
    if (!run->window_fault) {
        return true;
    }
    return fail(run,
                map_in_window(run->program->map, run->window_fault_at)
                    ? "a window holds %08x, where nothing is written yet"
                    : "no window holds %08x, where the mirror is behind",
                run->window_fault_at);
}

/* A new native store is the original's, or pushed scratch: below the original's stack pointer,
 * above the current one. */
static bool check_store(struct run *run, const struct stored_byte *store)
{
    const struct machine *machine = &run->translated;
    uint32_t limit = run->native_done ? run->original.gpr[REG_ESP] : run->before.gpr[REG_ESP];
    uint32_t native = store->address - machine->offset;

    if (store->store_class == STORE_MIRROR || machine_find(&run->original, store->address)) {
        return true;
    }
    if (machine_find(&run->original, native)) {
        return fail(run, "the mirror is written before the native byte");
    }
    if (limit - store->address - 1 >= SCRATCH_BYTES) {
        return fail(run, "stores at %08x, which the original does not (first native byte %08x)",
                    store->address,
                    run->original.store_count ? run->original.stores[0].address : 0);
    }
    if (store->address - machine->gpr[REG_ESP] >= SCRATCH_BYTES) {
        return fail(run, "uses memory below the stack pointer");
    }
    return true;
}

static bool step(struct run *run, uint32_t at)
{
    struct machine *machine = &run->translated;
    uint32_t stored = machine->store_count;

    if (!exec_insn(machine, &run->piece->code[at])) {
        return fail(run, "the instruction at %08x is not known in inserted code",
                    run->piece->code[at].address);
    }
    run->native_done |= at == run->piece->match;
    for (; stored < machine->store_count; stored++) {
        if (!check_store(run, &machine->stores[stored])) {
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
        check_window(run);
        if (steps == run->interrupt_at) {
            interrupt(run);
        }
        run->steps = steps + 1;
        if (!step(run, at)) {
            return false;
        }
    }
    return fail(run, "inserted code does not end");
}

static bool compare_registers(struct run *run, const struct machine *expected, uint16_t live)
{
    static const char *const names[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    const struct machine *actual = &run->translated;
    uint32_t flags = actual->eflags ^ expected->eflags;

    for (unsigned int i = 0; i < REG_COUNT; i++) {
        if (actual->gpr[i] != expected->gpr[i] && (i == REG_ESP || (live & (1u << i)))) {
            return fail(run, "%s is changed", names[i]);
        }
    }
    if ((flags & FLAGS_STATUS && (live & LIVE_FLAGS)) || (flags & ~FLAGS_STATUS)) {
        return fail(run, "flags are changed (%08x)", flags);
    }
    if (actual->task_register != expected->task_register) {
        return fail(run, "the task register is changed");
    }
    if (actual->fpu_steps != expected->fpu_steps) {
        return fail(run, "the x87 state is changed");
    }
    return true;
}

/* Native bytes equal to the original's, mirror bytes equal to the native ones, none missing. */
static bool compare_memory(struct run *run, const struct machine *expected)
{
    const struct machine *actual = &run->translated;
    uint32_t stale;

    for (uint32_t i = 0; i < expected->store_count; i++) {
        const struct stored_byte *want = &expected->stores[i];

        if (machine_read_byte(actual, want->address) != want->value) {
            return fail(run, "the native byte at %08x differs", want->address);
        }
    }
    if (find_stale(run, &stale)) {
        return fail(run,
                    machine_find(actual, stale + actual->offset)
                        ? "the mirror of byte %08x differs (esp %08x)"
                        : "the mirror of byte %08x is not written (esp %08x)",
                    stale, run->before.gpr[REG_ESP]);
    }
    for (uint32_t i = 0; i < actual->store_count; i++) {
        const struct stored_byte *stored = &actual->stores[i];

        if (stored->store_class == STORE_MIRROR &&
            stored->value != machine_read_byte(actual, stored->address - actual->offset)) {
            return fail(run, "the mirror byte at %08x differs from its native byte",
                        stored->address);
        }
    }
    return true;
}

static bool compare_exit(struct run *run, uint32_t expected_eip)
{
    const struct piece *piece = run->piece;
    uint32_t last = piece->code[piece->count - 1].address + piece->code[piece->count - 1].length;
    uint32_t eip = run->translated.eip;

    if (eip == expected_eip || (eip == last && expected_eip == piece->end)) {
        return true;
    }
    return fail(run, "goes on at %08x, not at %08x", eip, expected_eip);
}

static void start_state(struct run *run, unsigned int variant)
{
    struct machine *before = &run->before;

    machine_reset(before, machine_mix(0x6b6d76, variant) ^ variant, run->program->map->offset);
    shape_state(before, run->reference, variant);
    before->entry_base = before->gpr[REG_ESP];
    before->entry_size = run->entry == ENTRY_NONE ? 0 : ENTRY_BYTES;
    before->eip = run->start;
    machine_copy(&run->original, before);
    machine_copy(&run->translated, before);
    run->interrupt_at = NO_INDEX;
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
    return run_translated(run, true) && compare_registers(run, &run->before, live) &&
           compare_memory(run, &run->original) &&
           compare_exit(run, run->piece->code[run->piece->match].address) && compare_windows(run);
}

/* Writers, and branches that had to be expanded. */
static bool run_whole(struct run *run)
{
    uint32_t expected_eip = run->piece->end;
    uint32_t target;

    if (!exec_insn(&run->original, run->reference)) {
        return fail(run, "this program has no rule for it");
    }
    if (insn_branch_target(&run->piece->original, &target) &&
        run->original.eip == (uint32_t)run->reference->operands[0].imm) {
        expected_eip = run->original.eip;
    }
    return run_translated(run, false) &&
           compare_registers(run, &run->original, run->program->live_out[run->piece->index]) &&
           compare_memory(run, &run->original) && compare_exit(run, expected_eip) &&
           compare_windows(run);
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

/* What stands in front of the mapped address must be a copy of (some of) the bytes at esp, not just
 * anything. */
static bool check_entry_copy(struct run *run)
{
    const struct machine *machine = &run->translated;
    unsigned int copied = 0;

    for (uint32_t i = 0; i < machine->store_count; i++) {
        uint32_t native = machine->stores[i].address - machine->offset;

        copied += machine->stores[i].store_class == STORE_MIRROR &&
                  native - machine->entry_base < machine->entry_size;
    }
    if (copied < 4) {
        return fail(run, "calls go to code in front of it that mirrors no return address");
    }
    return true;
}

/* An interrupt at any boundary must leave no byte without its mirror once the piece is done. */
static bool run_interrupted(struct run *run, unsigned int variant, bool prefix_only)
{
    uint32_t steps = run->steps;
    uint32_t stale;

    for (uint32_t at = 0; at < steps; at++) {
        start_state(run, variant);
        run->interrupt_at = at;
        if (!prefix_only && !exec_insn(&run->original, run->reference)) {
            return fail(run, "this program has no rule for it");
        }
        if (!run_translated(run, prefix_only)) {
            return false;
        }
        if (find_stale(run, &stale)) {
            return fail(run, "an interrupt before its instruction %u leaves byte %08x not mirrored",
                        at + 1, stale);
        }
    }
    return true;
}

static bool run_from(struct run *run, uint32_t start, enum entry_kind entry)
{
    const struct writer_rule *rule = writer_rule_of(&run->piece->original);
    bool prefix_only = run->piece->match != NO_INDEX && (!rule || rule->kind == WRITES_CALL);

    run->start = start;
    run->entry = entry;
    for (unsigned int variant = 0; variant < STATES; variant++) {
        start_state(run, variant);
        if (prefix_only ? !run_prefix(run) : !run_whole(run)) {
            return false;
        }
        if (start != run->program->map->pairs[run->piece->index].new_addr &&
            !check_entry_copy(run)) {
            return false;
        }
        if (variant < INTERRUPTED_STATES && !run_interrupted(run, variant, prefix_only)) {
            return false;
        }
    }
    return true;
}

const char *piece_run(const struct program *program, const struct piece *piece)
{
    static struct run run;
    uint32_t body = program->map->pairs[piece->index].new_addr;
    struct insn branch;

    run.program = program;
    run.piece = piece;
    run.reference = piece->match == NO_INDEX ? &branch : &piece->code[piece->match];
    if (piece->match == NO_INDEX && !moved_branch(&run, &branch)) {
        return "the original instruction is not in its translation";
    }
    if (!run_from(&run, piece->start, program->flows[piece->index].entry)) {
        return run.message;
    }
    /* Jumps come in behind the entry copy. */
    if (body != piece->start && !run_from(&run, body, ENTRY_NONE)) {
        return run.message;
    }
    return NULL;
}
