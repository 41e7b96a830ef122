#include "ranges.h"

#include <stddef.h>

const struct range *ranges_overlap(const struct ranges *ranges, uint64_t start, uint64_t end)
{
    for (unsigned i = 0; i < ranges->count; i++) {
        const struct range *range = &ranges->list[i];
        if (start < range->end && range->start < end)
            return range;
    }
    return NULL;
}

bool ranges_add(struct ranges *ranges, uint64_t start, uint64_t end)
{
    if (start >= end)
        return true;
    if (ranges->count == RANGES_MAX || ranges_overlap(ranges, start, end))
        return false;
    ranges->list[ranges->count++] = (struct range){start, end};
    return true;
}

bool ranges_fit_up(const struct ranges *ranges, uint64_t low, uint64_t high, uint64_t size,
                   uint64_t align, uint64_t *place)
{
    for (;;) {
        uint64_t start = (low + align - 1) & ~(align - 1);
        if (start < low || start > high || size > high - start)
            return false;
        const struct range *taken = ranges_overlap(ranges, start, start + size);
        if (taken == NULL) {
            *place = start;
            return true;
        }
        low = taken->end;
    }
}

bool ranges_fit_down(const struct ranges *ranges, uint64_t low, uint64_t high, uint64_t size,
                     uint64_t align, uint64_t *place)
{
    for (;;) {
        if (high < low || size > high - low)
            return false;
        uint64_t start = (high - size) & ~(align - 1);
        if (start < low)
            return false;
        const struct range *taken = ranges_overlap(ranges, start, start + size);
        if (taken == NULL) {
            *place = start;
            return true;
        }
        high = taken->start;
    }
}
