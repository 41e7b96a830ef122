#include "cursor.h"

#include <string.h>

struct cursor cursor_make(const uint8_t *block, size_t size, size_t from, size_t to)
{
    static const uint8_t nothing;
    if (block == NULL)
        block = &nothing;
    size_t end = to < size ? to : size, start = from < end ? from : end;
    return (struct cursor){block, block + start, block + end, from > end};
}

size_t cursor_offset(const struct cursor *cursor)
{
    return (size_t)(cursor->at - cursor->start);
}

size_t cursor_left(const struct cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

void cursor_skip(struct cursor *cursor, uint64_t size)
{
    cursor->bad |= size > cursor_left(cursor);
    cursor->at += size > cursor_left(cursor) ? cursor_left(cursor) : (size_t)size;
}

uint64_t cursor_uint(struct cursor *cursor, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size && i < cursor_left(cursor); i++)
        value |= (uint64_t)cursor->at[i] << (8 * i);
    cursor_skip(cursor, size);
    return cursor->bad ? 0 : value;
}

uint8_t cursor_u8(struct cursor *cursor)
{
    return (uint8_t)cursor_uint(cursor, 1);
}

uint16_t cursor_u16(struct cursor *cursor)
{
    return (uint16_t)cursor_uint(cursor, 2);
}

uint32_t cursor_u32(struct cursor *cursor)
{
    return (uint32_t)cursor_uint(cursor, 4);
}

/* Seven bits a byte, the lowest first; *bits: how many there were. */
static uint64_t read_leb(struct cursor *cursor, unsigned *bits, uint8_t *last)
{
    uint64_t value = 0;
    uint8_t byte = 0x80;
    for (*bits = 0; (byte & 0x80) != 0 && !cursor->bad; *bits += *bits < 64 ? 7 : 0) {
        byte = cursor_u8(cursor);
        if (*bits < 64)
            value |= (uint64_t)(byte & 0x7f) << *bits;
    }
    *last = byte;
    return cursor->bad ? 0 : value;
}

uint64_t cursor_uleb(struct cursor *cursor)
{
    unsigned bits;
    uint8_t last;
    return read_leb(cursor, &bits, &last);
}

int64_t cursor_sleb(struct cursor *cursor)
{
    unsigned bits;
    uint8_t last;
    uint64_t value = read_leb(cursor, &bits, &last);
    if (bits < 64 && (last & 0x40) != 0)
        value |= UINT64_MAX << bits;
    return (int64_t)value;
}

void cursor_skip_string(struct cursor *cursor)
{
    const uint8_t *nul = memchr(cursor->at, 0, cursor_left(cursor));
    cursor_skip(cursor, nul == NULL ? UINT64_MAX : (uint64_t)(nul - cursor->at) + 1);
}
