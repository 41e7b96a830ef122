#include "string.h"

#include <stdint.h>

static bool is_word_aligned(uint32_t bits)
{
    return (bits & 3) == 0;
}

void *memset(void *to, int byte, size_t bytes)
{
    void *at = to;
    uint32_t pattern = (uint8_t)byte * 0x01010101u;

    if (is_word_aligned((uint32_t)to | bytes)) {
        bytes /= 4;
        __asm__ volatile("cld; rep stosl" : "+D"(at), "+c"(bytes) : "a"(pattern) : "memory", "cc");
    } else {
        __asm__ volatile("cld; rep stosb" : "+D"(at), "+c"(bytes) : "a"(pattern) : "memory", "cc");
    }
    return to;
}

void *memcpy(void *to, const void *from, size_t bytes)
{
    void *at = to;

    if (is_word_aligned((uint32_t)to | (uint32_t)from | bytes)) {
        bytes /= 4;
        __asm__ volatile("cld; rep movsl" : "+D"(at), "+S"(from), "+c"(bytes) : : "memory", "cc");
    } else {
        __asm__ volatile("cld; rep movsb" : "+D"(at), "+S"(from), "+c"(bytes) : : "memory", "cc");
    }
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    uint8_t *at = to;
    const uint8_t *source = from;

    if (at <= source || at >= source + bytes)
        return memcpy(to, from, bytes);
    at += bytes - 1;
    source += bytes - 1;
    __asm__ volatile("std; rep movsb; cld"
                     : "+D"(at), "+S"(source), "+c"(bytes)
                     :
                     : "memory", "cc");
    return to;
}

int memcmp(const void *left, const void *right, size_t bytes)
{
    const uint8_t *l = left;
    const uint8_t *r = right;

    for (; bytes > 0; bytes--, l++, r++) {
        if (*l != *r)
            return *l - *r;
    }
    return 0;
}

size_t strlen(const char *text)
{
    const char *end = text;

    while (*end != '\0')
        end++;
    return (size_t)(end - text);
}

int strncmp(const char *left, const char *right, size_t bytes)
{
    for (; bytes > 0; bytes--, left++, right++) {
        if (*left != *right)
            return (uint8_t)*left - (uint8_t)*right;
        if (*left == '\0')
            return 0;
    }
    return 0;
}

void copy_string(char *to, const char *from, size_t size)
{
    for (; size > 1 && *from != '\0'; size--)
        *to++ = *from++;
    *to = '\0';
}
