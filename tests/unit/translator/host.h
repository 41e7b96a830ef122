/* Runs 32-bit code on this processor itself: what the emulator lacks (AVX, movbe, xsave). Memory
 * lies as in machine.h, from its second page on. */
#ifndef TEST_HOST_H
#define TEST_HOST_H

#include "machine.h"

/* Maps memory, its mirror and code. False: the system gives no memory at these addresses. */
bool host_open(void);

/* Whether this processor has what the writer class, or one instruction of it, needs. */
bool host_has(const char *row, const char *name);

/*
 * Runs code from start to end, without jumps out of it. With `equal`, the mirror begins as a copy
 * of memory, else as start->mirror. A fault ends the whole test.
 */
void host_run(const struct machine_state *start, bool equal, const uint8_t *code, size_t size,
              struct machine_state *end);

#endif
