/* The output file as it grows: pieces are written where they belong, what lies between them is
 * zero. */
#ifndef TRANSLATOR_SINK_H
#define TRANSLATOR_SINK_H

#include <stdint.h>
#include <stdio.h>

struct sink {
    FILE *stream; /* can seek; errors show in ferror() */
    uint64_t position;
    uint64_t end; /* of what was written or left free so far */
};

/* Writes size bytes at an offset of the file. */
void sink_put(struct sink *sink, uint64_t offset, const void *data, size_t size);

/* Moves the end up to a multiple of align, a power of two, and returns it. */
uint64_t sink_align(struct sink *sink, uint64_t align);

#endif
