/*
 * Stores to page-table entries that the CPU may read at any moment: one aligned store, never torn,
 * never reordered with the ones around it. A function, not a macro, so that host tests can put a
 * recorder in its place.
 */
#ifndef HV_MM_ENTRY_H
#define HV_MM_ENTRY_H

#include <hv/types.h>

void entry_store64(u64 *entry, u64 value); /* EPT entries */
void entry_store32(u32 *entry, u32 value); /* entries of 32-bit paging */

#endif
