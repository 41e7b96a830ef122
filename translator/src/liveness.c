/*
 * Which general registers, and whether status flags, may be needed before each item: backwards data
 * flow over the whole program, calls included. No calling convention is assumed: after a return
 * everything is needed, a call needs what its callee uses, and what it does not surely overwrite
 * passes through.
 *
 * live: needed, when everything is needed after the return. used: needed, when nothing is. A
 * register that is live but not used passes through the function; one that is not live is
 * overwritten on every way to the return.
 *
 * A `ret` may also be a jump (`push $label; ret`, a new thread's first return): then what the code
 * whose address is taken needs is used. Loads of esp that may switch stacks count as needing
 * everything, so do indirect jumps and calls.
 */
#include "program.h"

#include <stdlib.h>

/* Rounds until the flow is settled grow with loop and call depth; beyond this everything counts as
 * needed. */
#define MAX_ROUNDS 200

struct need {
    uint8_t live;
    uint8_t used;
};

static const struct need everything = {GPR_ALL, GPR_ALL};

/* Kept apart from the items, so that looking up far targets is cheap. */
struct analysis {
    struct program *program;
    struct need *needs; /* before each item */
    uint8_t pointed;    /* needed by code whose address is taken */
};

static struct need need_at(const struct analysis *analysis, uint32_t index)
{
    return index < analysis->program->item_count ? analysis->needs[index] : everything;
}

/* What runs off the end of a section runs into the unknown. */
static struct need need_next(const struct analysis *analysis, uint32_t index)
{
    bool last = analysis->program->items[index].flags & ITEM_LAST;
    return last ? everything : need_at(analysis, index + 1);
}

static struct need need_after(const struct analysis *analysis, uint32_t index)
{
    const struct item *item = &analysis->program->items[index];
    if (item->flow == FLOW_NEXT)
        return need_next(analysis, index);
    struct need next = need_next(analysis, index), target = need_at(analysis, item->target);
    switch ((enum item_flow)item->flow) {
    case FLOW_JUMP:
        return target;
    case FLOW_BRANCH:
        return (struct need){next.live | target.live, next.used | target.used};
    case FLOW_CALL:
        return (struct need){target.used | (next.live & target.live),
                             target.used | (next.used & target.live)};
    case FLOW_RETURN:
        return (struct need){GPR_ALL, analysis->pointed};
    case FLOW_NEXT:
    case FLOW_UNKNOWN:
        break;
    }
    return everything;
}

static bool update(struct analysis *analysis, uint32_t index)
{
    const struct item *item = &analysis->program->items[index];
    struct need *need = &analysis->needs[index];
    struct need old = *need, after = need_after(analysis, index);
    uint8_t keep = (uint8_t)~item->kills;
    need->live = item->reads | (after.live & keep);
    need->used = item->reads | (after.used & keep);
    if (item->flow == FLOW_UNKNOWN)
        *need = everything;
    return need->live != old.live || need->used != old.used;
}

static void update_pointed(struct analysis *analysis)
{
    const struct program *program = analysis->program;
    for (uint32_t i = 0; i < program->item_count; i++)
        if (program->items[i].flags & ITEM_POINTER)
            analysis->pointed |= analysis->needs[i].live;
}

static void need_everything(struct program *program)
{
    for (uint32_t i = 0; i < program->item_count; i++)
        program->items[i].live = GPR_ALL;
}

void program_liveness(struct program *program)
{
    if (program->options.no_liveness) {
        need_everything(program);
        return;
    }
    struct analysis analysis = {program, xcalloc(program->item_count, sizeof(struct need)), 0};
    bool changed = true;
    for (unsigned round = 0; changed && round < MAX_ROUNDS; round++) {
        uint8_t pointed = analysis.pointed;
        update_pointed(&analysis);
        changed = pointed != analysis.pointed;
        for (uint32_t i = program->item_count; i-- > 0;)
            changed |= update(&analysis, i);
    }
    for (uint32_t i = 0; i < program->item_count; i++)
        program->items[i].live = changed ? GPR_ALL : analysis.needs[i].live;
    free(analysis.needs);
}
