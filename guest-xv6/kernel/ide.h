/* The root disk: IDE disk 1 (primary channel, slave), programmed input and output. */
#ifndef IDE_H
#define IDE_H

#include <stdbool.h>

struct buf;

void ide_init(void);

/* Reads or writes a block; sleeps until it is done. The caller holds the buffer's lock. */
void ide_transfer(struct buf *b, bool write);

void ide_interrupt(void);

#endif
