/* The contents of a clean image as text, one line a file, so that two states can be compared. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"

#define PATH_BYTES 1024

struct listing {
    const struct fs_check *check;
    void (*line)(void *context, const char *text);
    void *context;
    char path[PATH_BYTES];
};

static void list_directory(struct listing *listing, const struct fs_inode *dir);

/* FNV-1a: enough to tell two states of a test apart. */
static uint32_t checksum(const struct fs_check *check, const struct fs_inode *inode)
{
    uint32_t hash = 2166136261u;

    for (uint32_t at = 0; at < inode->size; at++) {
        const uint8_t *block = fs_block(check, fs_file_block(check, inode, at / FS_BLOCK_SIZE));
        hash = (hash ^ block[at % FS_BLOCK_SIZE]) * 16777619u;
    }
    return hash;
}

/* A directory's bytes tell where its entries lie, which is not part of the state. */
static void list_file(struct listing *listing, uint32_t inum)
{
    const struct fs_inode *inode = fs_inode_at(listing->check, inum);
    char text[PATH_BYTES + 64];

    if (inode->type == FS_DIR)
        snprintf(text, sizeof(text), "dir %d - - %s", inode->nlink, listing->path);
    else if (inode->type == FS_DEVICE)
        snprintf(text, sizeof(text), "device %d %d,%d - %s", inode->nlink, inode->major,
                 inode->minor, listing->path);
    else
        snprintf(text, sizeof(text), "file %d %u %08x %s", inode->nlink, inode->size,
                 checksum(listing->check, inode), listing->path);
    listing->line(listing->context, text);
    if (inode->type == FS_DIR)
        list_directory(listing, inode);
}

static int compare_names(const void *left, const void *right)
{
    return strncmp(((const struct fs_dirent *)left)->name, ((const struct fs_dirent *)right)->name,
                   FS_NAME_LEN);
}

static bool is_dot(const struct fs_dirent *entry)
{
    return strncmp(entry->name, ".", FS_NAME_LEN) == 0 ||
           strncmp(entry->name, "..", FS_NAME_LEN) == 0;
}

static uint32_t collect(const struct fs_check *check, const struct fs_inode *dir,
                        struct fs_dirent *entries)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < fs_entry_count(dir); i++) {
        const struct fs_dirent *entry = fs_entry(check, dir, i);
        if (entry->inum != 0 && !is_dot(entry))
            entries[count++] = *entry;
    }
    qsort(entries, count, sizeof(*entries), compare_names);
    return count;
}

static void list_directory(struct listing *listing, const struct fs_inode *dir)
{
    struct fs_dirent *entries = calloc(fs_entry_count(dir), sizeof(*entries));
    size_t base = strlen(listing->path);
    uint32_t count = entries ? collect(listing->check, dir, entries) : 0;

    for (uint32_t i = 0; i < count && base + 1 + FS_NAME_LEN < PATH_BYTES; i++) {
        snprintf(listing->path + base, PATH_BYTES - base, "/%.14s", entries[i].name);
        list_file(listing, entries[i].inum);
    }
    listing->path[base] = '\0';
    free(entries);
}

int fs_list(const struct fs_check *check, void (*line)(void *context, const char *text),
            void *context)
{
    struct listing listing = {.check = check, .line = line, .context = context};

    if (check->findings > 0 || !check->known)
        return -1;
    list_directory(&listing, fs_inode_at(check, FS_ROOT_INODE));
    return 0;
}
