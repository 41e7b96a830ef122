#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

uint8_t *fs_block(const struct fs_check *check, uint32_t block)
{
    return check->image + (size_t)block * FS_BLOCK_SIZE;
}

struct fs_inode *fs_inode_at(const struct fs_check *check, uint32_t inum)
{
    uint32_t block = check->super.inodestart + inum / FS_INODES_PER_BLOCK;

    return (struct fs_inode *)fs_block(check, block) + inum % FS_INODES_PER_BLOCK;
}

bool fs_is_data_block(const struct fs_check *check, uint32_t block)
{
    return block >= check->data_start && block < check->super.size;
}

uint32_t fs_file_block(const struct fs_check *check, const struct fs_inode *inode, uint32_t index)
{
    uint32_t block = 0;

    if (index < FS_DIRECT)
        block = inode->addrs[index];
    else if (index < FS_FILE_BLOCKS && fs_is_data_block(check, inode->addrs[FS_DIRECT]))
        block = ((uint32_t *)fs_block(check, inode->addrs[FS_DIRECT]))[index - FS_DIRECT];
    return fs_is_data_block(check, block) ? block : 0;
}

uint32_t fs_entry_count(const struct fs_inode *dir)
{
    uint32_t bytes = dir->size < FS_FILE_BYTES ? dir->size : FS_FILE_BYTES;

    return bytes / (uint32_t)sizeof(struct fs_dirent);
}

const struct fs_dirent *fs_entry(const struct fs_check *check, const struct fs_inode *dir,
                                 uint32_t index)
{
    uint32_t block = fs_file_block(check, dir, index / FS_ENTRIES_PER_BLOCK);

    if (block == 0)
        return NULL;
    return (struct fs_dirent *)fs_block(check, block) + index % FS_ENTRIES_PER_BLOCK;
}

static void report(struct fs_check *check, bool damage, const char *format, va_list args)
{
    char text[160];

    vsnprintf(text, sizeof(text), format, args);
    check->sink(check->context, damage, text);
}

void fs_damage(struct fs_check *check, const char *format, ...)
{
    va_list args;

    check->findings++;
    va_start(args, format);
    report(check, true, format, args);
    va_end(args);
}

void fs_note(struct fs_check *check, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    report(check, false, format, args);
    va_end(args);
}

static bool allocate(struct fs_check *check)
{
    check->owner = calloc(check->super.size, sizeof(*check->owner));
    check->known = calloc(check->super.ninodes, sizeof(*check->known));
    return check->owner && check->known;
}

int fs_check_run(struct fs_check *check, uint8_t *image, size_t bytes, fs_sink sink, void *context)
{
    memset(check, 0, sizeof(*check));
    check->image = image;
    check->bytes = bytes;
    check->sink = sink;
    check->context = context;
    if (!fs_check_super(check))
        return (int)check->findings;
    if (!allocate(check))
        return -1;
    fs_check_log(check);
    fs_check_blocks(check);
    fs_check_tree(check);
    return check->findings < INT32_MAX ? (int)check->findings : INT32_MAX;
}

void fs_check_end(struct fs_check *check)
{
    free(check->owner);
    free(check->known);
}
