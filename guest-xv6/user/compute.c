#include "compute.h"
#include "user.h"

unsigned count_primes(void)
{
    static unsigned char sieve[50000];
    unsigned primes = 0;

    memset(sieve, 0, sizeof(sieve));
    for (unsigned i = 2; i < sizeof(sieve); i++) {
        primes += !sieve[i];
        for (unsigned j = i * 2; j < sizeof(sieve); j += i)
            sieve[j] = 1;
    }
    return primes;
}

int sort_numbers(unsigned state)
{
    static unsigned numbers[2000];
    int sorted = 1;

    for (unsigned i = 0; i < 2000; i++) {
        state = state * 1664525 + 1013904223;
        unsigned j = i;
        for (; j > 0 && numbers[j - 1] > state; j--)
            numbers[j] = numbers[j - 1];
        numbers[j] = state;
    }
    for (unsigned i = 1; i < 2000; i++)
        sorted = sorted && numbers[i - 1] <= numbers[i];
    return sorted;
}

void fill_and_copy(void *to, void *from, int byte, size_t size)
{
    memset(from, byte, size);
    memcpy(to, from, size);
}
