/*
 * The few functions of <string.h> that the loader and the compiler need: GNU-EFI has no C library.
 * Guest RAM is cleared through memset: eight bytes a repetition, since an emulator counts each one
 * as an instruction.
 */
#include <stdint.h>
#include <string.h>

void *memset(void *out, int value, size_t size)
{
    uint64_t pattern = (uint8_t)value * 0x0101010101010101ull;
    void *at = out;
    size_t words = size / 8;
    size_t rest = size % 8;

    __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(pattern) : "memory");
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(rest) : "a"(pattern) : "memory");
    return out;
}

void *memcpy(void *restrict out, const void *restrict in, size_t size)
{
    void *at = out;
    size_t words = size / 8;
    size_t rest = size % 8;

    __asm__ volatile("rep movsq" : "+D"(at), "+S"(in), "+c"(words) : : "memory");
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(in), "+c"(rest) : : "memory");
    return out;
}

int memcmp(const void *left, const void *right, size_t size)
{
    const uint8_t *a = left;
    const uint8_t *b = right;

    for (size_t i = 0; i < size; i++) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

size_t strlen(const char *text)
{
    size_t length = 0;
    while (text[length] != '\0')
        length++;
    return length;
}

int strcmp(const char *left, const char *right)
{
    while (*left != '\0' && *left == *right) {
        left++;
        right++;
    }
    return (uint8_t)*left - (uint8_t)*right;
}

char *strchr(const char *text, int wanted)
{
    for (; *text != (char)wanted; text++) {
        if (*text == '\0')
            return NULL;
    }
    return (char *)(uintptr_t)text;
}
