/* MultiProcessor tables for the guest. MultiProcessor Specification 1.4, chapter 4. */
#ifndef HV_PLATFORM_MPTABLE_H
#define HV_PLATFORM_MPTABLE_H

#include <hv/types.h>

struct vm;

/* Writes the floating pointer and the configuration table at guest-physical 0xF0000, where the
 * specification lets guests look: the first `processor_count` processors, an ISA bus, one I/O APIC.
 * 0 or a negative errno.
 */
int mptable_write(struct vm *vm, u32 processor_count);

#endif
