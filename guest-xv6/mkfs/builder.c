#include "builder.h"

#include <stdlib.h>
#include <string.h>

#include "format.h"

#define BLOCKS_MAX (1u << 22) /* 2 GiB: what 28-bit LBA and this tool's memory surely hold */
#define INODES_MAX 65535u     /* directory entries have 16-bit numbers */

struct fs_builder {
    struct fs_super super;
    uint32_t next_block;
    uint32_t next_inode;
    uint8_t *image;
};

static const char *last_error = "";

static int set_error(const char *message)
{
    last_error = message;
    return -1;
}

const char *fs_build_error(void)
{
    return last_error;
}

static uint8_t *block_at(struct fs_builder *builder, uint32_t block)
{
    return builder->image + (size_t)block * FS_BLOCK_SIZE;
}

static struct fs_inode *inode_at(struct fs_builder *builder, uint32_t inum)
{
    uint32_t block = builder->super.inodestart + inum / FS_INODES_PER_BLOCK;

    return (struct fs_inode *)block_at(builder, block) + inum % FS_INODES_PER_BLOCK;
}

/* Returns 0 when the disk is full. */
static uint32_t take_block(struct fs_builder *builder)
{
    uint32_t block = builder->next_block;

    if (block >= builder->super.size) {
        set_error("disk full: choose a larger --size");
        return 0;
    }
    builder->next_block++;
    block_at(builder, builder->super.bmapstart)[block / 8] |= (uint8_t)(1u << block % 8);
    return block;
}

static int lay_out(struct fs_super *super, uint32_t blocks, uint32_t inodes)
{
    super->size = blocks;
    super->ninodes = inodes;
    super->nlog = 1 + FS_LOG_BLOCKS;
    super->logstart = FS_SUPER + 1;
    super->inodestart = super->logstart + super->nlog;
    super->bmapstart = super->inodestart + fs_blocks_for(inodes, FS_INODES_PER_BLOCK);
    uint32_t data = super->bmapstart + fs_blocks_for(blocks, FS_BITS_PER_BLOCK);
    if (data >= blocks)
        return set_error("no room for data: choose a larger --size or fewer --inodes");
    super->nblocks = blocks - data;
    return 0;
}

/* The block of a file for its index'th 512 bytes, taken from the free ones when missing; 0 when the
 * disk is full. */
static uint32_t map_block(struct fs_builder *builder, struct fs_inode *inode, uint32_t index)
{
    uint32_t *slot = &inode->addrs[index < FS_DIRECT ? index : FS_DIRECT];

    if (*slot == 0)
        *slot = take_block(builder);
    if (*slot == 0 || index < FS_DIRECT)
        return *slot;
    uint32_t *indirect = (uint32_t *)block_at(builder, *slot) + (index - FS_DIRECT);
    if (*indirect == 0)
        *indirect = take_block(builder);
    return *indirect;
}

static int append(struct fs_builder *builder, uint32_t inum, const void *data, size_t bytes)
{
    struct fs_inode *inode = inode_at(builder, inum);
    const uint8_t *cursor = data;

    if (bytes > FS_FILE_BYTES - inode->size)
        return set_error("file too large: a file holds at most 71680 bytes");
    while (bytes > 0) {
        uint32_t offset = inode->size % FS_BLOCK_SIZE;
        uint32_t block = map_block(builder, inode, inode->size / FS_BLOCK_SIZE);
        if (block == 0)
            return -1;
        size_t chunk = bytes < FS_BLOCK_SIZE - offset ? bytes : FS_BLOCK_SIZE - offset;
        memcpy(block_at(builder, block) + offset, cursor, chunk);
        inode->size += (uint32_t)chunk;
        cursor += chunk;
        bytes -= chunk;
    }
    return 0;
}

static int add_entry(struct fs_builder *builder, const char *name, uint32_t inum)
{
    struct fs_dirent entry = {.inum = (uint16_t)inum};

    memcpy(entry.name, name, strlen(name));
    return append(builder, FS_ROOT_INODE, &entry, sizeof(entry));
}

static uint32_t new_inode(struct fs_builder *builder, enum fs_type type)
{
    if (builder->next_inode >= builder->super.ninodes) {
        set_error("too many files: choose more --inodes");
        return 0;
    }
    uint32_t inum = builder->next_inode++;
    *inode_at(builder, inum) = (struct fs_inode){.type = (int16_t)type, .nlink = 1};
    return inum;
}

/* Everything before the data region counts as used. */
static void mark_metadata(struct fs_builder *builder)
{
    uint32_t data = builder->super.size - builder->super.nblocks;

    while (builder->next_block < data)
        take_block(builder);
}

static int start(struct fs_builder *builder)
{
    memcpy(block_at(builder, FS_SUPER), &builder->super, sizeof(builder->super));
    mark_metadata(builder);
    uint32_t root = new_inode(builder, FS_DIR);
    if (root != FS_ROOT_INODE || add_entry(builder, ".", root) || add_entry(builder, "..", root))
        return -1;
    return 0;
}

struct fs_builder *fs_build_new(uint32_t blocks, uint32_t inodes)
{
    if (blocks > BLOCKS_MAX || inodes < 2 || inodes > INODES_MAX) {
        set_error("size out of range: 1 to 4194304 blocks, 2 to 65535 i-nodes");
        return NULL;
    }
    struct fs_builder *builder = calloc(1, sizeof(*builder));
    if (!builder) {
        set_error("not enough memory");
        return NULL;
    }
    builder->next_inode = FS_ROOT_INODE;
    if (lay_out(&builder->super, blocks, inodes) == 0) {
        builder->image = calloc(blocks, FS_BLOCK_SIZE);
        if (builder->image && start(builder) == 0)
            return builder;
        if (!builder->image)
            set_error("not enough memory");
    }
    fs_build_free(builder);
    return NULL;
}

void fs_build_free(struct fs_builder *builder)
{
    if (builder)
        free(builder->image);
    free(builder);
}

static int name_exists(struct fs_builder *builder, const char *name)
{
    struct fs_inode *root = inode_at(builder, FS_ROOT_INODE);

    for (uint32_t at = 0; at < root->size; at += sizeof(struct fs_dirent)) {
        uint32_t block = map_block(builder, root, at / FS_BLOCK_SIZE);
        const struct fs_dirent *entry = (void *)(block_at(builder, block) + at % FS_BLOCK_SIZE);
        if (strncmp(entry->name, name, FS_NAME_LEN) == 0)
            return 1;
    }
    return 0;
}

int fs_build_add(struct fs_builder *builder, const char *name, const void *data, size_t bytes)
{
    if (name[0] == '\0' || strlen(name) > FS_NAME_LEN || strchr(name, '/'))
        return set_error("bad file name: 1 to 14 characters, no slash");
    if (name_exists(builder, name))
        return set_error("two files have this name: rename one");
    uint32_t inum = new_inode(builder, FS_FILE);
    if (inum == 0 || append(builder, inum, data, bytes) < 0)
        return -1;
    return add_entry(builder, name, inum);
}

const uint8_t *fs_build_image(const struct fs_builder *builder, size_t *bytes)
{
    *bytes = (size_t)builder->super.size * FS_BLOCK_SIZE;
    return builder->image;
}
