/* Growing arrays and byte buffers. Memory that runs out ends the program: there is nothing to go on
 * with. */
#ifndef TRANSLATOR_VEC_H
#define TRANSLATOR_VEC_H

#include <stddef.h>
#include <stdint.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xrealloc(void *old, size_t size);

/* Declares `struct name { type *at; size_t count; size_t room; }`. */
#define VEC(name, type)                                                                            \
    struct name {                                                                                  \
        type *at;                                                                                  \
        size_t count;                                                                              \
        size_t room;                                                                               \
    }

/* Appends a value; evaluates vec more than once. */
#define vec_push(vec, value)                                                                       \
    do {                                                                                           \
        if ((vec)->count == (vec)->room) {                                                         \
            (vec)->room += (vec)->room / 2 + 64;                                                   \
            (vec)->at = xrealloc((vec)->at, (vec)->room * sizeof(*(vec)->at));                     \
        }                                                                                          \
        (vec)->at[(vec)->count++] = (value);                                                       \
    } while (0)

/* qsort that also takes an empty, unallocated array. */
void vec_sort(void *base, size_t count, size_t size, int (*compare)(const void *, const void *));

VEC(bytes, uint8_t);

/* Appends size bytes from data (zeros if data is NULL). */
void bytes_append(struct bytes *bytes, const void *data, size_t size);

#endif
