#include "path.h"

#include <stddef.h>

#include "bio.h"
#include "console.h"
#include "cpu.h"
#include "proc.h"
#include "string.h"

bool name_is(const char name[NAME_SIZE], const char *text)
{
    return strncmp(name, text, NAME_SIZE) == 0;
}

/* Is this the entry looked for? `name` is for those that look for one. */
typedef bool entry_test(const struct dirent *entry, const char *name);

static bool has_name(const struct dirent *entry, const char *name)
{
    return entry->inum != 0 && strncmp(entry->name, name, NAME_SIZE) == 0;
}

static bool is_free(const struct dirent *entry, const char *name)
{
    (void)name;
    return entry->inum == 0;
}

static bool is_used(const struct dirent *entry, const char *name)
{
    (void)name;
    return entry->inum != 0;
}

/* The first of `count` entries that passes; NULL: none. */
static const struct dirent *find_in(const struct dirent *entries, uint32_t count, entry_test *test,
                                    const char *name)
{
    for (const struct dirent *entry = entries; entry < entries + count; entry++) {
        if (test(entry, name))
            return entry;
    }
    return NULL;
}

/* The place of the first entry from `offset` on that passes, and its i-node number; the directory's
 * size: none. Blocks are searched whole: reading entry by entry costs twenty times as much. */
static uint32_t find_entry(struct inode *dir, uint32_t offset, entry_test *test, const char *name,
                           uint32_t *inum)
{
    while (offset < dir->disk.size) {
        struct buf *b = inode_read_block(dir, offset);
        const struct dirent *first = (const struct dirent *)(b->data + offset % BLOCK_SIZE);
        uint32_t end = offset - offset % BLOCK_SIZE + BLOCK_SIZE;

        if (end > dir->disk.size)
            end = dir->disk.size;
        const struct dirent *entry = find_in(first, (end - offset) / sizeof(*entry), test, name);
        if (entry != NULL) {
            *inum = entry->inum;
            end = offset + (uint32_t)(entry - first) * sizeof(*entry);
        }
        block_release(b);
        if (entry != NULL)
            return end;
        offset = end;
    }
    return dir->disk.size;
}

/* A directory without names is being deleted: its parent may be gone already, so nothing is found
 * in it. */
uint32_t dir_find(struct inode *dir, const char name[NAME_SIZE], uint32_t *offset)
{
    uint32_t inum = 0;

    if (dir->disk.nlink == 0)
        return 0;
    uint32_t at = find_entry(dir, 0, has_name, name, &inum);
    if (offset != NULL)
        *offset = at;
    return inum;
}

bool dir_add(struct inode *dir, const char name[NAME_SIZE], uint32_t inum)
{
    struct dirent entry = {.inum = (uint16_t)inum};
    uint32_t unused;

    memcpy(entry.name, name, NAME_SIZE);
    return inode_write(dir, &entry, find_entry(dir, 0, is_free, NULL, &unused), sizeof(entry)) ==
           sizeof(entry);
}

void dir_remove(struct inode *dir, uint32_t offset)
{
    struct dirent empty = {0};

    if (inode_write(dir, &empty, offset, sizeof(empty)) != sizeof(empty))
        panic("directory %u: no entry at %u", dir->inum, offset);
}

bool dir_is_empty(struct inode *dir)
{
    uint32_t inum = 0;

    find_entry(dir, 2 * sizeof(struct dirent), is_used, NULL, &inum);
    return inum == 0;
}

/* Moves the first element of a path to `name` and returns what comes after it; NULL: there is no
 * element. */
static const char *next_element(const char *path, char name[NAME_SIZE])
{
    size_t length = 0;

    while (*path == '/')
        path++;
    if (*path == '\0')
        return NULL;
    memset(name, 0, NAME_SIZE);
    for (; *path != '/' && *path != '\0'; path++) {
        if (length < NAME_SIZE)
            name[length++] = *path;
    }
    while (*path == '/')
        path++;
    return path;
}

/* From directory ip, whose reference is used up, to what `name` is in it; NULL: it is no directory
 * or has none. */
static struct inode *step_into(struct inode *ip, const char name[NAME_SIZE])
{
    struct inode *next = NULL;

    inode_lock(ip);
    uint32_t inum = ip->disk.type == TYPE_DIR ? dir_find(ip, name, NULL) : 0;
    if (inum != 0)
        next = inode_get(inum);
    inode_unlock_put(ip);
    return next;
}

/* An empty path leads nowhere. */
static struct inode *walk_start(const char *path)
{
    if (*path == '\0')
        return NULL;
    return *path == '/' ? inode_get(ROOT_INODE) : inode_dup(proc_self()->cwd);
}

struct inode *path_find(const char *path)
{
    char name[NAME_SIZE];
    struct inode *ip = walk_start(path);

    while (ip != NULL && (path = next_element(path, name)) != NULL)
        ip = step_into(ip, name);
    return ip;
}

struct inode *path_parent(const char *path, char name[NAME_SIZE])
{
    struct inode *ip = walk_start(path);

    while (ip != NULL) {
        path = next_element(path, name);
        if (path == NULL)
            break;
        if (*path == '\0')
            return ip;
        ip = step_into(ip, name);
    }
    if (ip != NULL)
        inode_put(ip);
    return NULL;
}
