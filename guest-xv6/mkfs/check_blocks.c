/* Every data block belongs to at most one i-node, and the bitmap says the same. */
#include "check.h"

static void claim(struct fs_check *check, uint32_t inum, uint32_t block)
{
    if (!fs_is_data_block(check, block)) {
        fs_damage(check, "i-node %u: block address %u: outside the data region", inum, block);
        return;
    }
    if (check->owner[block] != 0)
        fs_damage(check, "block %u: used by i-nodes %u and %u", block, check->owner[block], inum);
    else
        check->owner[block] = inum;
}

static void claim_all(struct fs_check *check, uint32_t inum, const uint32_t *addrs, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (addrs[i] != 0)
            claim(check, inum, addrs[i]);
    }
}

/* Files have no holes: no call writes beyond a file's end. */
static void check_holes(struct fs_check *check, uint32_t inum, const struct fs_inode *inode)
{
    uint32_t blocks = fs_blocks_for(inode->size, FS_BLOCK_SIZE);

    for (uint32_t i = 0; i < blocks && i < FS_FILE_BLOCKS; i++) {
        if (fs_file_block(check, inode, i) == 0) {
            fs_damage(check, "i-node %u: no block at byte %u of %u", inum, i * FS_BLOCK_SIZE,
                      inode->size);
            return;
        }
    }
}

static void check_inode(struct fs_check *check, uint32_t inum)
{
    const struct fs_inode *inode = fs_inode_at(check, inum);

    if (inode->type == FS_FREE)
        return;
    if (inode->type < 0 || inode->type > FS_DEVICE) {
        fs_damage(check, "i-node %u: type %d: unknown", inum, inode->type);
        return;
    }
    if (inode->size > FS_FILE_BYTES)
        fs_damage(check, "i-node %u: size %u: larger than a file can be", inum, inode->size);
    if (inode->type == FS_DIR && inode->size % sizeof(struct fs_dirent) != 0)
        fs_damage(check, "i-node %u: size %u: not a whole number of directory entries", inum,
                  inode->size);
    claim_all(check, inum, inode->addrs, FS_DIRECT + 1);
    if (fs_is_data_block(check, inode->addrs[FS_DIRECT]))
        claim_all(check, inum, (uint32_t *)fs_block(check, inode->addrs[FS_DIRECT]), FS_INDIRECT);
    check_holes(check, inum, inode);
}

static bool bitmap_says_used(const struct fs_check *check, uint32_t block)
{
    const uint8_t *bits = fs_block(check, check->super.bmapstart + block / FS_BITS_PER_BLOCK);

    return bits[block % FS_BITS_PER_BLOCK / 8] >> block % 8 & 1;
}

static void check_bitmap(struct fs_check *check)
{
    for (uint32_t block = 0; block < check->super.size; block++) {
        bool marked = bitmap_says_used(check, block);
        if (block < check->data_start && !marked)
            fs_damage(check, "bitmap: block %u: marked free, but holds the file system's own data",
                      block);
        else if (block >= check->data_start && check->owner[block] != 0 && !marked)
            fs_damage(check, "bitmap: block %u: marked free, but i-node %u uses it", block,
                      check->owner[block]);
        else if (block >= check->data_start && check->owner[block] == 0 && marked)
            fs_damage(check, "bitmap: block %u: marked used, but no i-node uses it", block);
    }
}

void fs_check_blocks(struct fs_check *check)
{
    for (uint32_t inum = 1; inum < check->super.ninodes; inum++)
        check_inode(check, inum);
    check_bitmap(check);
}
