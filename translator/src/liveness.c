/*
 * Which general registers may be needed before each item: backwards data flow over the whole
 * program, calls included. No calling convention is assumed: after a return everything is needed, a
 * call needs what its callee uses, and what it does not surely overwrite passes through.
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

/* Rounds until the flow is settled grow with loop depth and call depth; beyond this everything
 * counts as needed. */
#define MAX_ROUNDS 200

struct need {
    uint8_t live;
    uint8_t used;
};

static struct need at(const struct program *program, uint32_t index)
{
    if (index >= program->item_count)
        return (struct need){GPR_ALL, GPR_ALL};
    return (struct need){program->items[index].live, program->items[index].used};
}

static struct need after(const struct program *program, uint32_t index, uint8_t pointed)
{
    const struct item *item = &program->items[index];
    struct need next = at(program, index + 1), target = at(program, item->target);
    switch ((enum item_flow)item->flow) {
    case FLOW_NEXT:
        return next;
    case FLOW_JUMP:
        return target;
    case FLOW_BRANCH:
        return (struct need){next.live | target.live, next.used | target.used};
    case FLOW_CALL:
        return (struct need){target.used | (next.live & target.live),
                             target.used | (next.used & target.live)};
    case FLOW_RETURN:
        return (struct need){GPR_ALL, pointed};
    case FLOW_UNKNOWN:
        break;
    }
    return (struct need){GPR_ALL, GPR_ALL};
}

static bool update(struct program *program, uint32_t index, uint8_t pointed)
{
    struct item *item = &program->items[index];
    struct need need = after(program, index, pointed);
    uint8_t keep = (uint8_t)~item->kills;
    uint8_t live = item->reads | (need.live & keep), used = item->reads | (need.used & keep);
    if (item->flow == FLOW_UNKNOWN)
        live = used = GPR_ALL;
    bool changed = live != item->live || used != item->used;
    item->live = live;
    item->used = used;
    return changed;
}

static bool flows_on(const struct item *item)
{
    return item->flow == FLOW_NEXT || item->flow == FLOW_BRANCH || item->flow == FLOW_CALL;
}

/* What the code needs whose address is taken. */
static uint8_t needed_by_pointed(const struct program *program)
{
    uint8_t need = 0;
    for (uint32_t i = 0; i < program->item_count; i++)
        if (program->items[i].flags & ITEM_POINTER)
            need |= program->items[i].live;
    return need;
}

void program_liveness(struct program *program)
{
    bool changed = true;
    for (unsigned round = 0; changed && round < MAX_ROUNDS; round++) {
        changed = false;
        uint8_t pointed = needed_by_pointed(program);
        for (unsigned t = program->text_count; t-- > 0;) {
            const struct text *text = &program->texts[t];
            /* What runs off the end of a section runs into the unknown. */
            if (flows_on(&program->items[text->end - 1]))
                program->items[text->end - 1].flow = FLOW_UNKNOWN;
            for (uint32_t i = text->end; i-- > text->first;)
                changed |= update(program, i, pointed);
        }
    }
    for (uint32_t i = 0; changed && i < program->item_count; i++)
        program->items[i].live = GPR_ALL;
}
