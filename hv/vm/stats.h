/* Counters in the log while the guest runs: event=stats, a line a period, at an exit. */
#ifndef HV_VM_STATS_H
#define HV_VM_STATS_H

#include <hv/types.h>

struct vm;

struct stats {
    u64 period; /* TSC ticks */
    u64 next;   /* the TSC at which the next line is due, STATS_NEVER without a period */
};

#define STATS_NEVER (~0ull)

/* A line every `megaticks` millions of TSC ticks from `now` on; 0: none. */
void stats_start(struct stats *stats, u32 megaticks, u64 now);

/* Logs the counters; the next line is due a period after `now`. */
void stats_log(struct vm *vm, u64 now);

#endif
