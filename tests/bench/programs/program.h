/*
 * Compute programs for kmv-translate on the host: freestanding, run by
 * tests/unit/translator/runner.c. Each does a well-known piece of work `rounds` times and returns a
 * checksum of its results.
 */
#ifndef BENCH_PROGRAM_H
#define BENCH_PROGRAM_H

#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint32_t u32;
typedef uint64_t u64;

u32 entry(u32 rounds);

/* gcc calls these itself. */
void *memcpy(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);

/* Linear congruences modulo 2^32 (Numerical Recipes): the upper bits are the random ones. */
static inline u32 next_random(u32 *state)
{
    return *state = *state * 1664525 + 1013904223;
}

#endif
