/* Model-specific registers: numbers (SDM vol. 4) and accesses that survive a fault. */
#ifndef HV_CPU_MSR_H
#define HV_CPU_MSR_H

#include <hv/types.h>

#define MSR_APIC_BASE           0x1b
#define MSR_FEATURE_CONTROL     0x3a
#define MSR_BIOS_UPDATE_TRIGGER 0x79
#define MSR_BIOS_SIGN_ID        0x8b
#define MSR_TSC_ADJUST          0x3b
#define MSR_MTRRCAP             0xfe
#define MSR_SYSENTER_CS         0x174
#define MSR_SYSENTER_ESP        0x175
#define MSR_SYSENTER_EIP        0x176
#define MSR_MCG_CAP             0x179
#define MSR_MCG_STATUS          0x17a
#define MSR_MCG_CTL             0x17b
#define MSR_MISC_ENABLE         0x1a0
#define MSR_DEBUGCTL            0x1d9
#define MSR_PAT                 0x277
#define MSR_MTRR_DEF_TYPE       0x2ff
#define MSR_MC0_CTL             0x400 /* four registers a bank */
#define MSR_MC0_STATUS          0x401
#define MSR_MC0_ADDR            0x402
#define MSR_MC0_MISC            0x403
#define MSR_TSC                 0x10
#define MSR_TSC_DEADLINE        0x6e0
#define MSR_X2APIC              0x800 /* SDM vol. 3A, table 11-6 */
#define MSR_X2APIC_END          0x840
#define MSR_X2APIC_COMMAND      0x830
#define MSR_EFER                0xc0000080
#define MSR_STAR                0xc0000081
#define MSR_LSTAR               0xc0000082
#define MSR_CSTAR               0xc0000083
#define MSR_FMASK               0xc0000084
#define MSR_FS_BASE             0xc0000100
#define MSR_GS_BASE             0xc0000101
#define MSR_KERNEL_GS_BASE      0xc0000102

#define MSR_VMX_BASIC           0x480
#define MSR_VMX_PINBASED_CTLS   0x481
#define MSR_VMX_PROCBASED_CTLS  0x482
#define MSR_VMX_EXIT_CTLS       0x483
#define MSR_VMX_ENTRY_CTLS      0x484
#define MSR_VMX_MISC            0x485
#define MSR_VMX_CR0_FIXED0      0x486
#define MSR_VMX_CR0_FIXED1      0x487
#define MSR_VMX_CR4_FIXED0      0x488
#define MSR_VMX_CR4_FIXED1      0x489
#define MSR_VMX_PROCBASED_CTLS2 0x48b
#define MSR_VMX_EPT_VPID_CAP    0x48c
#define MSR_VMX_TRUE_PINBASED   0x48d
#define MSR_VMX_TRUE_PROCBASED  0x48e
#define MSR_VMX_TRUE_EXIT       0x48f
#define MSR_VMX_TRUE_ENTRY      0x490

#define APIC_BASE_X2APIC      (1ull << 10)
#define FEATURE_CONTROL_LOCK  (1ull << 0)
#define FEATURE_CONTROL_VMXON (1ull << 2) /* VMX outside SMX */

static inline u64 msr_read(u32 msr)
{
    u32 low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
    return (u64)high << 32 | low;
}

static inline void msr_write(u32 msr, u64 value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "a"((u32)value), "d"((u32)(value >> 32)) : "memory");
}

/* As above; false when the processor answers with #GP. */
bool msr_try_read(u32 msr, u64 *value);
bool msr_try_write(u32 msr, u64 value);

/* XSETBV of XCR0; false when the processor answers with #GP. */
bool xcr_try_write(u32 index, u64 value);

#endif
