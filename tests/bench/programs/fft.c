/* Fast Fourier transform of 4,096 complex numbers, and back; built for x87 and for SSE2. */
#include "program.h"

enum { BITS = 12, SIZE = 1 << BITS };

struct complex {
    double re, im;
};

static struct complex points[SIZE], roots[SIZE / 2];

static void make_roots(void)
{
    for (u32 i = 0; i < SIZE / 2; i++) {
        double angle = 6.283185307179586 * i / SIZE;
        __asm__("fsincos" : "=t"(roots[i].re), "=u"(roots[i].im) : "0"(angle));
    }
}

static void reverse_bits(void)
{
    for (u32 i = 0, j = 0; i < SIZE; i++) {
        if (i < j) {
            struct complex point = points[i];
            points[i] = points[j];
            points[j] = point;
        }
        u32 bit = SIZE / 2;
        while (j & bit) {
            j ^= bit;
            bit /= 2;
        }
        j |= bit;
    }
}

/* sign: -1 there, 1 back */
static void transform(double sign)
{
    reverse_bits();
    for (u32 half = 1; half < SIZE; half *= 2)
        for (u32 block = 0; block < SIZE; block += 2 * half)
            for (u32 i = 0; i < half; i++) {
                struct complex *a = &points[block + i], *b = a + half,
                               r = roots[i * (SIZE / 2 / half)];
                struct complex turned = {b->re * r.re - sign * b->im * r.im,
                                         b->im * r.re + sign * b->re * r.im};
                b->re = a->re - turned.re;
                b->im = a->im - turned.im;
                a->re += turned.re;
                a->im += turned.im;
            }
}

u32 entry(u32 rounds)
{
    u32 state = 1, sum = 0;

    make_roots();
    for (u32 i = 0; i < SIZE; i++)
        points[i] = (struct complex){next_random(&state) >> 24, 0};
    for (u32 round = 0; round < rounds; round++) {
        transform(-1);
        sum = sum * 31 + (u32)(int)points[round % SIZE].re;
        transform(1);
        for (u32 i = 0; i < SIZE; i++) {
            points[i].re /= SIZE;
            points[i].im /= SIZE;
        }
    }
    return sum;
}
