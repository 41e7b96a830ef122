/*
 * Faults by a plan, for campaigns: which page goes bad when, drawn from a seed, so that it repeats
 * exactly. The plan names instants in TSC ticks of the guest's own time, since a fault's log alone
 * takes as long as many instructions of the guest, and a few boundaries between instructions after
 * them; orders.c counts both.
 */
#ifndef TESTS_PLAN_H
#define TESTS_PLAN_H

#include <hv/types.h>
#include <hv/vm/vm.h>
#include <kmv/faults.h>

struct fault_plan {
    struct kmv_fault_plan order;
    u32 random; /* state of the generator, never 0 */
    u32 left;   /* faults to come */
    u64 at;     /* ticks of the guest's: the next one not before */
};

/* Where the guest is: linear addresses of the kinds from KMV_FAULT_code to KMV_FAULT_table (what
 * the table maps), and the page directory's page. */
struct fault_place {
    u32 at[KMV_FAULT_table - KMV_FAULT_code + 1];
    gpa_t root;
    bool user;
};

/* Takes the plan over. 0 or -HV_EINVAL. */
int plan_start(struct vm *vm, struct fault_plan *plan, const struct kmv_fault_plan *order, u64 now);

/* Boundaries that are to pass after the instant. */
u32 plan_boundaries(struct fault_plan *plan);

/* Makes a page bad, logs event=fault kind=... and what follows, and draws the next instant. A page
 * that can't be recovered, since its other side is bad and nobody has met it yet, is left alone,
 * and the fault drawn anew. */
void plan_strike(struct vm *vm, struct fault_plan *plan, const struct fault_place *place, u64 now);

#endif
