#include "balloc.h"

#include <stdbool.h>

#include "bio.h"
#include "console.h"
#include "log.h"
#include "string.h"

/* Freeing a file's blocks may touch as many bitmap blocks as there are, all in one operation of the
 * log. */
#define MAX_BITMAP_BLOCKS 7

struct superblock super;

void super_read(void)
{
    struct buf *b = block_read(SUPER_BLOCK);

    memcpy(&super, b->data, sizeof(super));
    block_release(b);
    if (super.size == 0 || super.nlog == 0 || super.inodestart == 0 || super.bitmapstart == 0)
        fatal("root disk: no file system on it");
    if (super.size > MAX_BITMAP_BLOCKS * BITS_PER_BLOCK)
        fatal("root disk: %u blocks, at most %u supported", super.size,
              MAX_BITMAP_BLOCKS * BITS_PER_BLOCK);
}

static uint32_t bitmap_block(uint32_t block)
{
    return super.bitmapstart + block / BITS_PER_BLOCK;
}

static void zero_block(uint32_t block)
{
    struct buf *b = block_read(block);

    memset(b->data, 0, BLOCK_SIZE);
    log_write(b);
    block_release(b);
}

/* Takes the first free block that the bitmap block in `map` tells of, `first` being its first bit's
 * block; 0: none. */
static uint32_t take_bit(struct buf *map, uint32_t first)
{
    for (uint32_t i = 0; i < BITS_PER_BLOCK && first + i < super.size; i++) {
        uint8_t mask = (uint8_t)(1u << i % 8);

        if (map->data[i / 8] == 0xFF) {
            i |= 7;
        } else if ((map->data[i / 8] & mask) == 0) {
            map->data[i / 8] |= mask;
            log_write(map);
            return first + i;
        }
    }
    return 0;
}

uint32_t block_alloc(void)
{
    for (uint32_t first = 0; first < super.size; first += BITS_PER_BLOCK) {
        struct buf *map = block_read(bitmap_block(first));
        uint32_t block = take_bit(map, first);

        block_release(map);
        if (block != 0) {
            zero_block(block);
            return block;
        }
    }
    return 0;
}

void block_free(uint32_t block)
{
    struct buf *map = block_read(bitmap_block(block));
    uint32_t bit = block % BITS_PER_BLOCK;
    uint8_t mask = (uint8_t)(1u << bit % 8);

    if ((map->data[bit / 8] & mask) == 0)
        panic("block_free: disk block %u is free already", block);
    map->data[bit / 8] &= (uint8_t)~mask;
    log_write(map);
    block_release(map);
}
