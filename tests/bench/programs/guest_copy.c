/* The guest's `bench copy`: its object files, under an entry of their own. */
#include "program.h"

#include "guest-xv6/user/compute.h"

enum { BYTES = 1024 * 1024 };

static char from[BYTES], to[BYTES];

u32 entry(u32 rounds)
{
    u32 sum = 0;

    for (u32 round = 0; round < rounds; round++) {
        fill_and_copy(to, from, (int)round, BYTES);
        sum = sum * 31 + (u32)to[round % BYTES];
    }
    return sum;
}
