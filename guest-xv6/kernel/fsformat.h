/*
 * xv6's file system on disk, in blocks of 512 bytes:
 *
 *   | boot | super | log | i-nodes | free bitmap | data |
 *
 * All numbers are little-endian. The log's first block is struct log_header, the others are copies
 * of blocks.
 */
#ifndef FSFORMAT_H
#define FSFORMAT_H

#include <stdint.h>

#define BLOCK_SIZE   512
#define SUPER_BLOCK  1
#define ROOT_INODE   1
#define DIRECT       12
#define INDIRECT     (BLOCK_SIZE / sizeof(uint32_t))
#define FILE_BLOCKS  (DIRECT + INDIRECT)
#define NAME_SIZE    14
#define LOG_CAPACITY 30

#define BITS_PER_BLOCK (BLOCK_SIZE * 8)

enum file_type { TYPE_NONE, TYPE_DIR, TYPE_FILE, TYPE_DEVICE };

struct superblock {
    uint32_t size;        /* blocks of the whole file system */
    uint32_t nblocks;     /* data blocks */
    uint32_t ninodes;     /* i-nodes; number 0 is not used */
    uint32_t nlog;        /* blocks of the log, with its header */
    uint32_t logstart;    /* first block of the log */
    uint32_t inodestart;  /* first block of i-nodes */
    uint32_t bitmapstart; /* first block of the bitmap: a bit a block of the disk, 1 = in use */
};

struct disk_inode {
    int16_t type; /* enum file_type */
    int16_t major, minor;
    int16_t nlink;
    uint32_t size;
    uint32_t blocks[DIRECT + 1]; /* the last: a block of further block numbers */
};
_Static_assert(sizeof(struct disk_inode) == 64, "i-node on disk");

#define INODES_PER_BLOCK (BLOCK_SIZE / sizeof(struct disk_inode))

struct dirent {
    uint16_t inum;        /* 0: free entry */
    char name[NAME_SIZE]; /* not ended when all are used */
};
_Static_assert(sizeof(struct dirent) == 16, "directory entry");

struct log_header {
    int32_t n; /* blocks of a committed transaction; 0: none */
    int32_t block[LOG_CAPACITY];
};

/* What fstat gives to programs. */
struct stat {
    int16_t type;
    int32_t dev;
    uint32_t ino;
    int16_t nlink;
    uint32_t size;
};

#endif
