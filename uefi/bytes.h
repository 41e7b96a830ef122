/* A file's contents in memory, and reads that never leave it. */
#ifndef LOADER_BYTES_H
#define LOADER_BYTES_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct bytes {
    const uint8_t *data;
    uint64_t size;
};

/* Are the size bytes at offset all inside? Any values are allowed. */
static inline bool bytes_contain(struct bytes bytes, uint64_t offset, uint64_t size)
{
    return offset <= bytes.size && size <= bytes.size - offset;
}

/* Copies size bytes at offset to out, of any alignment. Returns false, out untouched, if they
 * aren't all inside. */
static inline bool bytes_read(struct bytes bytes, uint64_t offset, void *out, uint64_t size)
{
    if (!bytes_contain(bytes, offset, size))
        return false;
    if (size != 0)
        memcpy(out, bytes.data + offset, size);
    return true;
}

#endif
