/* Directories form one tree under the root, and link counts agree with its entries. */
#define _POSIX_C_SOURCE 200809L

#include <stdlib.h>
#include <string.h>

#include "check.h"

/* Directories reached and not yet read; each is pushed once. */
struct pending {
    uint32_t *inums;
    uint32_t count;
};

struct entry_name {
    char text[4 * FS_NAME_LEN + 1]; /* printable: other bytes as \xNN */
};

static struct entry_name printable(const struct fs_dirent *entry)
{
    struct entry_name name = {{0}};
    char *to = name.text;

    for (unsigned i = 0; i < FS_NAME_LEN && entry->name[i]; i++) {
        unsigned char c = (unsigned char)entry->name[i];
        if (c > ' ' && c < 0x7f) {
            *to++ = (char)c;
            continue;
        }
        *to++ = '\\';
        *to++ = 'x';
        *to++ = "0123456789abcdef"[c >> 4];
        *to++ = "0123456789abcdef"[c & 15];
    }
    return name;
}

static bool is_named(const struct fs_dirent *entry, const char *name)
{
    return strncmp(entry->name, name, FS_NAME_LEN) == 0;
}

static bool is_dot(const struct fs_dirent *entry)
{
    return is_named(entry, ".") || is_named(entry, "..");
}

static bool in_use(const struct fs_check *check, uint32_t inum)
{
    return inum < check->super.ninodes && fs_inode_at(check, inum)->type != FS_FREE;
}

static void reach(struct fs_check *check, struct pending *pending, uint32_t inum, uint32_t parent)
{
    if (check->known[inum].reached) {
        fs_damage(check, "i-node %u: directory has two names, in i-nodes %u and %u", inum,
                  check->known[inum].parent, parent);
        return;
    }
    check->known[inum].reached = true;
    check->known[inum].parent = parent;
    pending->inums[pending->count++] = inum;
}

static void check_entry(struct fs_check *check, struct pending *pending, uint32_t dir,
                        const struct fs_dirent *entry)
{
    if (!in_use(check, entry->inum)) {
        fs_damage(check, "directory %u: entry %s: i-node %u is not in use", dir,
                  printable(entry).text, entry->inum);
        return;
    }
    if (!is_named(entry, "."))
        check->known[entry->inum].references++;
    if (entry->name[0] == '\0' || memchr(entry->name, '/', strnlen(entry->name, FS_NAME_LEN)))
        fs_damage(check, "directory %u: entry '%s': bad name", dir, printable(entry).text);
    if (!is_dot(entry) && fs_inode_at(check, entry->inum)->type == FS_DIR)
        reach(check, pending, entry->inum, dir);
}

static int compare_names(const void *left, const void *right)
{
    return strncmp((*(const struct fs_dirent *const *)left)->name,
                   (*(const struct fs_dirent *const *)right)->name, FS_NAME_LEN);
}

static void check_duplicates(struct fs_check *check, uint32_t dir, const struct fs_dirent **entries,
                             uint32_t count)
{
    qsort(entries, count, sizeof(*entries), compare_names);
    for (uint32_t i = 1; i < count; i++) {
        if (compare_names(&entries[i - 1], &entries[i]) == 0)
            fs_damage(check, "directory %u: entry %s: there twice", dir,
                      printable(entries[i]).text);
    }
}

/* wanted: what the entry named `name` must refer to. */
static void check_dot(struct fs_check *check, uint32_t dir, const struct fs_dirent **entries,
                      uint32_t count, const char *name, uint32_t wanted)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!is_named(entries[i], name))
            continue;
        if (entries[i]->inum != wanted)
            fs_damage(check, "directory %u: entry %s: i-node %u instead of %u", dir, name,
                      entries[i]->inum, wanted);
        return;
    }
    fs_damage(check, "directory %u: entry %s: missing", dir, name);
}

static void check_directory(struct fs_check *check, struct pending *pending, uint32_t inum)
{
    const struct fs_inode *dir = fs_inode_at(check, inum);
    const struct fs_dirent *entries[FS_FILE_BYTES / sizeof(struct fs_dirent)] = {NULL};
    uint32_t count = 0;

    for (uint32_t i = 0; i < fs_entry_count(dir); i++) {
        const struct fs_dirent *entry = fs_entry(check, dir, i);
        if (!entry || entry->inum == 0)
            continue;
        entries[count++] = entry;
        check_entry(check, pending, inum, entry);
    }
    check_duplicates(check, inum, entries, count);
    check_dot(check, inum, entries, count, ".", inum);
    check_dot(check, inum, entries, count, "..", check->known[inum].parent);
}

static void check_links(struct fs_check *check, uint32_t inum)
{
    int nlink = fs_inode_at(check, inum)->nlink;
    uint32_t references = check->known[inum].references;

    if (references == 0 && nlink == 0)
        fs_note(check, "i-node %u: no name: it was removed while open", inum);
    else if (references == 0)
        fs_damage(check, "i-node %u: no path leads to it, but its link count is %d", inum, nlink);
    else if (nlink < 0 || (uint32_t)nlink != references)
        fs_damage(check, "i-node %u: link count %d, but %u entries", inum, nlink, references);
}

void fs_check_tree(struct fs_check *check)
{
    struct pending pending = {.inums = calloc(check->super.ninodes, sizeof(uint32_t))};

    if (!pending.inums || fs_inode_at(check, FS_ROOT_INODE)->type != FS_DIR) {
        fs_damage(check,
                  pending.inums ? "i-node 1: the root is not a directory" : "not enough memory");
        free(pending.inums);
        return;
    }
    reach(check, &pending, FS_ROOT_INODE, FS_ROOT_INODE);
    while (pending.count > 0)
        check_directory(check, &pending, pending.inums[--pending.count]);
    for (uint32_t inum = 1; inum < check->super.ninodes; inum++) {
        if (in_use(check, inum))
            check_links(check, inum);
    }
    free(pending.inums);
}
