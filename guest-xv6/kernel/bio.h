/* Buffer cache: blocks of the root disk in memory, at most one copy each, used by one process at a
 * time. */
#ifndef BIO_H
#define BIO_H

#include <stdbool.h>
#include <stdint.h>

#include "fsformat.h"
#include "sleeplock.h"

struct buf {
    uint32_t block;
    bool valid;            /* data is the block's */
    int refs;              /* users, or waiters; 0: may be reused */
    struct sleeplock lock; /* protects data and valid */
    struct buf *newer, *older;
    struct buf *chain;      /* others of the same hash */
    struct buf *disk_queue; /* next to be done by the disk */
    bool disk_write, disk_done;
    uint8_t data[BLOCK_SIZE] __attribute__((aligned(4)));
};

/* Takes the cache's share of RAM. */
void bio_init(uint32_t ram_bytes);

struct buf *block_read(uint32_t block); /* locked, with the block's contents */
void block_write(struct buf *b);        /* to the disk; b is locked */
void block_release(struct buf *b);

/* Keeps a buffer in memory, for the log, while nobody uses it. */
void block_pin(struct buf *b);
void block_unpin(struct buf *b);

#endif
