/* Whole files on the host. */
#ifndef MKFS_HOSTFILE_H
#define MKFS_HOSTFILE_H

#include <stddef.h>
#include <stdint.h>

/* Reads a regular file; NULL with errno set on failure (EFBIG: more than `limit` bytes). The caller
 * frees. */
uint8_t *hostfile_read(const char *path, size_t limit, size_t *bytes);

/* Writes to PATH.part and renames: PATH is whole or untouched. -1 with errno set on failure. */
int hostfile_write(const char *path, const uint8_t *data, size_t bytes);

#endif
