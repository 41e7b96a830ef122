/* Sieve of Eratosthenes over a million numbers, a byte each. */
#include "program.h"

enum { SIZE = 1000000 };

static u8 composite[SIZE];

u32 entry(u32 rounds)
{
    u32 sum = 0;

    for (u32 round = 0; round < rounds; round++) {
        u32 primes = 0;
        memset(composite, 0, SIZE);
        for (u32 i = 2; i < SIZE; i++) {
            if (composite[i])
                continue;
            primes++;
            for (u32 j = 2 * i; j < SIZE; j += i)
                composite[j] = 1;
        }
        sum = sum * 31 + primes;
    }
    return sum;
}
