/* The kernel's own mappings, shared by every page directory. */
#ifndef KMAP_H
#define KMAP_H

#include <stdint.h>

/* Builds the kernel's page tables for RAM [0, ram_end) and loads them. */
void kmap_init(uint32_t ram_end);

/* Loads the kernel's page directory; on another processor than the first, its first step after
 * start. */
void kmap_load(void);

/* Copies the kernel's part into a page directory. */
void kmap_copy(uint32_t *pgdir);

/* Puts `pgdir` into CR3 (a VM exit under a hypervisor) unless it is there; NULL: the kernel's.
 * Interrupts off. */
void pgdir_load(uint32_t *pgdir);

#endif
