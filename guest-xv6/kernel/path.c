#include "path.h"

#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "proc.h"
#include "string.h"

bool name_is(const char name[NAME_SIZE], const char *text)
{
    return strncmp(name, text, NAME_SIZE) == 0;
}

static void read_entry(struct inode *dir, uint32_t offset, struct dirent *entry)
{
    if (inode_read(dir, entry, offset, sizeof(*entry)) != sizeof(*entry))
        panic("directory %u: no entry at %u", dir->inum, offset);
}

static void write_entry(struct inode *dir, uint32_t offset, const struct dirent *entry)
{
    if (inode_write(dir, entry, offset, sizeof(*entry)) != sizeof(*entry))
        panic("directory %u: no entry at %u", dir->inum, offset);
}

/* A directory without names is being deleted: its parent may be gone already, so nothing is found
 * in it. */
uint32_t dir_find(struct inode *dir, const char name[NAME_SIZE], uint32_t *offset)
{
    struct dirent entry;

    if (dir->disk.nlink == 0)
        return 0;
    for (uint32_t at = 0; at < dir->disk.size; at += sizeof(entry)) {
        read_entry(dir, at, &entry);
        if (entry.inum == 0 || strncmp(entry.name, name, NAME_SIZE) != 0)
            continue;
        if (offset != NULL)
            *offset = at;
        return entry.inum;
    }
    return 0;
}

/* Where the first free entry is, or the end. */
static uint32_t free_entry(struct inode *dir)
{
    struct dirent entry;
    uint32_t at = 0;

    for (; at < dir->disk.size; at += sizeof(entry)) {
        read_entry(dir, at, &entry);
        if (entry.inum == 0)
            break;
    }
    return at;
}

bool dir_add(struct inode *dir, const char name[NAME_SIZE], uint32_t inum)
{
    struct dirent entry = {.inum = (uint16_t)inum};

    memcpy(entry.name, name, NAME_SIZE);
    return inode_write(dir, &entry, free_entry(dir), sizeof(entry)) == sizeof(entry);
}

void dir_remove(struct inode *dir, uint32_t offset)
{
    struct dirent empty = {0};

    write_entry(dir, offset, &empty);
}

bool dir_is_empty(struct inode *dir)
{
    struct dirent entry;

    for (uint32_t at = 2 * sizeof(entry); at < dir->disk.size; at += sizeof(entry)) {
        read_entry(dir, at, &entry);
        if (entry.inum != 0)
            return false;
    }
    return true;
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
