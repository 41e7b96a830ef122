#include <hv/cpu/cpuid.h>
#include <hv/cpu/msr.h>
#include <hv/lib/string.h>
#include <hv/log/format.h>
#include <hv/vmx/features.h>
#include <hv/vmx/vmcs_fields.h>

/* One bit of a control word that is wanted, and the name it is missed under. */
struct wanted_control {
    u32 bit;
    const char *name;
    bool mirror_only;
};

struct control_word {
    u32 true_msr, old_msr; /* the TRUE register where IA32_VMX_BASIC bit 55 says so */
    size_t offset;         /* in struct vmx_controls */
    const struct wanted_control *wanted;
    size_t count;
};

static const struct wanted_control pin_wanted[] = {
    {PIN_NMI_EXITING, "NMI exiting", false},
    {PIN_VIRTUAL_NMIS, "virtual NMIs", false},
    {PIN_EXTERNAL_EXITING, "external-interrupt exiting", true},
};

static const struct wanted_control primary_wanted[] = {
    {PRIMARY_USE_IO_BITMAPS, "I/O bitmaps", false},
    {PRIMARY_USE_MSR_BITMAPS, "MSR bitmaps", false},
    {PRIMARY_MWAIT_EXITING, "MWAIT exiting", false},
    {PRIMARY_RDPMC_EXITING, "RDPMC exiting", false},
    {PRIMARY_MONITOR_EXITING, "MONITOR exiting", false},
    {PRIMARY_SECONDARY_CONTROLS, "secondary controls", false},
    {PRIMARY_INTERRUPT_WINDOW_EXITING, "interrupt-window exiting", true},
    {PRIMARY_HLT_EXITING, "HLT exiting", true},
    {PRIMARY_CR3_LOAD_EXITING, "CR3-load exiting", true},
    {PRIMARY_CR3_STORE_EXITING, "CR3-store exiting", true},
    {PRIMARY_INVLPG_EXITING, "INVLPG exiting", true},
};

static const struct wanted_control secondary_wanted[] = {
    {SECONDARY_EPT, "EPT", false},
    {SECONDARY_VPID, "VPID", false},
    {SECONDARY_UNRESTRICTED_GUEST, "unrestricted guest", false},
};

static const struct wanted_control exit_wanted[] = {
    /* An exit sets DR7 to 400 (SDM vol. 3C, 28.5.1): without these the guest loses its breakpoints.
     */
    {EXIT_SAVE_DEBUG, "debug control saving at exit", false},
    {EXIT_HOST_ADDRESS_SPACE, "64-bit host", false},
    {EXIT_ACKNOWLEDGE, "acknowledging interrupts at exit", true},
    {EXIT_SAVE_PAT | EXIT_LOAD_PAT, "PAT switching at exit", false},
    {EXIT_SAVE_EFER | EXIT_LOAD_EFER, "EFER switching at exit", false},
};

static const struct wanted_control entry_wanted[] = {
    {ENTRY_LOAD_DEBUG, "debug control loading at entry", false},
    {ENTRY_LOAD_PAT, "PAT loading at entry", false},
    {ENTRY_LOAD_EFER, "EFER loading at entry", false},
};

#define WORD(true_msr, old_msr, field, table)                                                      \
    {                                                                                              \
        true_msr, old_msr, offsetof(struct vmx_controls, field), table, ARRAY_LEN(table)           \
    }
static const struct control_word control_words[] = {
    WORD(MSR_VMX_TRUE_PINBASED, MSR_VMX_PINBASED_CTLS, pin, pin_wanted),
    WORD(MSR_VMX_TRUE_PROCBASED, MSR_VMX_PROCBASED_CTLS, primary, primary_wanted),
    WORD(MSR_VMX_PROCBASED_CTLS2, MSR_VMX_PROCBASED_CTLS2, secondary, secondary_wanted),
    WORD(MSR_VMX_TRUE_EXIT, MSR_VMX_EXIT_CTLS, exit, exit_wanted),
    WORD(MSR_VMX_TRUE_ENTRY, MSR_VMX_ENTRY_CTLS, entry, entry_wanted),
};

/* IA32_VMX_EPT_VPID_CAP, SDM vol. 3D, A.10. */
static const struct {
    u64 bit;
    const char *name;
} ept_vpid_needed[] = {
    {1ull << 6, "EPT 4-level walk"},
    {1ull << 14, "EPT write-back"},
    {1ull << 16, "EPT 2 MiB pages"},
    {1ull << 20 | 1ull << 25, "INVEPT single-context"},
    {1ull << 32 | 1ull << 40, "INVVPID individual-address"},
    {1ull << 41, "INVVPID single-context"},
    {1ull << 43, "INVVPID single-context retaining globals"},
};

static void miss(char *missing, size_t size, const char *name)
{
    size_t used = strlen(missing);

    format_append(missing, size, used, "%s%s", used > 0 ? ", " : "", name);
}

/* allowed0: bits that must be 1 (low half), allowed1: bits that may be 1 (high half). No
 * register, no bits: only that of the secondary controls may be missing. */
static u32 control_value(const struct control_word *word, bool use_true, bool mirrored,
                         char *missing, size_t size)
{
    u32 allowed0, allowed1, value = 0;
    u64 allowed;

    msr_try_read(use_true ? word->true_msr : word->old_msr, &allowed);
    allowed0 = (u32)allowed;
    allowed1 = (u32)(allowed >> 32);

    for (size_t i = 0; i < word->count; i++) {
        const struct wanted_control *wanted = &word->wanted[i];

        if (wanted->mirror_only && !mirrored)
            continue;
        value |= wanted->bit;
        if ((wanted->bit & ~allowed1) != 0)
            miss(missing, size, wanted->name);
    }
    return (value | allowed0) & allowed1;
}

static void check_controls(bool mirrored, struct vmx_controls *controls, char *missing, size_t size)
{
    bool use_true = (msr_read(MSR_VMX_BASIC) >> 55 & 1) != 0;

    for (size_t i = 0; i < ARRAY_LEN(control_words); i++) {
        const struct control_word *word = &control_words[i];
        u32 *value = (u32 *)((char *)controls + word->offset);

        *value = control_value(word, use_true, mirrored, missing, size);
    }
    controls->has_preemption_timer =
        (msr_read(use_true ? MSR_VMX_TRUE_PINBASED : MSR_VMX_PINBASED_CTLS) >> 32 &
         PIN_PREEMPTION_TIMER) != 0;
}

static void check_ept_vpid(const struct vmx_controls *controls, char *missing, size_t size)
{
    u64 cap;

    if ((controls->secondary & (SECONDARY_EPT | SECONDARY_VPID)) == 0)
        return;
    cap = msr_read(MSR_VMX_EPT_VPID_CAP);
    for (size_t i = 0; i < ARRAY_LEN(ept_vpid_needed); i++) {
        if ((cap & ept_vpid_needed[i].bit) != ept_vpid_needed[i].bit)
            miss(missing, size, ept_vpid_needed[i].name);
    }
}

/* Sets lock and VMXON in IA32_FEATURE_CONTROL when unlocked. False when locked without VMXON. */
static bool enable_feature_control(void)
{
    u64 value = msr_read(MSR_FEATURE_CONTROL);

    if ((value & FEATURE_CONTROL_LOCK) != 0)
        return (value & FEATURE_CONTROL_VMXON) != 0;
    msr_write(MSR_FEATURE_CONTROL, value | FEATURE_CONTROL_LOCK | FEATURE_CONTROL_VMXON);
    return true;
}

bool vmx_features_check(bool mirrored, struct vmx_controls *controls, char *missing, size_t size)
{
    missing[0] = '\0';
    memset(controls, 0, sizeof(*controls));
    if ((cpuid(1, 0).ecx & CPUID1_ECX_VMX) == 0) {
        miss(missing, size, "VMX (CPUID.1:ECX.VMX)");
        return false;
    }
    check_controls(mirrored, controls, missing, size);
    check_ept_vpid(controls, missing, size);
    if (!enable_feature_control())
        miss(missing, size, "VMXON (locked off in IA32_FEATURE_CONTROL by the firmware)");
    return missing[0] == '\0';
}
