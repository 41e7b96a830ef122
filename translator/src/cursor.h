/* Reads little-endian values out of a block of bytes. Past its end everything is zero, and `bad` is
 * set. */
#ifndef TRANSLATOR_CURSOR_H
#define TRANSLATOR_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cursor {
    const uint8_t *start;
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

/* Bytes [from, to) of a block; the offsets are cut at its size. */
struct cursor cursor_make(const uint8_t *block, size_t size, size_t from, size_t to);

/* Distance of the next byte from the start of the block that the cursor was made of. */
size_t cursor_offset(const struct cursor *cursor);
size_t cursor_left(const struct cursor *cursor);

/* An unsigned integer of size bytes, at most 8. */
uint64_t cursor_uint(struct cursor *cursor, unsigned size);
uint8_t cursor_u8(struct cursor *cursor);
uint16_t cursor_u16(struct cursor *cursor);
uint32_t cursor_u32(struct cursor *cursor);

/* Variable-length integers (DWARF 5, 7.6), modulo 2^64. */
uint64_t cursor_uleb(struct cursor *cursor);
int64_t cursor_sleb(struct cursor *cursor);

void cursor_skip(struct cursor *cursor, uint64_t size);

/* Skips a string with its NUL. */
void cursor_skip_string(struct cursor *cursor);

#endif
