#include "inode.h"

#include <stddef.h>

#include "balloc.h"
#include "bio.h"
#include "console.h"
#include "log.h"
#include "param.h"
#include "string.h"
#include "usercopy.h"

_Static_assert(BLOCK_SIZE <= USER_PIECE, "a block on its way");

static struct {
    struct spinlock lock;
    struct inode inodes[NINODE];
} table;

void inodes_init(void)
{
    table.lock = SPINLOCK("i-nodes");
    for (struct inode *ip = table.inodes; ip < table.inodes + NINODE; ip++)
        sleeplock_init(&ip->lock, "i-node");
}

static uint32_t inode_block(uint32_t inum)
{
    return super.inodestart + inum / INODES_PER_BLOCK;
}

static struct disk_inode *inode_in_block(struct buf *b, uint32_t inum)
{
    return (struct disk_inode *)b->data + inum % INODES_PER_BLOCK;
}

struct inode *inode_get(uint32_t inum)
{
    struct inode *free = NULL;
    struct inode *found = NULL;

    spin_lock(&table.lock);
    for (struct inode *ip = table.inodes; ip < table.inodes + NINODE && found == NULL; ip++) {
        if (ip->refs > 0 && ip->inum == inum)
            found = ip;
        else if (ip->refs == 0 && free == NULL)
            free = ip;
    }
    if (found == NULL && free != NULL) {
        found = free;
        found->inum = inum;
        found->valid = false;
    }
    if (found != NULL)
        found->refs++;
    spin_unlock(&table.lock);
    return found;
}

struct inode *inode_dup(struct inode *ip)
{
    spin_lock(&table.lock);
    ip->refs++;
    spin_unlock(&table.lock);
    return ip;
}

void inode_lock(struct inode *ip)
{
    sleep_lock(&ip->lock);
    if (ip->valid)
        return;
    struct buf *b = block_read(inode_block(ip->inum));
    ip->disk = *inode_in_block(b, ip->inum);
    block_release(b);
    ip->valid = true;
    if (ip->disk.type == TYPE_NONE)
        fatal("root disk: i-node %u has a name but is free", ip->inum);
}

void inode_unlock(struct inode *ip)
{
    sleep_unlock(&ip->lock);
}

void inode_update(struct inode *ip)
{
    struct buf *b = block_read(inode_block(ip->inum));

    *inode_in_block(b, ip->inum) = ip->disk;
    log_write(b);
    block_release(b);
}

/* Frees the i-node on disk. The caller has the only reference and no name leads here, so the lock
 * is free. */
static void inode_destroy(struct inode *ip)
{
    sleep_lock(&ip->lock);
    inode_truncate(ip);
    ip->disk.type = TYPE_NONE;
    inode_update(ip);
    ip->valid = false;
    sleep_unlock(&ip->lock);
}

void inode_put(struct inode *ip)
{
    spin_lock(&table.lock);
    if (ip->refs == 1 && ip->valid && ip->disk.nlink == 0) {
        spin_unlock(&table.lock);
        inode_destroy(ip);
        spin_lock(&table.lock);
    }
    ip->refs--;
    spin_unlock(&table.lock);
}

void inode_unlock_put(struct inode *ip)
{
    inode_unlock(ip);
    inode_put(ip);
}

static bool is_orphan(uint32_t inum)
{
    struct buf *b = block_read(inode_block(inum));
    const struct disk_inode *disk = inode_in_block(b, inum);
    bool orphan = disk->type != TYPE_NONE && disk->nlink == 0;

    block_release(b);
    return orphan;
}

void inodes_reclaim(void)
{
    for (uint32_t inum = 1; inum < super.ninodes; inum++) {
        if (!is_orphan(inum))
            continue;
        log_begin();
        struct inode *ip = inode_get(inum);
        inode_lock(ip);
        inode_unlock_put(ip);
        log_end();
    }
}

/* Marks the i-node as used on disk if it is free. */
static bool claim(uint32_t inum, enum file_type type)
{
    struct buf *b = block_read(inode_block(inum));
    struct disk_inode *disk = inode_in_block(b, inum);
    bool is_free = disk->type == TYPE_NONE;

    if (is_free) {
        *disk = (struct disk_inode){.type = (int16_t)type};
        log_write(b);
    }
    block_release(b);
    return is_free;
}

static void unclaim(uint32_t inum)
{
    struct buf *b = block_read(inode_block(inum));

    inode_in_block(b, inum)->type = TYPE_NONE;
    log_write(b);
    block_release(b);
}

struct inode *inode_alloc(enum file_type type)
{
    for (uint32_t inum = 1; inum < super.ninodes; inum++) {
        if (!claim(inum, type))
            continue;
        struct inode *ip = inode_get(inum);
        if (ip == NULL)
            unclaim(inum);
        return ip;
    }
    return NULL;
}

/* *slot as a block number; 0 is filled by a new block when `may_alloc`. *changed tells of it. */
static uint32_t fill_slot(uint32_t *slot, bool may_alloc, bool *changed)
{
    if (*slot == 0 && may_alloc) {
        *slot = block_alloc();
        *changed = *slot != 0;
    }
    return *slot;
}

/* The disk block of a file's block n; 0: none, and none to be had. Changes of the i-node itself are
 * left to the caller to write. */
static uint32_t map_block(struct inode *ip, uint32_t n, bool may_alloc)
{
    bool changed = false;

    if (n < DIRECT)
        return fill_slot(&ip->disk.blocks[n], may_alloc, &changed);
    uint32_t indirect = fill_slot(&ip->disk.blocks[DIRECT], may_alloc, &changed);
    if (indirect == 0)
        return 0;
    struct buf *b = block_read(indirect);
    changed = false;
    uint32_t block = fill_slot((uint32_t *)b->data + (n - DIRECT), may_alloc, &changed);
    if (changed)
        log_write(b);
    block_release(b);
    return block;
}

static void free_indirect(uint32_t indirect)
{
    struct buf *b = block_read(indirect);
    const uint32_t *blocks = (const uint32_t *)b->data;

    for (uint32_t i = 0; i < INDIRECT; i++) {
        if (blocks[i] != 0)
            block_free(blocks[i]);
    }
    block_release(b);
    block_free(indirect);
}

void inode_truncate(struct inode *ip)
{
    for (int i = 0; i < DIRECT; i++) {
        if (ip->disk.blocks[i] != 0)
            block_free(ip->disk.blocks[i]);
    }
    if (ip->disk.blocks[DIRECT] != 0)
        free_indirect(ip->disk.blocks[DIRECT]);
    memset(ip->disk.blocks, 0, sizeof(ip->disk.blocks));
    ip->disk.size = 0;
    inode_update(ip);
}

void inode_stat(const struct inode *ip, struct stat *st)
{
    *st = (struct stat){.type = ip->disk.type,
                        .dev = ROOTDEV,
                        .ino = ip->inum,
                        .nlink = ip->disk.nlink,
                        .size = ip->disk.size};
}

/* How much of `bytes` lies in the block of `offset`. */
static uint32_t piece_in_block(uint32_t offset, uint32_t bytes)
{
    uint32_t rest = BLOCK_SIZE - offset % BLOCK_SIZE;

    return bytes < rest ? bytes : rest;
}

struct buf *inode_read_block(struct inode *ip, uint32_t offset)
{
    return block_read(map_block(ip, offset / BLOCK_SIZE, false));
}

int inode_read(struct inode *ip, void *to, uint32_t offset, uint32_t bytes)
{
    char *at = to;

    if (offset > ip->disk.size || offset + bytes < offset)
        return -1;
    if (offset + bytes > ip->disk.size)
        bytes = ip->disk.size - offset;
    for (uint32_t done = 0; done < bytes;) {
        uint32_t piece = piece_in_block(offset, bytes - done);
        struct buf *b = inode_read_block(ip, offset);

        bool ok = user_copy(at + done, b->data + offset % BLOCK_SIZE, piece);
        block_release(b);
        if (!ok)
            return -1;
        offset += piece;
        done += piece;
    }
    return (int)bytes;
}

int inode_write(struct inode *ip, const void *from, uint32_t offset, uint32_t bytes)
{
    const char *at = from;
    char *bounce = user_bounce(); /* a block never gets a part of what was lost on the way */
    uint32_t done = 0;

    if (offset > ip->disk.size || offset + bytes < offset ||
        offset + bytes > FILE_BLOCKS * BLOCK_SIZE)
        return -1;
    while (done < bytes) {
        uint32_t piece = piece_in_block(offset, bytes - done);

        if (!user_copy(bounce, at + done, piece))
            break;
        uint32_t block = map_block(ip, offset / BLOCK_SIZE, true);
        if (block == 0)
            break;
        struct buf *b = block_read(block);
        memcpy(b->data + offset % BLOCK_SIZE, bounce, piece);
        log_write(b);
        block_release(b);
        offset += piece;
        done += piece;
    }
    if (offset > ip->disk.size)
        ip->disk.size = offset;
    inode_update(ip); /* its blocks may have changed, too */
    return done == 0 && bytes > 0 ? -1 : (int)done;
}
