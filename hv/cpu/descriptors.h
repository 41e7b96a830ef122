/* The hypervisor's own GDT, TSS and IDT: VM exits load their selectors and bases from the VMCS, so
 * they must be ours. */
#ifndef HV_CPU_DESCRIPTORS_H
#define HV_CPU_DESCRIPTORS_H

#include <hv/mm/frames.h>
#include <hv/types.h>

#define SELECTOR_CODE 0x08
#define SELECTOR_DATA 0x10
#define SELECTOR_TSS  0x18

/* Loads GDT, segment registers, TR and IDT on the processor that calls, which gets this index. */
void descriptors_load(u32 index);

/* Gets its stacks, and takes the pages below them away. 0 or -HV_ENOMEM. */
int descriptors_stacks(struct frame_pool *heap, u32 index);

/* Top of the stack that a processor starts on. */
u64 descriptors_ap_stack(u32 index);

u64 descriptors_idt_base(void);

#endif
