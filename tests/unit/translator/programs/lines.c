/* Functions in two sections, inlined ones, variables that move between registers: all that lists of
 * ranges and locations are made for. */
#ifndef FIRST
#define FIRST five
#endif

static volatile unsigned seen;

static inline unsigned twist(unsigned value)
{
    unsigned turned = value << 3 | value >> 29;
    if (turned & 1)
        seen = turned;
    return turned ^ 0x55;
}

__attribute__((noinline)) static unsigned fold(const unsigned *values, unsigned count)
{
    unsigned sum = 0;
    for (unsigned i = 0; i < count; i++) {
        unsigned value = twist(values[i]);
        sum += value;
        if (sum > 1000)
            sum = twist(sum) - i;
    }
    return sum;
}

__attribute__((section(".text.cold"), noinline, cold)) static unsigned seldom(unsigned value)
{
    unsigned values[] = {value, value + 1, twist(value)};
    return fold(values, 3);
}

unsigned FIRST(unsigned value)
{
    unsigned values[] = {value, 2, 3, twist(value)};
    if (fold(values, 4) == 77)
        return seldom(value);
    return twist(seen);
}
