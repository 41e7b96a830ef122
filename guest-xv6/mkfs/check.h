/*
 * The checker behind fsck-kmv. It looks at an image as the kernel would after boot: a committed log
 * is replayed (in memory) first. Any bytes are a valid argument: nothing in an image is trusted
 * before it was compared with the image's size.
 */
#ifndef MKFS_CHECK_H
#define MKFS_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "format.h"

/* Called for each finding (damage) and each note (odd, but no damage), with one line of text. */
typedef void (*fs_sink)(void *context, bool damage, const char *text);

/* What is known of an i-node. */
struct fs_known {
    uint32_t references; /* directory entries that name it, "." not counted */
    uint32_t parent;     /* of a directory that was reached */
    bool reached;        /* a directory that a path leads to */
};

struct fs_check {
    uint8_t *image;
    size_t bytes;
    struct fs_super super;
    uint32_t data_start;
    uint32_t *owner; /* block -> i-node that uses it, 0: none */
    struct fs_known *known;
    uint32_t findings;
    fs_sink sink;
    void *context;
};

/*
 * Checks an image; a committed log changes it in memory. Returns the number of findings (0: clean)
 * or -1 without memory. What it learned stays in *check until fs_check_end.
 */
int fs_check_run(struct fs_check *check, uint8_t *image, size_t bytes, fs_sink sink, void *context);
void fs_check_end(struct fs_check *check);

/* Calls `line` with "type nlink size checksum path" for every file of an image that is clean,
 * sorted by path. */
int fs_list(const struct fs_check *check, void (*line)(void *context, const char *text),
            void *context);

/* For the passes. A block number must be below super.size, an i-node number below super.ninodes. */
uint8_t *fs_block(const struct fs_check *check, uint32_t block);
struct fs_inode *fs_inode_at(const struct fs_check *check, uint32_t inum);
bool fs_is_data_block(const struct fs_check *check, uint32_t block);
/* The block of a file's index'th 512 bytes, 0 where there is none or the address is bad. */
uint32_t fs_file_block(const struct fs_check *check, const struct fs_inode *inode, uint32_t index);
/* The index'th entry of a directory; NULL where the directory has no valid block. */
const struct fs_dirent *fs_entry(const struct fs_check *check, const struct fs_inode *dir,
                                 uint32_t index);
uint32_t fs_entry_count(const struct fs_inode *dir);

void fs_damage(struct fs_check *check, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void fs_note(struct fs_check *check, const char *format, ...) __attribute__((format(printf, 2, 3)));

bool fs_check_super(struct fs_check *check); /* false: nothing else can be checked */
void fs_check_log(struct fs_check *check);
void fs_check_blocks(struct fs_check *check);
void fs_check_tree(struct fs_check *check);

#endif
