/*
 * The guest's file system on disk, in 512-byte blocks, little endian:
 *
 *   0      1       logstart        inodestart   bmapstart   size - nblocks        size
 *   | boot | super | header, log   | inodes     | bitmap    | data                |
 *
 * The log header's n > 0 says that a transaction is committed: blocks logstart+1.. belong at home
 * in block[0..n).
 */
#ifndef MKFS_FORMAT_H
#define MKFS_FORMAT_H

#include <stdint.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the structures are used as they lie on the disk: little endian hosts only"
#endif

#define FS_BLOCK_SIZE 512u
#define FS_SUPER      1u
#define FS_ROOT_INODE 1u

#define FS_DIRECT      12u
#define FS_INDIRECT    (FS_BLOCK_SIZE / 4)
#define FS_FILE_BLOCKS (FS_DIRECT + FS_INDIRECT)
#define FS_FILE_BYTES  (FS_FILE_BLOCKS * FS_BLOCK_SIZE)
#define FS_LOG_BLOCKS  30u
#define FS_NAME_LEN    14u

#define FS_INODES_PER_BLOCK  (FS_BLOCK_SIZE / (uint32_t)sizeof(struct fs_inode))
#define FS_ENTRIES_PER_BLOCK (FS_BLOCK_SIZE / (uint32_t)sizeof(struct fs_dirent))
#define FS_BITS_PER_BLOCK    (FS_BLOCK_SIZE * 8)

enum fs_type { FS_FREE = 0, FS_DIR = 1, FS_FILE = 2, FS_DEVICE = 3 };

struct fs_super {
    uint32_t size;    /* blocks of the image */
    uint32_t nblocks; /* of them, data */
    uint32_t ninodes;
    uint32_t nlog; /* blocks of the log, its header included */
    uint32_t logstart;
    uint32_t inodestart;
    uint32_t bmapstart;
};

struct fs_inode {
    int16_t type, major, minor, nlink;
    uint32_t size;
    uint32_t addrs[FS_DIRECT + 1]; /* the last: a block of FS_INDIRECT addresses */
};

struct fs_dirent {
    uint16_t inum; /* 0: free */
    char name[FS_NAME_LEN];
};

struct fs_log_header {
    int32_t n;
    int32_t block[FS_LOG_BLOCKS];
};

_Static_assert(sizeof(struct fs_super) == 28, "superblock");
_Static_assert(sizeof(struct fs_inode) == 64, "i-node");
_Static_assert(sizeof(struct fs_dirent) == 16, "directory entry");
_Static_assert(sizeof(struct fs_log_header) == 124, "log header");

static inline uint32_t fs_blocks_for(uint32_t items, uint32_t per_block)
{
    return items / per_block + (items % per_block != 0);
}

#endif
