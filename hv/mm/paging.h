/* Entries of 32-bit paging (no PAE). SDM vol. 3A, 4.3, tables 4-3 to 4-6. */
#ifndef HV_MM_PAGING_H
#define HV_MM_PAGING_H

#include <hv/types.h>

#define PG_PRESENT   0x001u
#define PG_WRITE     0x002u
#define PG_USER      0x004u
#define PG_PWT       0x008u
#define PG_PCD       0x010u
#define PG_ACCESSED  0x020u
#define PG_DIRTY     0x040u
#define PG_LARGE     0x080u /* in a page-directory entry, with CR4.PSE; PAT in a page-table entry */
#define PG_GLOBAL    0x100u
#define PG_AVAILABLE 0xe00u /* for software */

#define PG_FRAME       0xfffff000u
#define PG_LARGE_FRAME 0xffc00000u /* bits 31:22 of a 4 MiB page */
#define PG_LARGE_HIGH  0x001fe000u /* its bits 39:32 (PSE-36) */
#define PG_LARGE_PAT   0x00001000u

#define PG_ENTRIES    1024u
#define PG_SLOT_SHIFT 22 /* bytes behind one page-directory entry, as a power of two */
#define PG_SLOT_BYTES (1ull << PG_SLOT_SHIFT)

/* Page-fault error code. SDM vol. 3A, 4.7. */
#define PF_PRESENT 0x01u
#define PF_WRITE   0x02u
#define PF_USER    0x04u
#define PF_FETCH   0x10u

#endif
