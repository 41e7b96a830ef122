#include <hv/cpu/cpuid.h>
#include <hv/cpu/exceptions.h>
#include <hv/cpu/msr.h>
#include <hv/exit/handlers.h>
#include <hv/lib/string.h>

/* The 4 KiB bitmap: reads of low and high MSRs, then writes of low and high ones, 1 KiB each (SDM
 * vol. 3C, 25.6.9). */
enum { READ_LOW = 0, READ_HIGH = 1024, WRITE_LOW = 2048, WRITE_HIGH = 3072 };
#define MSR_HIGH_BASE 0xc0000000u

/* Registers that the processor keeps apart for the guest or that do no harm. */
static const u32 passed[] = {MSR_TSC,          MSR_TSC_ADJUST,   MSR_SYSENTER_CS, MSR_SYSENTER_ESP,
                             MSR_SYSENTER_EIP, MSR_TSC_DEADLINE, MSR_PAT};
static const u32 readable[] = {MSR_APIC_BASE, MSR_MISC_ENABLE};

/* Passed, too, for guests in long mode; the processor switches the first three. */
static const u32 passed_unmirrored[] = {MSR_EFER,  MSR_FS_BASE, MSR_GS_BASE, MSR_STAR,
                                        MSR_LSTAR, MSR_CSTAR,   MSR_FMASK,   MSR_KERNEL_GS_BASE};

/* Reads that are answered here. */
static const struct {
    u32 msr;
    u64 value;
} emulated_reads[] = {
    {MSR_FEATURE_CONTROL, FEATURE_CONTROL_LOCK}, /* no VMX for the guest */
    /* the newest microcode there can be: nothing to update */
    {MSR_BIOS_SIGN_ID, 0xffffffffull << 32},
    {MSR_MTRRCAP, 0}, /* memory types are ours: no ranges, RAM is write-back */
    {MSR_MTRR_DEF_TYPE, 0x806},
    {MSR_DEBUGCTL, 0},
    {MSR_MCG_CAP, 0}, /* no machine-check banks */
    {MSR_MCG_STATUS, 0},
    {MSR_EFER, 0},
};

/* Writes that are swallowed: a microcode update would stall the machine, the others change nothing
 * for the guest. */
static const u32 swallowed_writes[] = {MSR_BIOS_UPDATE_TRIGGER, MSR_BIOS_SIGN_ID, MSR_MCG_STATUS,
                                       MSR_MTRR_DEF_TYPE};

static void pass(u8 *bitmap, const u32 *msrs, size_t count, bool write)
{
    for (size_t i = 0; i < count; i++) {
        bool high = msrs[i] >= MSR_HIGH_BASE;
        u32 index = high ? msrs[i] - MSR_HIGH_BASE : msrs[i];
        u8 others = (u8) ~(1u << index % 8);

        bitmap[(high ? READ_HIGH : READ_LOW) + index / 8] &= others;
        if (write)
            bitmap[(high ? WRITE_HIGH : WRITE_LOW) + index / 8] &= others;
    }
}

void msr_policy_fill(u8 *bitmap, bool mirrored)
{
    bool has_x2apic = (cpuid(1, 0).ecx & CPUID1_ECX_X2APIC) != 0;

    memset(bitmap, 0xff, PAGE_SIZE);
    pass(bitmap, passed, ARRAY_LEN(passed), true);
    pass(bitmap, readable, ARRAY_LEN(readable), false);
    for (u32 msr = MSR_X2APIC; msr < MSR_X2APIC_END && has_x2apic; msr++)
        pass(bitmap, &msr, 1, msr != MSR_X2APIC_COMMAND);
    if (!mirrored)
        pass(bitmap, passed_unmirrored, ARRAY_LEN(passed_unmirrored), true);
}

/* WHY: what is not on the list above is denied by default. */
enum exit_result exit_msr_read(struct vcpu *vcpu)
{
    u32 msr = (u32)vcpu_gpr(vcpu, REG_RCX);

    for (size_t i = 0; i < ARRAY_LEN(emulated_reads); i++) {
        if (emulated_reads[i].msr != msr)
            continue;
        vcpu_set_gpr(vcpu, REG_RAX, (u32)emulated_reads[i].value);
        vcpu_set_gpr(vcpu, REG_RDX, (u32)(emulated_reads[i].value >> 32));
        vcpu_skip_instruction(vcpu);
        return EXIT_RESUME;
    }
    return vcpu_inject(vcpu, VECTOR_GP, true, 0);
}

/* The local APIC stays where it is and on: elsewhere it would lie over RAM, and off it would take
 * our own interrupts. The guest may have it in x2APIC mode. */
static bool is_written(const struct vcpu *vcpu, u32 msr, u64 value)
{
    u64 base = msr_read(MSR_APIC_BASE);

    for (size_t i = 0; i < ARRAY_LEN(swallowed_writes); i++) {
        if (swallowed_writes[i] == msr)
            return true;
    }
    if (msr == MSR_APIC_BASE)
        return ((value ^ base) & ~APIC_BASE_X2APIC) == 0 && msr_try_write(msr, value);
    return msr == MSR_X2APIC_COMMAND && (base & APIC_BASE_X2APIC) != 0 &&
           apic_write_command(vcpu, value);
}

enum exit_result exit_msr_write(struct vcpu *vcpu)
{
    u64 value = vcpu_gpr(vcpu, REG_RDX) << 32 | (u32)vcpu_gpr(vcpu, REG_RAX);

    if (!is_written(vcpu, (u32)vcpu_gpr(vcpu, REG_RCX), value))
        return vcpu_inject(vcpu, VECTOR_GP, true, 0);
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}
