/* Whether a run of a translation is right: what it stored, when, where it went, what it left in
 * registers. */
#include "run.h"

#include <stdarg.h>
#include <stdio.h>

/* Inserted code may use that many bytes below the stack pointer. */
#define SCRATCH_BYTES 128u

bool run_fail(struct run *run, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(run->message, sizeof(run->message), format, arguments);
    va_end(arguments);
    return false;
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
bool judge_stale(const struct run *run, uint32_t *address)
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

/* The same once a piece is done: but for what a later piece has to mirror. */
bool judge_left_stale(const struct run *run, uint32_t *address)
{
    return !run->program->flows[run->piece->index].deferred && judge_stale(run, address);
}

/*
 * The window table must tell the truth at this boundary; a repeated writer is in its own window,
 * half done. What is wrong here is told at the end, when nothing worse was found.
 */
void judge_window(struct run *run)
{
    uint32_t eip = run->translated.eip;
    uint32_t stale;
    bool inside = map_in_window(run->program->map, eip);
    bool at_native =
        run->piece->match != NO_INDEX && eip == run->piece->code[run->piece->match].address &&
        writer_rule_of(&run->piece->original) && insn_is_repeated(&run->piece->original);
    bool dirty =
        at_native || run->program->flows[run->piece->index].owing || judge_stale(run, &stale);
    bool at_start = eip == run->start && run->entry == ENTRY_NONE &&
                    !run->program->flows[run->piece->index].stub;

    if (!run->window_fault && (dirty ? !inside : inside && at_start)) {
        run->window_fault = true;
        run->window_fault_at = eip;
    }
}

bool judge_windows(struct run *run)
{
    if (!run->window_fault) {
        return true;
    }
    return run_fail(run,
                    map_in_window(run->program->map, run->window_fault_at)
                        ? "a window holds %08x, where nothing is written yet"
                        : "no window holds %08x, where the mirror is behind",
                    run->window_fault_at);
}

/* A new native store is the original's, or pushed scratch: below the original's stack pointer,
 * above the current one. */
bool judge_store(struct run *run, const struct stored_byte *store)
{
    const struct machine *machine = &run->translated;
    uint32_t limit = run->native_done ? run->original.gpr[REG_ESP] : run->before.gpr[REG_ESP];
    uint32_t native = store->address - machine->offset;

    if (store->store_class == STORE_MIRROR || machine_find(&run->original, store->address)) {
        return true;
    }
    if (machine_find(&run->original, native)) {
        return run_fail(run, "the mirror is written before the native byte");
    }
    if (limit - store->address - 1 >= SCRATCH_BYTES) {
        return run_fail(run, "stores at %08x, which the original does not (first native byte %08x)",
                        store->address,
                        run->original.store_count ? run->original.stores[0].address : 0);
    }
    if (store->address - machine->gpr[REG_ESP] >= SCRATCH_BYTES) {
        return run_fail(run, "uses memory below the stack pointer");
    }
    return true;
}

bool judge_registers(struct run *run, const struct machine *expected, uint16_t live)
{
    static const char *const names[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    const struct machine *actual = &run->translated;
    uint32_t flags = actual->eflags ^ expected->eflags;

    for (unsigned int i = 0; i < REG_COUNT; i++) {
        if (actual->gpr[i] != expected->gpr[i] && (i == REG_ESP || (live & (1u << i)))) {
            return run_fail(run, "%s is changed", names[i]);
        }
    }
    if ((flags & FLAGS_STATUS && (live & LIVE_FLAGS)) || (flags & ~FLAGS_STATUS)) {
        return run_fail(run, "flags are changed (%08x)", flags);
    }
    if (actual->task_register != expected->task_register) {
        return run_fail(run, "the task register is changed");
    }
    if (actual->fpu_steps != expected->fpu_steps) {
        return run_fail(run, "the x87 state is changed");
    }
    for (unsigned int i = 0; i < actual->vector_bytes && i < VECTOR_MAX; i++) {
        if (actual->vector[i] != expected->vector[i]) {
            return run_fail(run, "vector register 0 is changed");
        }
    }
    return true;
}

/* Native bytes equal to the original's, mirror bytes equal to the native ones, none missing. */
bool judge_memory(struct run *run, const struct machine *expected)
{
    const struct machine *actual = &run->translated;
    uint32_t stale;

    for (uint32_t i = 0; i < expected->store_count; i++) {
        const struct stored_byte *want = &expected->stores[i];

        if (machine_read_byte(actual, want->address) != want->value) {
            return run_fail(run, "the native byte at %08x differs", want->address);
        }
    }
    if (judge_left_stale(run, &stale)) {
        return run_fail(run,
                        machine_find(actual, stale + actual->offset)
                            ? "the mirror of byte %08x differs (esp %08x)"
                            : "the mirror of byte %08x is not written (esp %08x)",
                        stale, run->before.gpr[REG_ESP]);
    }
    for (uint32_t i = 0; i < actual->store_count; i++) {
        const struct stored_byte *stored = &actual->stores[i];

        if (stored->store_class == STORE_MIRROR &&
            stored->value != machine_read_byte(actual, stored->address - actual->offset)) {
            return run_fail(run, "the mirror byte at %08x differs from its native byte",
                            stored->address);
        }
    }
    return true;
}

bool judge_exit(struct run *run, uint32_t expected_eip)
{
    const struct piece *piece = run->piece;
    uint32_t last = piece->code[piece->count - 1].address + piece->code[piece->count - 1].length;
    uint32_t eip = run->translated.eip;

    if (eip == expected_eip || (eip == last && expected_eip == piece->end)) {
        return true;
    }
    return run_fail(run, "goes on at %08x, not at %08x", eip, expected_eip);
}

/* What stands in front of the mapped address must be a copy of (some of) the bytes at esp, not just
 * anything. */
bool judge_entry_copy(struct run *run)
{
    const struct machine *machine = &run->translated;
    unsigned int copied = 0;

    for (uint32_t i = 0; i < machine->store_count; i++) {
        uint32_t native = machine->stores[i].address - machine->offset;

        copied += machine->stores[i].store_class == STORE_MIRROR &&
                  native - machine->entry_base < machine->entry_size;
    }
    if (copied < 4) {
        return run_fail(run, "calls go to code in front of it that mirrors no return address");
    }
    return true;
}
