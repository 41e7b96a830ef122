#include <hv/log/format.h>
#include <hv/log/log.h>
#include <hv/vm/stats.h>
#include <hv/vm/vm.h>

#define MEGATICK 1000000u

void stats_start(struct stats *stats, u32 megaticks, u64 now)
{
    stats->period = (u64)megaticks * MEGATICK;
    stats->next = megaticks > 0 ? now + stats->period : STATS_NEVER;
}

void stats_log(struct vm *vm, u64 now)
{
    char text[1024];
    size_t length = 0;

    vm->stats.next = now + vm->stats.period;
#define STATS_COUNTER(name)                                                                        \
    length = format_append(text, sizeof(text), length, " " #name "=%lu",                           \
                           vm->counters[KMV_COUNTER_##name]);
    KMV_COUNTERS(STATS_COUNTER)
    log_event("stats", "%s", text + 1);
}
