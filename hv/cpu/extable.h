/*
 * Instructions that may fault on a guest's behalf. EXTABLE pairs the faulting instruction with the
 * place to go on; the exception handler then notes the fault, and extable_take tells of it
 * once. EXTABLE_LOAD is the same for machine checks that want action, of instructions that read
 * memory which may have gone bad.
 */
#ifndef HV_CPU_EXTABLE_H
#define HV_CPU_EXTABLE_H

#include <hv/types.h>

/* Offsets relative to the entry itself, so that the table needs no relocation. */
#define EXTABLE_ENTRY(from, to, kind)                                                              \
    ".pushsection .extable, \"a\"\n"                                                               \
    ".balign 4\n"                                                                                  \
    ".long " from " - .\n"                                                                         \
    ".long " to " - .\n"                                                                           \
    ".long " kind "\n"                                                                             \
    ".popsection\n"
#define EXTABLE(from, to)      EXTABLE_ENTRY(from, to, "0")
#define EXTABLE_LOAD(from, to) EXTABLE_ENTRY(from, to, "1")

enum extable_kind { EXTABLE_FAULT, EXTABLE_MACHINE_CHECK };

/* The place to go on for a fault at rip, 0 if it is not expected. Remembers the fault. */
u64 extable_fixup(u64 rip, enum extable_kind kind);

/* True when an expected one of this kind happened since the last call. Of MACHINE_CHECK: memory
 * went bad that was to be read, by a function of hv/lib/string.h. The error is among those of
 * exceptions_mce, to be answered before the guest runs on. */
bool extable_take(enum extable_kind kind);

#endif
