/* Counts the ways of placing ten queens, one a row, by recursion over an array of columns. */
#include "program.h"

enum { SIZE = 10 };

static u8 column_taken[SIZE], up_taken[2 * SIZE], down_taken[2 * SIZE];

static u32 place(u32 row)
{
    u32 ways = 0;

    if (row == SIZE)
        return 1;
    for (u32 column = 0; column < SIZE; column++) {
        u8 *up = &up_taken[row + column], *down = &down_taken[row + SIZE - column];
        if (column_taken[column] || *up || *down)
            continue;
        column_taken[column] = *up = *down = 1;
        ways += place(row + 1);
        column_taken[column] = *up = *down = 0;
    }
    return ways;
}

u32 entry(u32 rounds)
{
    u32 sum = 0;

    for (u32 round = 0; round < rounds; round++)
        sum = sum * 31 + place(0);
    return sum;
}
