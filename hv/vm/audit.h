/* Proof that a guest reaches nothing but what is its own: every leaf of the extended page tables
 * against the boot information. Plain C. */
#ifndef HV_VM_AUDIT_H
#define HV_VM_AUDIT_H

#include <hv/vm/vm.h>

struct vm_audit {
    u64 leaves; /* looked at */
    u64 wrong;  /* that lead elsewhere, or allow more than they may */
    gpa_t first_wrong;
};

/* RAM and its mirror lead to the guest's, the mirror's or a spare frame, devices to themselves and
 * away from all blocks, the mirror of devices to the sink, the tables window to the heap for
 * reading alone, and nothing else is mapped. */
struct vm_audit vm_audit(const struct vm *vm, const struct kmv_bootinfo *boot);

#endif
