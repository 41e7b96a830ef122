/* How long exits of a kind take, from VM exit to VM entry: not the mean alone. Plain C. */
#ifndef HV_VCPU_COST_H
#define HV_VCPU_COST_H

#include <hv/types.h>

enum cost_kind { COST_NONE, COST_RECOVER, COST_PT_WRITE, COST_ROOT_DROP, COST_KINDS };

#define COST_STEP    100u /* TSC ticks that one bucket spans */
#define COST_BUCKETS 100u /* the last one takes all that is longer */

struct cost {
    u32 buckets[COST_BUCKETS];
    u32 count;
    u64 most; /* ticks */
};

void cost_add(struct cost *cost, u64 ticks);

/* Ticks below which `percent` of all lie, rounded up to COST_STEP; 0 if there are none. */
u64 cost_percentile(const struct cost *cost, u32 percent);

/* Logs event=cost kind=, count=, p50=, p99=, max= and distribution="BELOW:COUNT ...", ticks.
 * Nothing if there are none. */
void cost_log(const char *kind, const struct cost *cost);

#endif
