/* The superblock's geometry, and the log. */
#include <string.h>

#include "check.h"

struct region {
    const char *name;
    uint64_t start, blocks;
};

/* Each region must begin at or after the end of the one before. */
static bool regions_in_order(struct fs_check *check, const struct region *regions, unsigned count)
{
    uint64_t end = FS_SUPER + 1;

    for (unsigned i = 0; i < count; i++) {
        if (regions[i].start < end || regions[i].start + regions[i].blocks > check->super.size) {
            fs_damage(check, "superblock: %s at block %llu: overlaps another region or the end",
                      regions[i].name, (unsigned long long)regions[i].start);
            return false;
        }
        end = regions[i].start + regions[i].blocks;
    }
    return true;
}

bool fs_check_super(struct fs_check *check)
{
    struct fs_super *super = &check->super;

    if (check->bytes < (FS_SUPER + 1) * FS_BLOCK_SIZE) {
        fs_damage(check, "image: too short for a superblock");
        return false;
    }
    memcpy(super, fs_block(check, FS_SUPER), sizeof(*super));
    if (super->size > check->bytes / FS_BLOCK_SIZE) {
        fs_damage(check, "superblock: size %u blocks: more than the image's %zu", super->size,
                  check->bytes / FS_BLOCK_SIZE);
        return false;
    }
    if (super->nblocks == 0 || super->nblocks >= super->size || super->ninodes < 2 ||
        super->nlog < 2) {
        fs_damage(check, "superblock: size %u, data %u, i-nodes %u, log %u: not a file system",
                  super->size, super->nblocks, super->ninodes, super->nlog);
        return false;
    }
    check->data_start = super->size - super->nblocks;
    const struct region regions[] = {
        {"log", super->logstart, super->nlog},
        {"i-nodes", super->inodestart, fs_blocks_for(super->ninodes, FS_INODES_PER_BLOCK)},
        {"bitmap", super->bmapstart, fs_blocks_for(super->size, FS_BITS_PER_BLOCK)},
        {"data", check->data_start, super->nblocks},
    };
    return regions_in_order(check, regions, sizeof(regions) / sizeof(regions[0]));
}

static bool log_is_valid(struct fs_check *check, const struct fs_log_header *header)
{
    if (header->n < 0 || header->n > (int32_t)FS_LOG_BLOCKS ||
        (uint32_t)header->n >= check->super.nlog) {
        fs_damage(check, "log: %d blocks: more than a log holds", header->n);
        return false;
    }
    for (int32_t i = 0; i < header->n; i++) {
        uint32_t home = (uint32_t)header->block[i];
        if (home < check->super.inodestart || home >= check->super.size) {
            fs_damage(check, "log: entry %d: block %u: outside i-nodes, bitmap and data", i, home);
            return false;
        }
    }
    return true;
}

void fs_check_log(struct fs_check *check)
{
    struct fs_log_header header;

    memcpy(&header, fs_block(check, check->super.logstart), sizeof(header));
    if (!log_is_valid(check, &header) || header.n == 0)
        return;
    for (int32_t i = 0; i < header.n; i++) {
        const uint8_t *logged = fs_block(check, check->super.logstart + 1 + (uint32_t)i);
        memcpy(fs_block(check, (uint32_t)header.block[i]), logged, FS_BLOCK_SIZE);
    }
    fs_note(check, "log: a committed transaction of %d blocks was replayed", header.n);
}
