/*
 * Which registers matter at which instruction of the original, over the whole program: one backward
 * iteration to a fixpoint. Wherever control goes somewhere unknown (return, indirect jump or call,
 * trap) everything is alive; no calling convention is assumed. A call therefore needs what its
 * callee's entry needs: everything that the callee does not overwrite reaches its return, where it
 * is alive.
 */
#include "program.h"

#include <stdlib.h>

/* What the instruction that follows directly needs. */
static uint16_t next_live(const struct program *program, uint32_t index)
{
    const struct kmv_addr_pair *pair = &program->map->pairs[index];

    if (index + 1 == program->map->pair_count ||
        pair[1].old_addr != pair->old_addr + program->flows[index].length) {
        return LIVE_ALL;
    }
    return program->live_in[index + 1];
}

uint16_t program_live_out(const struct program *program, uint32_t index)
{
    const struct flow *flow = &program->flows[index];
    uint16_t target = flow->target == NO_INDEX ? LIVE_ALL : program->live_in[flow->target];

    switch (flow->kind) {
    case FLOW_NEXT:
        return next_live(program, index);
    case FLOW_JUMP:
    case FLOW_CALL:
        return target;
    case FLOW_BRANCH:
        return target | next_live(program, index);
    case FLOW_DEAD:
        return 0;
    default:
        return LIVE_ALL;
    }
}

bool program_find_live(struct program *program)
{
    bool changed = true;

    program->live_in = calloc(program->map->pair_count, sizeof(*program->live_in));
    if (!program->live_in) {
        return false;
    }
    while (changed) {
        changed = false;
        for (uint32_t i = program->map->pair_count; i > 0; i--) {
            const struct flow *flow = &program->flows[i - 1];
            uint16_t live = program_live_out(program, i - 1);

            live = (uint16_t)(flow->reads | (live & ~flow->kills));
            changed |= live != program->live_in[i - 1];
            program->live_in[i - 1] = live;
        }
    }
    return true;
}
