/*
 * Freestanding memory and string functions. The string instructions keep the compiler from turning
 * a loop into a call of the function that it implements, and move eight bytes an iteration: an
 * emulator pays for each iteration.
 */
#include <hv/lib/string.h>

#include <hv/cpu/extable.h>
#include <hv/types.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    void *at = to;
    size_t words = bytes / 8;

    __asm__ volatile("1: rep movsq\n\t"
                     "mov %3, %2\n"
                     "2: rep movsb\n"
                     "3:\n" EXTABLE_LOAD("1b", "3b") EXTABLE_LOAD("2b", "3b")
                     : "+D"(at), "+S"(from), "+c"(words)
                     : "r"(bytes % 8)
                     : "memory");
    return to;
}

void *memset(void *to, int byte, size_t bytes)
{
    void *at = to;
    size_t words = bytes / 8;

    __asm__ volatile("rep stosq\n\t"
                     "mov %3, %1\n\t"
                     "rep stosb"
                     : "+D"(at), "+c"(words)
                     : "a"((u8)byte * 0x0101010101010101ull), "r"(bytes % 8)
                     : "memory");
    return to;
}

/* Words as long as they are equal; the rest tells the order. */
int memcmp(const void *a, const void *b, size_t bytes)
{
    const u8 *left = a, *right = b;
    size_t words = bytes / 8;

    if (words > 0) {
        const void *end_a = a, *end_b = b;
        size_t skipped;
        bool equal;

        /* Memory that can't be read is equal: whoever wants to know asks extable.h. */
        __asm__("1: repe cmpsq\n\t"
                "jmp 3f\n"
                "2: xor %%ecx, %%ecx\n"
                "3:\n" EXTABLE_LOAD("1b", "2b")
                : "+S"(end_a), "+D"(end_b), "+c"(words), "=@ccz"(equal)
                :
                : "memory");
        skipped = bytes / 8 - words - (equal ? 0 : 1);
        left += skipped * 8;
        right += skipped * 8;
        bytes -= skipped * 8;
    }
    for (size_t i = 0; i < bytes; i++) {
        if (left[i] != right[i])
            return left[i] - right[i];
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length] != '\0') {
        length++;
        __asm__ volatile("" ::: "memory");
    }
    return length;
}
