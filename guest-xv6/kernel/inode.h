/* I-nodes: files without names. Lock order: an i-node before the blocks it uses; of two directories
 * the parent first. */
#ifndef INODE_H
#define INODE_H

#include <stdbool.h>
#include <stdint.h>

#include "fsformat.h"
#include "sleeplock.h"

struct buf;

struct inode {
    uint32_t inum;
    int refs;              /* 0: slot free. Belongs to the table's lock, as inum */
    struct sleeplock lock; /* protects the rest */
    bool valid;            /* disk is read */
    struct disk_inode disk;
};

void inodes_init(void);

/* Frees files that had lost their last name, but were still open, when the machine went down. Once,
 * after log_init. */
void inodes_reclaim(void);

struct inode *inode_get(uint32_t inum); /* a reference, unlocked; NULL: too many i-nodes in use */
struct inode *inode_dup(struct inode *ip);
void inode_lock(struct inode *ip); /* reads it from disk if need be */
void inode_unlock(struct inode *ip);

/* Drops a reference; the last one frees a file without names. Inside an operation of the log, as
 * all that follow except inode_read and inode_stat. */
void inode_put(struct inode *ip);
void inode_unlock_put(struct inode *ip);

/* A new i-node of a type, a reference, unlocked; NULL: none free on disk, or too many in use. */
struct inode *inode_alloc(enum file_type type);

/* ip is locked in all of these. */
void inode_update(struct inode *ip); /* ip->disk has changed */
void inode_truncate(struct inode *ip);
void inode_stat(const struct inode *ip, struct stat *st);

/* The block that holds a file's byte at `offset`, which must be below its size; the caller releases
 * it. */
struct buf *inode_read_block(struct inode *ip, uint32_t offset);

/* Both return the bytes moved, fewer at the end of the file or of the disk's space; -1: offset
 * beyond the end, file too large, no space at all. */
int inode_read(struct inode *ip, void *to, uint32_t offset, uint32_t bytes);
int inode_write(struct inode *ip, const void *from, uint32_t offset, uint32_t bytes);

#endif
