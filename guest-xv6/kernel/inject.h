#ifndef INJECT_H
#define INJECT_H

#include <stdint.h>

/* Poisons `count` different random pages of all memory in use, the same ones for the same seed and
 * state of the machine. Returns how many were poisoned (fewer when there are not so many), or -1:
 * the hypervisor refuses. */
int inject(int count, uint32_t seed);

#endif
