#include <hv/vcpu/cost.h>

#include <hv/log/format.h>
#include <hv/log/log.h>

void cost_add(struct cost *cost, u64 ticks)
{
    u64 bucket = ticks / COST_STEP;

    cost->buckets[bucket < COST_BUCKETS ? bucket : COST_BUCKETS - 1]++;
    cost->count++;
    if (ticks > cost->most)
        cost->most = ticks;
}

u64 cost_percentile(const struct cost *cost, u32 percent)
{
    u64 below = 0;

    for (u32 i = 0; i < COST_BUCKETS - 1; i++) {
        below += cost->buckets[i];
        if (below > 0 && below * 100 >= (u64)cost->count * percent)
            return (i + 1) * COST_STEP;
    }
    return cost->most;
}

void cost_log(const char *kind, const struct cost *cost)
{
    char text[512];
    size_t length = 0;

    if (cost->count == 0)
        return;
    for (u32 i = 0; i < COST_BUCKETS; i++) {
        if (cost->buckets[i] > 0)
            length = format_append(text, sizeof(text), length, " %u:%u", (i + 1) * COST_STEP,
                                   cost->buckets[i]);
    }
    log_event("cost", "kind=%s count=%u p50=%llu p99=%llu max=%llu distribution=\"%s\"", kind,
              cost->count, (unsigned long long)cost_percentile(cost, 50),
              (unsigned long long)cost_percentile(cost, 99), (unsigned long long)cost->most,
              text + 1);
}
