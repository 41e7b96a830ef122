/* The guest's `bench compute`: its object files, under an entry of their own. */
#include "program.h"

#include "guest-xv6/user/compute.h"

u32 entry(u32 rounds)
{
    u32 sum = 0;

    for (u32 round = 0; round < rounds; round++)
        sum = sum * 31 + count_primes() + (u32)sort_numbers(round);
    return sum;
}
