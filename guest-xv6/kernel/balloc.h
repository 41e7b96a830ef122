/* The superblock, and free blocks of the root disk. */
#ifndef BALLOC_H
#define BALLOC_H

#include <stdint.h>

#include "fsformat.h"

extern struct superblock super;

void super_read(void);

/* A free block, zeroed; 0: the disk is full. Inside an operation of the log, as block_free. */
uint32_t block_alloc(void);
void block_free(uint32_t block);

#endif
