/* Product of two square matrices of double. */
#include "program.h"

enum { SIZE = 160 };

static double left[SIZE][SIZE], right[SIZE][SIZE], product[SIZE][SIZE];

static void multiply(void)
{
    for (u32 i = 0; i < SIZE; i++)
        for (u32 j = 0; j < SIZE; j++) {
            double sum = 0;
            for (u32 k = 0; k < SIZE; k++)
                sum += left[i][k] * right[k][j];
            product[i][j] = sum;
        }
}

u32 entry(u32 rounds)
{
    u32 state = 1;
    double sum = 0;

    for (u32 i = 0; i < SIZE; i++)
        for (u32 j = 0; j < SIZE; j++) {
            left[i][j] = next_random(&state) >> 16;
            right[i][j] = next_random(&state) >> 16;
        }
    for (u32 round = 0; round < rounds; round++) {
        multiply();
        sum += product[round % SIZE][7];
        left[round % SIZE][3] += 1;
    }
    return (u32)(int64_t)sum;
}
