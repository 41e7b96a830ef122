/*
 * Invalidation of the translations that CPUs cache. Implemented by hv/vmx, by a recorder in host
 * tests. SDM vol. 3C, 29.4 "Caching Translation Information" (28.3 in older editions).
 */
#ifndef HV_MM_TLB_H
#define HV_MM_TLB_H

#include <hv/types.h>

/* INVEPT, single context: owed after an EPT entry lost a permission or changed its frame. On
 * return no CPU runs the guest with what it had cached. */
void tlb_flush_ept(void);

/* INVVPID on this CPU, individual address: owed after a shadow-root or mirror-table entry that was
 * present changed. */
void tlb_flush_gva(gva_t gva);

/* INVVPID on this CPU, single context: every guest-virtual translation, global ones too. */
void tlb_flush_guest(void);

/* The same on all other CPUs, as tlb_flush_ept. */
void tlb_flush_elsewhere(void);

/* INVEPT on this CPU alone. */
void tlb_flush_ept_here(void);

#endif
