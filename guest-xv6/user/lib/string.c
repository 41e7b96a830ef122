#include "user.h"

size_t strlen(const char *text)
{
    size_t length = 0;

    while (text[length])
        length++;
    return length;
}

int strcmp(const char *left, const char *right)
{
    while (*left && *left == *right) {
        left++;
        right++;
    }
    return (unsigned char)*left - (unsigned char)*right;
}

int strncmp(const char *left, const char *right, size_t count)
{
    for (; count > 0; count--, left++, right++) {
        if (*left != *right || *left == '\0')
            return (unsigned char)*left - (unsigned char)*right;
    }
    return 0;
}

char *strcpy(char *to, const char *from)
{
    memcpy(to, from, strlen(from) + 1);
    return to;
}

char *strchr(const char *text, char wanted)
{
    for (; *text; text++) {
        if (*text == wanted)
            return (char *)text;
    }
    return NULL;
}

/* Four bytes an iteration: an emulator takes about as long for one. */
void *memset(void *to, int byte, size_t count)
{
    unsigned char *cursor = to;
    size_t words = count / 4;

    __asm__ volatile("rep stosl"
                     : "+D"(cursor), "+c"(words)
                     : "a"((unsigned char)byte * 0x01010101u)
                     : "memory");
    for (size_t rest = count % 4; rest > 0; rest--)
        *cursor++ = (unsigned char)byte;
    return to;
}

/* Once in a program, since its translation is long. */
static __attribute__((noinline)) void copy_forward(void *to, const void *from, size_t count)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    size_t words = count / 4;

    __asm__ volatile("rep movsl" : "+D"(target), "+S"(source), "+c"(words) : : "memory");
    for (size_t rest = count % 4; rest > 0; rest--)
        *target++ = *source++;
}

void *memcpy(void *to, const void *from, size_t count)
{
    copy_forward(to, from, count);
    return to;
}

void *memmove(void *to, const void *from, size_t count)
{
    char *target = to;
    const char *source = from;

    if ((uintptr_t)target - (uintptr_t)source >= count) {
        copy_forward(to, from, count);
        return to;
    }
    while (count-- > 0)
        target[count] = source[count];
    return to;
}

int memcmp(const void *left, const void *right, size_t count)
{
    const unsigned char *a = left;
    const unsigned char *b = right;

    for (size_t i = 0; i < count; i++) {
        if (a[i] != b[i])
            return a[i] - b[i];
    }
    return 0;
}

int atoi(const char *text)
{
    int value = 0;

    while (*text >= '0' && *text <= '9')
        value = value * 10 + (*text++ - '0');
    return value;
}

int parse_unsigned(const char *text, unsigned *value)
{
    unsigned result = 0;

    if (*text == '\0')
        return -1;
    for (; *text; text++) {
        unsigned digit = (unsigned)(*text - '0');
        if (digit > 9 || result > (UINT32_MAX - digit) / 10)
            return -1;
        result = result * 10 + digit;
    }
    *value = result;
    return 0;
}
