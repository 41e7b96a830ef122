/* The hypervisor's own page tables: all physical memory, mapped one to one. */
#ifndef HV_CPU_PAGING_H
#define HV_CPU_PAGING_H

#include <hv/mm/frames.h>
#include <hv/types.h>

/* Builds tables for [0, end) from `heap` and loads CR3. 0 or -HV_ENOMEM. */
int paging_init(struct frame_pool *heap, u64 end);

/* Takes the page at `address` away, below a stack that must not grow into it. 0 or -HV_ENOMEM. */
int paging_guard(struct frame_pool *heap, u64 address);

/* Is it in one of those pages? */
bool paging_is_guard(u64 address);

#endif
