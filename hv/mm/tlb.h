/*
 * Invalidation of the translations that the CPU caches. Implemented by hv/vmx, by a recorder in
 * host tests. SDM vol. 3C, 29.4 "Caching Translation Information" (28.3 in older editions).
 */
#ifndef HV_MM_TLB_H
#define HV_MM_TLB_H

#include <hv/types.h>

/* INVEPT, single context: owed after an EPT entry lost a permission or changed its frame. */
void tlb_flush_ept(void);

/* INVVPID, individual address: owed after a shadow-root or mirror-table entry that was present
 * changed. */
void tlb_flush_gva(gva_t gva);

/* INVVPID, single context: every guest-virtual translation, global ones too. */
void tlb_flush_guest(void);

#endif
