/* cmocka with what it wants included before it, and what the parts of the test machine tell each
 * other. */
#ifndef TESTS_HV_TESTING_H
#define TESTS_HV_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

void cpu_reset(void);

/* Reproducible random numbers (xorshift64*), the same on every host. */
void random_seed(uint64_t seed);
uint32_t random_below(uint32_t limit);

#endif
