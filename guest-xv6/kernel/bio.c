#include "bio.h"

#include <stddef.h>

#include "console.h"
#include "ide.h"
#include "kalloc.h"
#include "memlayout.h"
#include "param.h"
#include "proc.h"

#define HASH_SIZE 4096

#define BUFS_PER_PAGE (PGSIZE / sizeof(struct buf))

static struct {
    struct spinlock lock; /* protects refs, block, and both kinds of links */
    struct buf *hash[HASH_SIZE];
    struct buf lru; /* head of a ring: .older is the most recently used, .newer the least */
} cache;

static void ring_remove(struct buf *b)
{
    b->newer->older = b->older;
    b->older->newer = b->newer;
}

static void ring_insert_newest(struct buf *b)
{
    b->older = cache.lru.older;
    b->newer = &cache.lru;
    b->older->newer = b;
    cache.lru.older = b;
}

static struct buf **bucket(uint32_t block)
{
    return &cache.hash[block % HASH_SIZE];
}

static void hash_remove(struct buf *b)
{
    struct buf **link = bucket(b->block);

    while (*link != NULL && *link != b)
        link = &(*link)->chain;
    if (*link != NULL)
        *link = b->chain;
}

static void hash_insert(struct buf *b)
{
    b->chain = *bucket(b->block);
    *bucket(b->block) = b;
}

static void add_buffers(struct buf *bufs)
{
    for (struct buf *b = bufs; b < bufs + BUFS_PER_PAGE; b++) {
        sleeplock_init(&b->lock, "buffer");
        ring_insert_newest(b);
    }
}

void bio_init(uint32_t ram_bytes)
{
    cache.lock = SPINLOCK("buffers");
    cache.lru.newer = cache.lru.older = &cache.lru;
    for (uint32_t pages = ram_bytes / BIO_RAM_SHARE / PGSIZE; pages > 0; pages--) {
        void *page = page_alloc_zeroed();

        if (page == NULL)
            fatal("no memory for the buffer cache");
        add_buffers(page);
    }
}

static struct buf *find_cached(uint32_t block)
{
    struct buf *b = *bucket(block);

    while (b != NULL && b->block != block)
        b = b->chain;
    return b;
}

/* Makes the least recently used free buffer the block's; NULL: all are in use. */
static struct buf *recycle(uint32_t block)
{
    for (struct buf *b = cache.lru.newer; b != &cache.lru; b = b->newer) {
        if (b->refs == 0) {
            hash_remove(b);
            b->block = block;
            b->valid = false;
            hash_insert(b);
            return b;
        }
    }
    return NULL;
}

/* The block's buffer, locked; contents may be missing. Waits when all buffers are in use. */
static struct buf *get_buffer(uint32_t block)
{
    struct buf *b;

    spin_lock(&cache.lock);
    while ((b = find_cached(block)) == NULL && (b = recycle(block)) == NULL)
        proc_sleep(&cache, &cache.lock);
    b->refs++;
    spin_unlock(&cache.lock);
    sleep_lock(&b->lock);
    return b;
}

struct buf *block_read(uint32_t block)
{
    struct buf *b = get_buffer(block);

    if (!b->valid) {
        ide_transfer(b, false);
        b->valid = true;
    }
    return b;
}

void block_write(struct buf *b)
{
    if (!sleep_held(&b->lock))
        panic("block_write: %u is not locked", b->block);
    ide_transfer(b, true);
}

void block_unpin(struct buf *b)
{
    spin_lock(&cache.lock);
    if (--b->refs == 0) {
        ring_remove(b);
        ring_insert_newest(b);
        proc_wakeup(&cache);
    }
    spin_unlock(&cache.lock);
}

void block_release(struct buf *b)
{
    sleep_unlock(&b->lock);
    block_unpin(b);
}

void block_pin(struct buf *b)
{
    spin_lock(&cache.lock);
    b->refs++;
    spin_unlock(&cache.lock);
}
