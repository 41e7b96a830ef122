/* The kernel's own mappings, shared by every page directory. */
#ifndef KMAP_H
#define KMAP_H

#include <stdbool.h>
#include <stdint.h>

/* Builds the kernel's page tables for RAM [0, ram_end) and loads them. */
void kmap_init(uint32_t ram_end);

/* Loads the kernel's page directory; on another processor than the first, its first step after
 * start. */
void kmap_load(void);

/* Copies the kernel's part into a page directory. */
void kmap_copy(uint32_t *pgdir);

/* Exchanges the frames behind two pages of kernel data. In between the pages are not there; other
 * processors may find their old frames until they flush. An entry that is there again is flushed,
 * too: so it is mirrored before it is taken away the next time. */
void kmap_exchange(uint32_t a, uint32_t b);

/* Is it an address in such a page? What faults there is to be done again. */
bool kmap_moves(uint32_t va);

/* Puts `pgdir` into CR3 (a VM exit under a hypervisor) unless it is there; NULL: the kernel's.
 * Interrupts off. */
void pgdir_load(uint32_t *pgdir);

#endif
