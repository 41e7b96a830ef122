/* The hypervisor's own GDT, TSS and IDT: VM exits load their selectors and bases from the VMCS, so
 * they must be ours. */
#ifndef HV_CPU_DESCRIPTORS_H
#define HV_CPU_DESCRIPTORS_H

#include <hv/types.h>

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18

/* Loads GDT, segment registers, TR and IDT. */
void descriptors_load(void);

u64 descriptors_gdt_base(void);
u64 descriptors_idt_base(void);
u64 descriptors_tss_base(void);

#endif
