/* Factorials as numbers of many 32-bit digits, and their product, digit by digit. */
#include "program.h"

enum { DIGITS = 400, FACTORIAL = 1000 };

static u32 number[DIGITS], square[2 * DIGITS];

static u32 multiply_by(u32 factor, u32 count)
{
    u32 carry = 0;

    for (u32 i = 0; i < count; i++) {
        u64 digit = (u64)number[i] * factor + carry;
        number[i] = (u32)digit;
        carry = (u32)(digit >> 32);
    }
    if (carry != 0)
        number[count++] = carry;
    return count;
}

static void multiply(u32 count)
{
    memset(square, 0, sizeof(square));
    for (u32 i = 0; i < count; i++) {
        u32 carry = 0;
        for (u32 j = 0; j < count; j++) {
            u64 digit = (u64)number[i] * number[j] + square[i + j] + carry;
            square[i + j] = (u32)digit;
            carry = (u32)(digit >> 32);
        }
        square[i + count] = carry;
    }
}

u32 entry(u32 rounds)
{
    u32 sum = 0;

    for (u32 round = 0; round < rounds; round++) {
        u32 count = 1;
        memset(number, 0, sizeof(number));
        number[0] = 1 + round;
        for (u32 factor = 2; factor <= FACTORIAL; factor++)
            count = multiply_by(factor, count);
        multiply(count);
        for (u32 i = 0; i < 2 * count; i++)
            sum = sum * 31 + square[i];
    }
    return sum;
}
