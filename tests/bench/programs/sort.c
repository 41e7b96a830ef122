/* Quicksort of 100,000 numbers, insertion sort for short stretches. */
#include "program.h"

enum { COUNT = 100000, SHORT = 12 };

static u32 numbers[COUNT];

static void insertion_sort(u32 *from, u32 count)
{
    for (u32 i = 1; i < count; i++) {
        u32 value = from[i], j = i;
        for (; j > 0 && from[j - 1] > value; j--)
            from[j] = from[j - 1];
        from[j] = value;
    }
}

static u32 partition(u32 *from, u32 count)
{
    u32 pivot = from[count / 2], low = 0, high = count - 1;

    for (;; low++, high--) {
        while (from[low] < pivot)
            low++;
        while (from[high] > pivot)
            high--;
        if (low >= high)
            return high + 1;
        u32 value = from[low];
        from[low] = from[high];
        from[high] = value;
    }
}

static void quick_sort(u32 *from, u32 count)
{
    while (count > SHORT) {
        u32 left = partition(from, count);
        quick_sort(from, left);
        from += left;
        count -= left;
    }
    insertion_sort(from, count);
}

u32 entry(u32 rounds)
{
    u32 state = 1, sum = 0;

    for (u32 round = 0; round < rounds; round++) {
        for (u32 i = 0; i < COUNT; i++)
            numbers[i] = next_random(&state);
        quick_sort(numbers, COUNT);
        for (u32 i = 1; i < COUNT; i++)
            if (numbers[i - 1] > numbers[i])
                return 0;
        sum = sum * 31 + numbers[COUNT / 3];
    }
    return sum;
}
