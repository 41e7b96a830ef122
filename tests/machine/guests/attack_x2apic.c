/* The local APIC in x2APIC mode, and there is no way back. Last of all: the others use its page. */
#include "attack.h"

#define MSR_APIC_BASE    0x1b
#define APIC_BASE_X2APIC (1u << 10)
#define APIC_BASE_ON     (1u << 11)
#define MSR_ID           0x802
#define MSR_SPURIOUS     0x80f
#define MSR_COMMAND      0x830
#define COMMAND_NMI      0x4400 /* physical destination, assert */

/* In the mode before. */
ATTEMPT(before_id, return (u32)rdmsr(MSR_ID);)
ATTEMPT(before_command, wrmsr(MSR_COMMAND, COMMAND_NMI);)
ATTEMPT(on_ram, wrmsr(MSR_APIC_BASE, 0x100000 | APIC_BASE_ON | APIC_BASE_X2APIC);)
ATTEMPT(enable_and_off, u64 base = rdmsr(MSR_APIC_BASE) & ~(u64)APIC_BASE_ON;
        wrmsr(MSR_APIC_BASE, base | APIC_BASE_X2APIC);)

ATTEMPT(enable, wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_BASE_X2APIC);
        return (u32)rdmsr(MSR_APIC_BASE) & APIC_BASE_X2APIC;)
ATTEMPT(id, return rdmsr(MSR_ID) == cpuid(1, 0).ebx >> 24;)
ATTEMPT(id_write, wrmsr(MSR_ID, 7);)
ATTEMPT(spurious, wrmsr(MSR_SPURIOUS, 0x1ff); return (u32)rdmsr(MSR_SPURIOUS);)
ATTEMPT(no_register, wrmsr(0x801, 0);)

static u32 nmi_to_self(void)
{
    u32 before = traps_seen[2];

    for (u32 i = 0; i < 3; i++) {
        wrmsr(MSR_COMMAND, rdmsr(MSR_ID) << 32 | COMMAND_NMI);
        for (volatile u32 wait = 0; wait < 20000; wait++)
            ;
    }
    return traps_seen[2] - before;
}

ATTEMPT(command_from_user, wrmsr(MSR_COMMAND, COMMAND_NMI);)
ATTEMPT(leave, wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) & ~(u64)APIC_BASE_X2APIC);)
ATTEMPT(off, u64 bits = APIC_BASE_X2APIC | APIC_BASE_ON;
        wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) & ~bits);)
ATTEMPT(same, wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE));)

static const struct row rows[] = {
    {"x2apic_before_id", before_id, "#GP(0x0)", KERNEL, ALWAYS},
    {"x2apic_before_command", before_command, "#GP(0x0)", KERNEL, ALWAYS},
    {"x2apic_on_ram", on_ram, "#GP(0x0)", KERNEL, ALWAYS},
    {"x2apic_enable_and_off", enable_and_off, "#GP(0x0)", KERNEL, ALWAYS},
    {"x2apic_enable", enable, "0x400", KERNEL, X2APIC},
    {"x2apic_id", id, "0x1", KERNEL, X2APIC},
    {"x2apic_id_write", id_write, "#GP(0x0)", KERNEL, X2APIC},
    {"x2apic_spurious", spurious, "0x1ff", KERNEL, X2APIC},
    {"x2apic_no_register", no_register, "#GP(0x0)", KERNEL, X2APIC},
    {"x2apic_nmi_to_self", nmi_to_self, "0x3", KERNEL, X2APIC},
    {"x2apic_command_from_user", command_from_user, "#GP(0x0)", USER, X2APIC},
    {"x2apic_leave", leave, "#GP(0x0)", KERNEL, X2APIC},
    {"x2apic_off", off, "#GP(0x0)", KERNEL, X2APIC},
    {"x2apic_same", same, "0x0", KERNEL, X2APIC},
};

const struct attempts attempts_x2apic = {rows, COUNT(rows)};
