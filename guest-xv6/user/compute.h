/* What `bench` computes and copies. No system call: the same object runs on the host as well, see
 * tests/bench/programs. */
#ifndef COMPUTE_H
#define COMPUTE_H

#include <stddef.h>

/* Primes below 50,000, by a sieve. */
unsigned count_primes(void);

/* Insertion sort of 2,000 numbers that follow from `state`; returns whether they are in order. */
int sort_numbers(unsigned state);

/* Fills `size` bytes at `from` with `byte`, then copies them to `to`. */
void fill_and_copy(void *to, void *from, int byte, size_t size);

#endif
