/* Builds a file system in memory. Errors: NULL or -1 with a message in fs_build_error(). */
#ifndef MKFS_BUILDER_H
#define MKFS_BUILDER_H

#include <stddef.h>
#include <stdint.h>

struct fs_builder;

/* An empty file system: a root directory with . and .. */
struct fs_builder *fs_build_new(uint32_t blocks, uint32_t inodes);
void fs_build_free(struct fs_builder *builder);

/* Adds a file of `bytes` bytes to the root directory. */
int fs_build_add(struct fs_builder *builder, const char *name, const void *data, size_t bytes);

/* The image; its size in bytes in *bytes. Owned by the builder. */
const uint8_t *fs_build_image(const struct fs_builder *builder, size_t *bytes);

const char *fs_build_error(void);

#endif
