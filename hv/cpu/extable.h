/*
 * Instructions that may fault on a guest's behalf. EXTABLE pairs the faulting instruction with the
 * place to go on; the exception handler then notes the fault, and extable_take_fault tells of it
 * once.
 */
#ifndef HV_CPU_EXTABLE_H
#define HV_CPU_EXTABLE_H

#include <hv/types.h>

/* Offsets relative to the entry itself, so that the table needs no relocation. */
#define EXTABLE(from, to)                                                                          \
    ".pushsection .extable, \"a\"\n"                                                               \
    ".balign 4\n"                                                                                  \
    ".long " from " - .\n"                                                                         \
    ".long " to " - .\n"                                                                           \
    ".popsection\n"

/* The place to go on for a fault at rip, 0 if it is not expected. Remembers the fault. */
u64 extable_fixup(u64 rip);

/* True when an expected fault happened since the last call. */
bool extable_take_fault(void);

#endif
