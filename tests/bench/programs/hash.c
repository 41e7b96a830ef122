/* A hash table with linear probing: inserts 40,000 keys, looks up twice as many, counts the hits.
 */
#include "program.h"

enum { SLOT_BITS = 16, SLOTS = 1 << SLOT_BITS, KEYS = 40000 };

static struct slot {
    u32 key; /* 0: empty */
    u32 value;
} slots[SLOTS];

static struct slot *find(u32 key)
{
    u32 at = key * 2654435761u >> (32 - SLOT_BITS);

    while (slots[at].key != 0 && slots[at].key != key)
        at = (at + 1) % SLOTS;
    return &slots[at];
}

static void insert(u32 key, u32 value)
{
    struct slot *slot = find(key);

    slot->key = key;
    slot->value += value;
}

u32 entry(u32 rounds)
{
    u32 sum = 0;

    for (u32 round = 0; round < rounds; round++) {
        u32 state = round;
        memset(slots, 0, sizeof(slots));
        for (u32 i = 0; i < KEYS; i++)
            insert(next_random(&state) | 1, i);
        state = round;
        for (u32 i = 0; i < 2 * KEYS; i++) {
            struct slot *slot = find(next_random(&state) | 1);
            sum = sum * 31 + (slot->key ? slot->value : 1);
        }
    }
    return sum;
}
