/* How much memory a configuration needs, and where a block fits. Builds for EFI and on the host. */
#ifndef LOADER_PLAN_H
#define LOADER_PLAN_H

#include "config.h"

/* Sizes in bytes. */
struct plan {
    uint64_t guest;
    uint64_t mirror; /* 0 with the mirror off */
    uint64_t spare;  /* 0 with the mirror off */
    uint64_t heap;
};

/* Image (of the hypervisor, in bytes) and heap together take 0.5 % of guest memory, or what that is
 * for 128 MiB. */
void plan_make(const struct config *config, uint64_t image, struct plan *plan);

/* Memory that a place is wanted for. */
struct block {
    uint64_t size;    /* bytes */
    uint64_t align;   /* a power of two */
    uint64_t partner; /* 0, or the address of a block that is used in turns with this one */
};

/* Lowest address for the block in the free region [start, end), into *place. Never below 1 MiB,
 * which processors start in, nor at a distance from its partner that makes both slow. Returns false
 * if there is none. */
bool plan_fit(uint64_t start, uint64_t end, const struct block *block, uint64_t *place);

#endif
