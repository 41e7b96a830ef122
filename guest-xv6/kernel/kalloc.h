/* Physical memory by pages of 4 KiB. */
#ifndef KALLOC_H
#define KALLOC_H

#include <stdbool.h>
#include <stdint.h>

/* Takes over [PGROUNDUP(first), end), physical addresses, for pages. Touches none of it. */
void pages_init(uint32_t first, uint32_t end);

/* A page, its contents undefined, at its kernel address; NULL when there is none left. */
void *page_alloc(void);
void *page_alloc_zeroed(void);

/* Leaves the page at a physical address, which was lost, out of use once it is given back. */
void page_retire(uint32_t pa);

/* Gives a page back; it is filled with 0x01 bytes, so that a stale pointer shows. */
void page_free(void *page);

/* End of the memory that was ever used, a physical address: pages from there on are as the machine
 * left them. */
uint32_t pages_watermark(void);

/* Does the page at a physical address below the watermark hold something (kernel image or
 * allocated)? */
bool page_in_use(uint32_t pa);

#endif
