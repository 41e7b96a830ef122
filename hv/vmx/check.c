#include <hv/vmx/check.h>

#define UNUSABLE (1u << 16)
#define CR0_PE   1u
#define CR0_PG   (1u << 31)
#define EFER_LMA (1u << 10)

/* Bits that must be set and bits that must be clear. Of an unusable data segment nothing is
 * checked. */
struct rule {
    enum vmcs_field field;
    u64 set, clear;
    const char *text;
    bool data_segment;
};
#define DATA_SEGMENT(name)                                                                         \
    {                                                                                              \
        VMCS_GUEST_##name##_ACCESS_RIGHTS, 0x91, 0xfffe0f00, SEGMENT_RULE ", accessed", true       \
    }

#define PAGE_ALIGNED 0xfffull
#define SELECTOR_LOW 7ull /* TI and RPL */
#define SEGMENT_RULE "27.3.1.2: S and P set, reserved bits clear"

static const struct rule rules[] = {
    {VMCS_PIN_BASED_CONTROLS, 0x16, 0xffffff00, "27.2.1.1: reserved bits", false},
    {VMCS_IO_BITMAP_A, 0, PAGE_ALIGNED, "27.2.1.1: bits 11:0 clear", false},
    {VMCS_IO_BITMAP_B, 0, PAGE_ALIGNED, "27.2.1.1: bits 11:0 clear", false},
    {VMCS_MSR_BITMAPS, 0, PAGE_ALIGNED, "27.2.1.1: bits 11:0 clear", false},
    {VMCS_EPT_POINTER, 0x1e, 0xfe1, "27.2.1.1: write-back, 4 levels, reserved bits clear", false},
    {VMCS_CR3_TARGET_COUNT, 0, ~7ull, "27.2.1.1: at most 4", false},
    {VMCS_ENTRY_INTERRUPTION_INFO, 0, 0x7ffff000, "27.2.1.3: bits 30:12 clear", false},
    {VMCS_HOST_ES_SELECTOR, 0, SELECTOR_LOW, "27.2.3: TI and RPL clear", false},
    {VMCS_HOST_CS_SELECTOR, 0x8, SELECTOR_LOW, "27.2.3: TI and RPL clear, not null", false},
    {VMCS_HOST_SS_SELECTOR, 0, SELECTOR_LOW, "27.2.3: TI and RPL clear", false},
    {VMCS_HOST_DS_SELECTOR, 0, SELECTOR_LOW, "27.2.3: TI and RPL clear", false},
    {VMCS_HOST_TR_SELECTOR, 0x18, SELECTOR_LOW, "27.2.3: TI and RPL clear, not null", false},
    {VMCS_HOST_CR0, 0x80000021, 0, "27.2.2: IA32_VMX_CR0_FIXED0", false},
    {VMCS_HOST_CR4, 0x2020, 0, "27.2.2, 27.2.4: VMXE and PAE set", false},
    {VMCS_HOST_EFER, 0x500, 0, "27.2.2: LMA and LME set", false},
    {VMCS_GUEST_CR0, 0x20, 0, "27.3.1.1: IA32_VMX_CR0_FIXED0", false},
    {VMCS_GUEST_CR4, 0x2000, 0xff000000, "27.3.1.1: IA32_VMX_CR4_FIXED0, FIXED1", false},
    {VMCS_GUEST_CS_ACCESS_RIGHTS, 0x91, 0xfffe0f00, SEGMENT_RULE ", accessed", false},
    DATA_SEGMENT(SS),
    DATA_SEGMENT(DS),
    DATA_SEGMENT(ES),
    DATA_SEGMENT(FS),
    DATA_SEGMENT(GS),
    {VMCS_GUEST_TR_ACCESS_RIGHTS, 0x83, 0xffff0f10, "27.3.1.2: usable, busy TSS, S clear", false},
    {VMCS_GUEST_GDTR_LIMIT, 0, 0xffff0000, "27.3.1.3: bits 31:16 clear", false},
    {VMCS_GUEST_IDTR_LIMIT, 0, 0xffff0000, "27.3.1.3: bits 31:16 clear", false},
    {VMCS_GUEST_RFLAGS, 0x2, 0xffffffffffc08028, "27.3.1.4: bit 1 set, reserved bits clear", false},
    {VMCS_GUEST_ACTIVITY_STATE, 0, ~3ull, "27.3.1.5: at most 3", false},
    {VMCS_GUEST_INTERRUPTIBILITY, 0, 0xffffffe0, "27.3.1.5: reserved bits clear", false},
    {VMCS_GUEST_PENDING_DEBUG, 0, 0xfffffffffffeaff0, "27.3.1.5: reserved bits clear", false},
    {VMCS_VMCS_LINK_POINTER, ~0ull, 0, "27.3.1.5: all ones", false},
    {VMCS_GUEST_DR7, 0, 0xffffffff00000000, "27.3.1.1: bits 63:32 clear", false},
};

static bool breaks(const struct rule *rule, u64 value)
{
    if (rule->data_segment && (value & UNUSABLE))
        return false;
    return (value & rule->set) != rule->set || (value & rule->clear) != 0;
}

/* Rules of more than one field. */
static struct entry_fault check_modes(u64 (*read)(enum vmcs_field field))
{
    u64 cr0 = read(VMCS_GUEST_CR0), efer = read(VMCS_GUEST_EFER);
    bool long_mode = (read(VMCS_ENTRY_CONTROLS) & ENTRY_IA32E_MODE) != 0;

    if ((cr0 & CR0_PG) && !(cr0 & CR0_PE))
        return (struct entry_fault){VMCS_GUEST_CR0, cr0, "27.3.1.1: PG needs PE"};
    if (((efer & EFER_LMA) != 0) != long_mode)
        return (struct entry_fault){VMCS_GUEST_EFER, efer,
                                    "27.3.1.1: LMA as the entry control says"};
    if (long_mode && !(cr0 & CR0_PG))
        return (struct entry_fault){VMCS_GUEST_CR0, cr0, "27.3.1.1: IA-32e mode needs PG"};
    return (struct entry_fault){0};
}

struct entry_fault vmx_check_entry(u64 (*read)(enum vmcs_field field))
{
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        u64 value = read(rules[i].field);

        if (breaks(&rules[i], value))
            return (struct entry_fault){rules[i].field, value, rules[i].text};
    }
    return check_modes(read);
}

const char *vmx_error_name(u64 error)
{
    static const char *const names[] = {
        [3] = "VMCLEAR with VMXON pointer",
        [4] = "VMLAUNCH with non-clear VMCS",
        [5] = "VMRESUME with non-launched VMCS",
        [6] = "VMRESUME after VMXOFF",
        [7] = "VM entry with invalid control field(s)",
        [8] = "VM entry with invalid host-state field(s)",
        [26] = "VM entry with events blocked by MOV SS",
    };

    return error < ARRAY_LEN(names) && names[error] != NULL ? names[error] : "unknown";
}
