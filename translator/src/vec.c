#include "vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *checked(void *memory)
{
    if (memory == NULL) {
        fputs("kmv-translate: out of memory: give the machine more\n", stderr);
        exit(1);
    }
    return memory;
}

void *xmalloc(size_t size)
{
    return checked(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
    return checked(calloc(count ? count : 1, size ? size : 1));
}

void *xrealloc(void *old, size_t size)
{
    return checked(realloc(old, size ? size : 1));
}

void bytes_append(struct bytes *bytes, const void *data, size_t size)
{
    if (bytes->room - bytes->count < size) {
        bytes->room = (bytes->count + size) + (bytes->count + size) / 2;
        bytes->at = xrealloc(bytes->at, bytes->room);
    }
    if (size == 0)
        return;
    if (data != NULL)
        memcpy(bytes->at + bytes->count, data, size);
    else
        memset(bytes->at + bytes->count, 0, size);
    bytes->count += size;
}

void vec_sort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *))
{
    /* What is sorted already, as most lists are, needs no room for a sort's second copy. */
    const char *at = base;
    size_t i = 1;
    while (i < count && compare(at + (i - 1) * size, at + i * size) <= 0)
        i++;
    if (i < count)
        qsort(base, count, size, compare);
}
