/* Directories and path names. Everything here runs inside an operation of the log. */
#ifndef PATH_H
#define PATH_H

#include <stdbool.h>
#include <stdint.h>

#include "inode.h"

/* The i-node that a path leads to, a reference, unlocked; NULL: there is none. */
struct inode *path_find(const char *path);

/* The directory that holds a path's last element, whose name goes to `name`; NULL: no such
 * directory, or the path has no last element. */
struct inode *path_parent(const char *path, char name[NAME_SIZE]);

/* Names are NAME_SIZE bytes, filled with zeros; longer ones are cut off. dir is locked. */
bool name_is(const char name[NAME_SIZE], const char *text);

/* The number of the i-node that a name in a directory leads to; 0: none. *offset, if asked for:
 * where the entry is. */
uint32_t dir_find(struct inode *dir, const char name[NAME_SIZE], uint32_t *offset);

bool dir_add(struct inode *dir, const char name[NAME_SIZE], uint32_t inum); /* false: no space */
void dir_remove(struct inode *dir, uint32_t offset);
bool dir_is_empty(struct inode *dir); /* but for . and .. */

#endif
