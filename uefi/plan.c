#include "plan.h"

#include "ranges.h"

#define MIB  0x100000ull
#define PAGE 4096ull

#define LEAST_COUNTED (128 * MIB)
#define SHARE         200 /* one part in so many */
#define HEAP_LEAST    (64 * PAGE)

/* Addresses so far apart share an entry of Bochs's translation cache, so that each access that
 * takes turns between them walks the page tables. Copying a block, and comparing one, then takes
 * nine times as long. */
#define ENTRY_SHARED (8 * MIB)

void plan_make(const struct config *config, uint64_t image, struct plan *plan)
{
    uint64_t memory = config->memory_mib * MIB;
    uint64_t share = (memory < LEAST_COUNTED ? LEAST_COUNTED : memory) / SHARE;

    plan->guest = memory;
    plan->mirror = config->mirror ? memory : 0;
    plan->spare = config->mirror ? config->spare_mib * MIB : 0;
    plan->heap = (share < image + HEAP_LEAST ? HEAP_LEAST : share - image) & ~(PAGE - 1);
}

static bool fit(uint64_t start, uint64_t end, const struct block *block, uint64_t *place)
{
    static const struct ranges nothing_taken;

    return ranges_fit_up(&nothing_taken, start, end, block->size, block->align, place);
}

bool plan_fit(uint64_t start, uint64_t end, const struct block *block, uint64_t *place)
{
    if (!fit(start < MIB ? MIB : start, end, block, place))
        return false;
    if (block->partner == 0 || (*place - block->partner) % ENTRY_SHARED != 0)
        return true;
    return fit(*place + block->align, end, block, place);
}
