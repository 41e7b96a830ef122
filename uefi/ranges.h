/* A small set of address ranges in use, and places between them. Builds for EFI and on the host. */
#ifndef LOADER_RANGES_H
#define LOADER_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#define RANGES_MAX 48

struct range {
    uint64_t start;
    uint64_t end; /* exclusive */
};

struct ranges {
    struct range list[RANGES_MAX];
    unsigned count;
};

/* A range of the set that shares an address with [start, end), or a null pointer. */
const struct range *ranges_overlap(const struct ranges *ranges, uint64_t start, uint64_t end);

/* Adds [start, end). Returns false if it overlaps one of the set or the set is full. Empty ranges
 * aren't kept. */
bool ranges_add(struct ranges *ranges, uint64_t start, uint64_t end);

/*
 * The lowest (up) or highest (down) free place of size bytes in [low, high), aligned to align (a
 * power of two), into *place. Returns false if there is none.
 */
bool ranges_fit_up(const struct ranges *ranges, uint64_t low, uint64_t high, uint64_t size,
                   uint64_t align, uint64_t *place);
bool ranges_fit_down(const struct ranges *ranges, uint64_t low, uint64_t high, uint64_t size,
                     uint64_t align, uint64_t *place);

#endif
