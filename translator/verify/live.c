/*
 * Which registers matter at which instruction of the original, over the whole program: backward
 * iterations to a fixpoint, first for what functions do, then for what matters. No calling
 * convention is assumed: wherever control goes somewhere unknown (indirect jump or call, trap,
 * return from a function to callers that are not looked at) everything matters.
 *
 * Of a function, two things are needed at its calls: what it uses (reads before writing it), and
 * what it passes (may reach its return unwritten). Before a call matters what the callee uses, and
 * what it passes and matters afterwards.
 */
#include "program.h"

#include <stdlib.h>

struct analysis {
    const struct program *program;
    uint16_t *passed;    /* one a pair: registers that may reach the next return unwritten */
    uint16_t *used;      /* one a pair: read before written, if nothing mattered at the return */
    uint16_t *live;      /* one a pair: what is computed now */
    uint16_t at_return;  /* value behind a return */
    uint16_t at_unknown; /* value where control goes somewhere unknown */
    bool reads;          /* what instructions read counts */
};

static uint16_t next_value(const struct analysis *analysis, uint32_t index)
{
    const struct program *program = analysis->program;
    const struct kmv_addr_pair *pair = &program->map->pairs[index];

    if (index + 1 == program->map->pair_count ||
        pair[1].old_addr != pair->old_addr + program->flows[index].length) {
        return LIVE_ALL;
    }
    return analysis->live[index + 1];
}

/* Behind a call, as seen before it. */
static uint16_t across_call(const struct analysis *analysis, uint32_t index)
{
    uint32_t callee = analysis->program->flows[index].target;
    uint16_t next = next_value(analysis, index);

    if (callee == NO_INDEX) {
        return LIVE_ALL;
    }
    if (analysis->live == analysis->passed) {
        return next & analysis->passed[callee];
    }
    return analysis->used[callee] | (next & analysis->passed[callee]);
}

static uint16_t value_behind(const struct analysis *analysis, uint32_t index)
{
    const struct flow *flow = &analysis->program->flows[index];
    uint16_t target = flow->target == NO_INDEX ? LIVE_ALL : analysis->live[flow->target];

    switch (flow->kind) {
    case FLOW_NEXT:
        return next_value(analysis, index);
    case FLOW_JUMP:
        return target;
    case FLOW_BRANCH:
        return target | next_value(analysis, index);
    case FLOW_CALL:
        return across_call(analysis, index);
    case FLOW_RETURN:
        return analysis->at_return;
    case FLOW_DEAD:
        return 0;
    default:
        return analysis->at_unknown;
    }
}

static void iterate(const struct analysis *analysis)
{
    bool changed = true;

    while (changed) {
        changed = false;
        for (uint32_t i = analysis->program->map->pair_count; i > 0; i--) {
            const struct flow *flow = &analysis->program->flows[i - 1];
            uint16_t value = value_behind(analysis, i - 1) & ~flow->kills;

            value |= analysis->reads ? flow->reads : 0;
            changed |= value != analysis->live[i - 1];
            analysis->live[i - 1] = value;
        }
    }
}

bool program_find_live(struct program *program)
{
    uint32_t count = program->map->pair_count;
    struct analysis analysis = {.program = program, .at_unknown = LIVE_ALL};

    analysis.passed = calloc(count, sizeof(*analysis.passed));
    analysis.used = calloc(count, sizeof(*analysis.used));
    program->live_in = calloc(count, sizeof(*program->live_in));
    program->live_out = calloc(count, sizeof(*program->live_out));
    if (analysis.passed && analysis.used && program->live_in && program->live_out) {
        analysis.live = analysis.passed;
        analysis.at_return = LIVE_ALL;
        iterate(&analysis);
        analysis.reads = true;
        analysis.live = analysis.used;
        analysis.at_return = 0;
        iterate(&analysis);
        analysis.live = program->live_in;
        analysis.at_return = LIVE_ALL;
        iterate(&analysis);
        for (uint32_t i = 0; i < count; i++) {
            program->live_out[i] = value_behind(&analysis, i);
        }
    }
    free(analysis.passed);
    free(analysis.used);
    return program->live_out != NULL && program->live_in != NULL;
}
