/* Control registers, extended state, MSRs and CPUID. */
#include "attack.h"

/* Control registers. */
#define CR4_VMXE    (1u << 13)
#define CR4_MCE     (1u << 6)
#define CR4_OSXSAVE (1u << 18)
ATTEMPT(cr4_vmxe_read, return cr4_read() & CR4_VMXE;)
ATTEMPT(cr4_vmxe, cr4_write(cr4_read() | CR4_VMXE);)
ATTEMPT(cr4_smxe, cr4_write(cr4_read() | 1u << 14);)
ATTEMPT(cr4_la57, cr4_write(cr4_read() | 1u << 12);)
ATTEMPT(cr4_pcide, cr4_write(cr4_read() | 1u << 17);)
ATTEMPT(cr4_pke, cr4_write(cr4_read() | 1u << 22);)
ATTEMPT(cr4_cet, cr4_write(cr4_read() | 1u << 23);)
ATTEMPT(cr4_bit19, cr4_write(cr4_read() | 1u << 19);)
ATTEMPT(cr4_bit31, cr4_write(cr4_read() | 1u << 31);)
ATTEMPT(cr4_unchanged, u32 before = cr4_read(); attempt(cr4_vmxe); return before ^ cr4_read();)
ATTEMPT(cr4_mce_off, cr4_write(cr4_read() & ~CR4_MCE); return cr4_read() & CR4_MCE;)
ATTEMPT(cr4_mce_on, cr4_write(cr4_read() | CR4_MCE); u32 seen = cr4_read() & CR4_MCE;
        cr4_write(cr4_read() & ~CR4_MCE); return seen;)
ATTEMPT(cr0_nw, cr0_write((cr0_read() | 1u << 29) & ~(1u << 30));)
ATTEMPT(cr0_pg_without_pe, cr0_write(0x80000010);)
ATTEMPT(cr0_reserved, cr0_write(cr0_read() | 1u << 6); return cr0_read() & 1u << 6;)
ATTEMPT(cr0_ne, u32 before = cr0_read(); cr0_write(before | 0x20); u32 set = cr0_read() & 0x20;
        cr0_write(before & ~0x20u); u32 cleared = cr0_read() & 0x20; cr0_write(before);
        return set | cleared << 8;)
ATTEMPT(cr3_own, return cr3_read() ^ (u32)page_directory;)

/* Extended state. */
static u32 xsetbv(u32 index, u32 low, u32 high)
{
    __asm__ volatile("xsetbv" : : "c"(index), "a"(low), "d"(high));
    return 0;
}
static u32 with_osxsave(u32 index, u32 low, u32 high)
{
    cr4_write(cr4_read() | CR4_OSXSAVE);
    return xsetbv(index, low, high);
}
ATTEMPT(xsetbv_hidden, cr4_write(cr4_read() & ~CR4_OSXSAVE); return xsetbv(0, 1, 0);)
ATTEMPT(xcr0_none, return with_osxsave(0, 0, 0);)
ATTEMPT(xcr0_avx_alone, return with_osxsave(0, 5, 0);)
ATTEMPT(xcr0_high, return with_osxsave(0, 7, 0x80000000);)
ATTEMPT(xcr1, return with_osxsave(1, 1, 0);)
ATTEMPT(xcr_huge, return with_osxsave(0xffffffff, 1, 0);)
ATTEMPT(xcr0_good, with_osxsave(0, 7, 0); u32 low; __asm__ volatile("xgetbv"
                                                                    : "=a"(low)
                                                                    : "c"(0)
                                                                    : "edx");
        return low;)
ATTEMPT(xsetbv_user, return xsetbv(0, 7, 0);)
ATTEMPT(osxsave_shown, return cpuid(1, 0).ecx & 1u << 27;)

/* Model-specific registers. */
#define MSR_APIC_BASE               0x1b
#define MSR_PAT                     0x277
#define MSR_EFER                    0xc0000080
#define READ_MSR(name, msr)         ATTEMPT(name, return (u32)rdmsr(msr);)
#define READ_MSR_HIGH(name, msr)    ATTEMPT(name, return (u32)(rdmsr(msr) >> 32);)
#define WRITE_MSR(name, msr, value) ATTEMPT(name, wrmsr(msr, value);)
READ_MSR(msr_unknown, 0x12345)
READ_MSR(msr_hyperv, 0x40000000)
READ_MSR(msr_high_unknown, 0xc0001fff)
READ_MSR(msr_beyond, 0xffffffff)
READ_MSR(feature_control, 0x3a)
WRITE_MSR(feature_control_write, 0x3a, 5)
READ_MSR(vmx_basic, 0x480)
READ_MSR(vmx_true_entry, 0x490)
READ_MSR(vmx_ept_cap, 0x48c)
WRITE_MSR(vmx_basic_write, 0x480, 0)
WRITE_MSR(microcode_update, 0x79, 0x1000)
READ_MSR_HIGH(microcode_version, 0x8b)
READ_MSR(smrr_base, 0x1f2)
READ_MSR(smm_monitor, 0x9b)
READ_MSR(smi_count, 0x34)
READ_MSR(mtrr_cap, 0xfe)
READ_MSR(mtrr_base, 0x200)
WRITE_MSR(mtrr_base_write, 0x200, 0)
WRITE_MSR(pat_bad, MSR_PAT, 2)
WRITE_MSR(efer_reserved, MSR_EFER, 1u << 1)
WRITE_MSR(efer_long_mode, MSR_EFER, 1u << 8)
READ_MSR(efer, MSR_EFER)
WRITE_MSR(lstar, 0xc0000082, 0)
WRITE_MSR(apic_on_ram, MSR_APIC_BASE, 0x100900)
WRITE_MSR(apic_off, MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) & ~0x800ull)
WRITE_MSR(apic_same, MSR_APIC_BASE, rdmsr(MSR_APIC_BASE))
READ_MSR(performance_counter, 0xc1)
READ_MSR(performance_global, 0x38f)
READ_MSR(debug_store, 0x600)
READ_MSR(machine_check_bank, 0x401)
READ_MSR(power_limit, 0x610)
READ_MSR(xss, 0xda0)
WRITE_MSR(smi_trigger, 0x9e, 1)
ATTEMPT(tsc_write, wrmsr(0x10, 1ull << 40); u32 high = (u32)(rdmsr(0x10) >> 32);
        return high & 0xffffff00;)
ATTEMPT(tsc_adjust, u64 before = rdmsr(0x3b); wrmsr(0x3b, before + (1ull << 40));
        u64 after = rdmsr(0x3b); wrmsr(0x3b, before); return (u32)((after - before) >> 40);)

/* CPUID. */
ATTEMPT(cpuid_vmx, return cpuid(1, 0).ecx & (1u << 5 | 1u << 6);)
ATTEMPT(cpuid_hypervisor, return cpuid(1, 0).ecx >> 31;)
ATTEMPT(cpuid_signature, return cpuid(0x40000000, 0).ebx;)
ATTEMPT(cpuid_monitor, return cpuid(1, 0).ecx & 1u << 3;)
ATTEMPT(cpuid_monitor_leaf, struct cpuid r = cpuid(5, 0); return r.eax | r.ebx | r.ecx | r.edx;)
ATTEMPT(cpuid_perfmon, struct cpuid r = cpuid(10, 0); return r.eax | r.ebx | r.ecx | r.edx;)
ATTEMPT(cpuid_invpcid, return cpuid(7, 0).ebx & (1u << 2 | 1u << 10);)
ATTEMPT(cpuid_xsaves, return cpuid(13, 1).eax & 1u << 3;)

static const struct row rows[] = {
    /* control registers */
    {"cr4_vmxe_read", cr4_vmxe_read, "0x0", KERNEL, ALWAYS},
    {"cr4_vmxe", cr4_vmxe, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_smxe", cr4_smxe, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_la57", cr4_la57, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_pcide", cr4_pcide, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_pke", cr4_pke, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_cet", cr4_cet, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_bit19", cr4_bit19, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_bit31", cr4_bit31, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_unchanged", cr4_unchanged, "0x0", KERNEL, ALWAYS},
    {"cr4_mce_off", cr4_mce_off, "0x0", KERNEL, ALWAYS},
    {"cr4_mce_on", cr4_mce_on, "0x40", KERNEL, ALWAYS},
    {"cr0_nw", cr0_nw, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr0_pg_without_pe", cr0_pg_without_pe, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr0_reserved", cr0_reserved, "0x0", KERNEL, ALWAYS},
    {"cr0_ne", cr0_ne, "0x20", KERNEL, ALWAYS},
    {"cr3_own", cr3_own, "0x0", KERNEL, ALWAYS},
    /* extended state */
    {"xsetbv_hidden", xsetbv_hidden, "#UD", KERNEL, ALWAYS},
    {"xcr0_none", xcr0_none, "#GP(0x0)", KERNEL, ALWAYS},
    {"xcr0_avx_alone", xcr0_avx_alone, "#GP(0x0)", KERNEL, ALWAYS},
    {"xcr0_high", xcr0_high, "#GP(0x0)", KERNEL, ALWAYS},
    {"xcr1", xcr1, "#GP(0x0)", KERNEL, ALWAYS},
    {"xcr_huge", xcr_huge, "#GP(0x0)", KERNEL, ALWAYS},
    {"xcr0_good", xcr0_good, "0x7", KERNEL, ALWAYS},
    {"xsetbv_user", xsetbv_user, "#GP(0x0)", USER, ALWAYS},
    {"osxsave_shown", osxsave_shown, "0x8000000", KERNEL, ALWAYS},
    /* MSRs */
    {"msr_unknown", msr_unknown, "#GP(0x0)", KERNEL, ALWAYS},
    {"msr_hyperv", msr_hyperv, "#GP(0x0)", KERNEL, ALWAYS},
    {"msr_high_unknown", msr_high_unknown, "#GP(0x0)", KERNEL, ALWAYS},
    {"msr_beyond", msr_beyond, "#GP(0x0)", KERNEL, ALWAYS},
    {"msr_unknown", msr_unknown, "#GP(0x0)", USER, ALWAYS},
    {"feature_control", feature_control, "0x1", KERNEL, ALWAYS},
    {"feature_control_write", feature_control_write, "#GP(0x0)", KERNEL, ALWAYS},
    {"vmx_basic", vmx_basic, "#GP(0x0)", KERNEL, ALWAYS},
    {"vmx_true_entry", vmx_true_entry, "#GP(0x0)", KERNEL, ALWAYS},
    {"vmx_ept_cap", vmx_ept_cap, "#GP(0x0)", KERNEL, ALWAYS},
    {"vmx_basic_write", vmx_basic_write, "#GP(0x0)", KERNEL, ALWAYS},
    {"microcode_update", microcode_update, "0x0", KERNEL, ALWAYS},
    {"microcode_version", microcode_version, "0xffffffff", KERNEL, ALWAYS},
    {"smrr_base", smrr_base, "#GP(0x0)", KERNEL, ALWAYS},
    {"smm_monitor", smm_monitor, "#GP(0x0)", KERNEL, ALWAYS},
    {"smi_count", smi_count, "#GP(0x0)", KERNEL, ALWAYS},
    {"mtrr_cap", mtrr_cap, "0x0", KERNEL, ALWAYS},
    {"mtrr_base", mtrr_base, "#GP(0x0)", KERNEL, ALWAYS},
    {"mtrr_base_write", mtrr_base_write, "#GP(0x0)", KERNEL, ALWAYS},
    {"pat_bad", pat_bad, "#GP(0x0)", KERNEL, ALWAYS},
    {"efer_reserved", efer_reserved, "#GP(0x0)", KERNEL, ALWAYS},
    {"efer_long_mode", efer_long_mode, "#GP(0x0)", KERNEL, MIRRORED},
    {"efer", efer, "0x0", KERNEL, MIRRORED},
    {"lstar", lstar, "#GP(0x0)", KERNEL, MIRRORED},
    {"apic_on_ram", apic_on_ram, "#GP(0x0)", KERNEL, ALWAYS},
    {"apic_off", apic_off, "#GP(0x0)", KERNEL, ALWAYS},
    {"apic_same", apic_same, "0x0", KERNEL, ALWAYS},
    {"performance_counter", performance_counter, "#GP(0x0)", KERNEL, ALWAYS},
    {"performance_global", performance_global, "#GP(0x0)", KERNEL, ALWAYS},
    {"debug_store", debug_store, "#GP(0x0)", KERNEL, ALWAYS},
    {"machine_check_bank", machine_check_bank, "#GP(0x0)", KERNEL, ALWAYS},
    {"power_limit", power_limit, "#GP(0x0)", KERNEL, ALWAYS},
    {"xss", xss, "#GP(0x0)", KERNEL, ALWAYS},
    {"smi_trigger", smi_trigger, "#GP(0x0)", KERNEL, ALWAYS},
    {"tsc_write", tsc_write, "0x100", KERNEL, ALWAYS},
    {"tsc_adjust", tsc_adjust, "0x1", KERNEL, TSC_ADJUST},
    /* CPUID */
    {"cpuid_vmx", cpuid_vmx, "0x0", KERNEL, ALWAYS},
    {"cpuid_hypervisor", cpuid_hypervisor, "0x1", KERNEL, ALWAYS},
    {"cpuid_signature", cpuid_signature, "0x4d454d4b", KERNEL, ALWAYS},
    {"cpuid_monitor", cpuid_monitor, "0x0", KERNEL, ALWAYS},
    {"cpuid_monitor_leaf", cpuid_monitor_leaf, "0x0", KERNEL, ALWAYS},
    {"cpuid_perfmon", cpuid_perfmon, "0x0", KERNEL, ALWAYS},
    {"cpuid_invpcid", cpuid_invpcid, "0x0", KERNEL, ALWAYS},
    {"cpuid_xsaves", cpuid_xsaves, "0x0", KERNEL, ALWAYS},
};

const struct attempts attempts_registers = {rows, COUNT(rows)};
