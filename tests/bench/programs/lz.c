/* Compression of the LZ77 kind, with a hash table of the last place of each four bytes, and back.
 */
#include "program.h"

enum { BYTES = 65536, HASH_BITS = 12, SHORTEST = 4, LONGEST = 130, LITERALS = 128 };

static u8 text[BYTES], packed[BYTES * 2], unpacked[BYTES];
static u32 last_place[1 << HASH_BITS];

/* Words of a small vocabulary in random order. */
static void make_text(u32 state)
{
    static const char words[16][9] = {"memory ", "page ",  "mirror ", "the ",  "of ", "a ",
                                      "copy ",   "write ", "frame ",  "and ",  "is ", "bad ",
                                      "second ", "guest ", "table ",  "fresh "};

    for (u32 at = 0; at < BYTES;)
        for (const char *c = words[next_random(&state) >> 28]; *c && at < BYTES; c++)
            text[at++] = (u8)*c;
}

static u32 hash_at(u32 at)
{
    u32 four =
        text[at] | (u32)text[at + 1] << 8 | (u32)text[at + 2] << 16 | (u32)text[at + 3] << 24;
    return four * 2654435761u >> (32 - HASH_BITS);
}

static u32 match_length(u32 place, u32 at)
{
    u32 length = 0;

    while (length < LONGEST && at + length < BYTES && text[place + length] == text[at + length])
        length++;
    return length;
}

static u32 put_literals(u32 out, u32 from, u32 to)
{
    while (from < to) {
        u32 count = to - from < LITERALS ? to - from : LITERALS;
        packed[out++] = (u8)(count - 1);
        for (u32 i = 0; i < count; i++)
            packed[out++] = text[from++];
    }
    return out;
}

static u32 pack(void)
{
    u32 out = 0, pending = 0, at = 0;

    memset(last_place, 0, sizeof(last_place));
    while (at + SHORTEST <= BYTES) {
        u32 slot = hash_at(at), place = last_place[slot];
        u32 length = place < at ? match_length(place, at) : 0;
        last_place[slot] = at;
        if (length < SHORTEST) {
            at++;
            continue;
        }
        out = put_literals(out, pending, at);
        packed[out++] = (u8)(0x80 | (length - SHORTEST));
        packed[out++] = (u8)(at - place);
        packed[out++] = (u8)((at - place) >> 8);
        pending = at += length;
    }
    return put_literals(out, pending, BYTES);
}

static u32 unpack(u32 size)
{
    u32 out = 0;

    for (u32 in = 0; in < size;) {
        u32 code = packed[in++];
        if (code < 0x80) {
            for (u32 i = 0; i <= code; i++)
                unpacked[out++] = packed[in++];
            continue;
        }
        u32 distance = packed[in] | (u32)packed[in + 1] << 8;
        in += 2;
        for (u32 i = 0; i < (code & 0x7f) + SHORTEST; i++, out++)
            unpacked[out] = unpacked[out - distance];
    }
    return out;
}

u32 entry(u32 rounds)
{
    u32 sum = 0;

    for (u32 round = 0; round < rounds; round++) {
        make_text(round);
        u32 size = pack();
        if (unpack(size) != BYTES)
            return 0;
        for (u32 i = 0; i < BYTES; i++)
            if (text[i] != unpacked[i])
                return 0;
        sum = sum * 31 + size;
    }
    return sum;
}
