#include <hv/cpu/cpuid.h>
#include <hv/cpu/descriptors.h>
#include <hv/cpu/exceptions.h>
#include <hv/cpu/msr.h>
#include <hv/cpu/processor.h>
#include <hv/exit/handlers.h>
#include <hv/log/log.h>
#include <hv/mm/phys.h>
#include <hv/mm/tlb.h>
#include <hv/vcpu/others.h>
#include <hv/vmx/backend.h>
#include <hv/vmx/vmx.h>

#define MULTIBOOT_MAGIC 0x2badb002u

#define ACCESS_RIGHTS_DATA32 0xc093u
#define ACCESS_RIGHTS_TSS32  0x008bu
#define ACCESS_RIGHTS_DATA16 0x0093u
#define TYPE_CODE            0x0008u
#define FLAT_LIMIT           0xffffffffu
#define REAL_MODE_LIMIT      0xffffu

struct field_value {
    enum vmcs_field field;
    u64 value;
};

static bool write_all(const struct field_value *table, size_t count)
{
    bool ok = true;

    for (size_t i = 0; i < count; i++) {
        bool written = vmcs_try_write(table[i].field, table[i].value);

        if (!written)
            log_event("vmcs_write_failed", "field=0x%x value=0x%lx", (unsigned)table[i].field,
                      table[i].value);
        ok &= written;
    }
    return ok;
}

/* SDM vol. 3C, 24.11.5 and 25.2: regions begin with the revision identifier. */
static bool alloc_region(struct vm *vm, hpa_t *region)
{
    if (!frame_alloc(&vm->heap, region))
        return false;
    *(u32 *)phys_ptr(*region) = (u32)msr_read(MSR_VMX_BASIC) & 0x7fffffff;
    return true;
}

/* SDM vol. 3C, 24.8: CR0 and CR4 must satisfy the fixed-bit MSRs in VMX operation. */
static void fix_control_registers(void)
{
    cr0_write((cr0_read() | msr_read(MSR_VMX_CR0_FIXED0)) & msr_read(MSR_VMX_CR0_FIXED1));
    /* OSXSAVE: the guest's XSETBV is done here. */
    cr4_write((cr4_read() | msr_read(MSR_VMX_CR4_FIXED0) | CR4_VMXE | CR4_MCE | CR4_OSXSAVE) &
              msr_read(MSR_VMX_CR4_FIXED1));
}

static int enter_root(struct vm *vm)
{
    hpa_t vmxon_region, vmcs;

    if (!alloc_region(vm, &vmxon_region) || !alloc_region(vm, &vmcs))
        return -HV_ENOMEM;
    fix_control_registers();
    exceptions_start_mce();
    if (!vmx_on(vmxon_region) || !vmx_clear(vmcs) || !vmx_load(vmcs)) {
        log_event("vmx_failed", "step=vmxon");
        return -HV_EIO;
    }
    return 0;
}

/* The same for all processors. */
static struct {
    hpa_t io[2], msr;
} bitmaps;

static int alloc_bitmaps(struct vm *vm)
{
    if (!frame_alloc_block(&vm->heap, 2, &bitmaps.io[0]) || !frame_alloc(&vm->heap, &bitmaps.msr))
        return -HV_ENOMEM;
    bitmaps.io[1] = HPA(bitmaps.io[0].v + PAGE_SIZE);
    io_policy_fill(phys_ptr(bitmaps.io[0]));
    msr_policy_fill(phys_ptr(bitmaps.msr), vm->mirrored);
    return 0;
}

static bool write_controls(struct vcpu *vcpu, const struct vmx_controls *controls)
{
    u32 exceptions = 1u << VECTOR_AC | 1u << VECTOR_DB | 1u << VECTOR_MC;

    /* Mirror tables may lag behind the guest's until a fault tells. */
    if (vcpu->vm->mirrored)
        exceptions |= 1u << VECTOR_PF;

    const struct field_value table[] = {
        {VMCS_PIN_BASED_CONTROLS, controls->pin},
        {VMCS_PRIMARY_CONTROLS, controls->primary},
        {VMCS_SECONDARY_CONTROLS, controls->secondary},
        {VMCS_EXIT_CONTROLS, controls->exit},
        {VMCS_ENTRY_CONTROLS, controls->entry},
        {VMCS_EXCEPTION_BITMAP, exceptions},
        {VMCS_PAGE_FAULT_ERROR_MASK, 0},
        {VMCS_PAGE_FAULT_ERROR_MATCH, 0},
        {VMCS_CR3_TARGET_COUNT, 0},
        {VMCS_EXIT_MSR_STORE_COUNT, 0},
        {VMCS_EXIT_MSR_LOAD_COUNT, 0},
        {VMCS_ENTRY_MSR_LOAD_COUNT, 0},
        {VMCS_ENTRY_INTERRUPTION_INFO, 0},
        {VMCS_IO_BITMAP_A, bitmaps.io[0].v},
        {VMCS_IO_BITMAP_B, bitmaps.io[1].v},
        {VMCS_MSR_BITMAPS, bitmaps.msr.v},
        {VMCS_EPT_POINTER, ept_pointer(&vcpu->vm->ept)},
        {VMCS_VIRTUAL_PROCESSOR_ID, VMX_GUEST_VPID},
        {VMCS_VMCS_LINK_POINTER, ~0ull},
    };
    vcpu->primary = controls->primary;
    vcpu->pin = controls->pin;
    vcpu->waiting = true; /* the first entry finds out which windows have to exit: none yet */
    vcpu->has_preemption_timer = controls->has_preemption_timer;
    vcpu->preemption_timer_shift = msr_read(MSR_VMX_MISC) & 0x1f;
    return write_all(table, ARRAY_LEN(table));
}

static bool write_host_state(void)
{
    const struct processor *self = processor_self();
    const struct field_value table[] = {
        {VMCS_HOST_ES_SELECTOR, SELECTOR_DATA},
        {VMCS_HOST_CS_SELECTOR, SELECTOR_CODE},
        {VMCS_HOST_SS_SELECTOR, SELECTOR_DATA},
        {VMCS_HOST_DS_SELECTOR, SELECTOR_DATA},
        {VMCS_HOST_FS_SELECTOR, 0},
        {VMCS_HOST_GS_SELECTOR, 0},
        {VMCS_HOST_TR_SELECTOR, SELECTOR_TSS},
        {VMCS_HOST_CR0, cr0_read()},
        {VMCS_HOST_CR3, cr3_read()},
        {VMCS_HOST_CR4, cr4_read()},
        {VMCS_HOST_FS_BASE, 0},
        {VMCS_HOST_GS_BASE, (u64)self},
        {VMCS_HOST_TR_BASE, (u64)&self->tss},
        {VMCS_HOST_GDTR_BASE, (u64)self->gdt},
        {VMCS_HOST_IDTR_BASE, descriptors_idt_base()},
        {VMCS_HOST_SYSENTER_CS, 0},
        {VMCS_HOST_SYSENTER_ESP, 0},
        {VMCS_HOST_SYSENTER_EIP, 0},
        {VMCS_HOST_PAT, msr_read(MSR_PAT)},
        {VMCS_HOST_EFER, msr_read(MSR_EFER)},
        {VMCS_HOST_RIP, (u64)vmx_exit_point},
    };

    return write_all(table, ARRAY_LEN(table));
}

/* Without tables of descriptors, as Multiboot leaves them, or as INIT does (SDM vol. 3A, table
 * 9-1): all segments alike. */
static bool write_guest_state(struct vcpu *vcpu, u64 rip, u64 table_limit, u32 limit, u32 rights)
{
    const struct segment segments[] = {
        [SEGMENT_ES] = {.limit = limit, .rights = rights},
        [SEGMENT_SS... SEGMENT_GS] = {.limit = limit, .rights = rights},
        [SEGMENT_CS] = {.limit = limit, .rights = rights | TYPE_CODE},
        [SEGMENT_LDTR] = {.rights = RIGHTS_UNUSABLE},
        [SEGMENT_TR] = {.limit = 0xffff, .rights = ACCESS_RIGHTS_TSS32},
    };
    const struct field_value table[] = {
        {VMCS_GUEST_GDTR_BASE, 0},
        {VMCS_GUEST_GDTR_LIMIT, table_limit},
        {VMCS_GUEST_IDTR_BASE, 0},
        {VMCS_GUEST_IDTR_LIMIT, table_limit},
        {VMCS_GUEST_CR3, 0},
        {VMCS_GUEST_DR7, 0x400},
        {VMCS_GUEST_RSP, 0},
        {VMCS_GUEST_RIP, rip},
        {VMCS_GUEST_RFLAGS, 2},
        {VMCS_GUEST_DEBUGCTL, 0},
        {VMCS_GUEST_PENDING_DEBUG, 0},
        {VMCS_GUEST_INTERRUPTIBILITY, 0},
        {VMCS_GUEST_ACTIVITY_STATE, 0},
        {VMCS_GUEST_SYSENTER_CS, 0},
        {VMCS_GUEST_SYSENTER_ESP, 0},
        {VMCS_GUEST_SYSENTER_EIP, 0},
        {VMCS_GUEST_PAT, msr_read(MSR_PAT)},
        {VMCS_GUEST_EFER, 0},
    };

    for (u32 i = 0; i < ARRAY_LEN(segments); i++)
        vcpu_set_segment(vcpu, i, &segments[i]);
    return write_all(table, ARRAY_LEN(table));
}

int vmx_setup(struct vcpu *vcpu, const struct vmx_controls *controls)
{
    int error = enter_root(vcpu->vm);

    if (error == 0 && bitmaps.msr.v == 0)
        error = alloc_bitmaps(vcpu->vm);
    if (error == 0 && (!write_controls(vcpu, controls) || !write_host_state()))
        error = -HV_EIO;
    if (error != 0)
        return error;
    tlb_init(ept_pointer(&vcpu->vm->ept));
    tlb_flush_ept_here();
    tlb_flush_guest();
    return 0;
}

/* The machine state of the Multiboot specification, 3.2: flat 32-bit segments, A20 open, paging and
 * interrupts off. */
int vmx_start_boot(struct vcpu *vcpu, u32 entry, u32 mbi)
{
    if (!write_guest_state(vcpu, entry, 0, FLAT_LIMIT, ACCESS_RIGHTS_DATA32))
        return -HV_EIO;
    vcpu_set_cr0(vcpu, CR0_PE | CR0_ET);
    vcpu_set_cr4(vcpu, 0);
    vcpu->regs[REG_RAX] = MULTIBOOT_MAGIC;
    vcpu->regs[REG_RBX] = mbi;
    return 0;
}

int vmx_start_waiting(struct vcpu *vcpu)
{
    if (!write_guest_state(vcpu, 0, REAL_MODE_LIMIT, REAL_MODE_LIMIT, ACCESS_RIGHTS_DATA16))
        return -HV_EIO;
    vcpu_set_cr0(vcpu, CR0_ET);
    vcpu_set_cr4(vcpu, 0);
    vcpu->regs[REG_RDX] = cpuid(1, 0).eax;
    vcpu->waits = true;
    vcpus_waiting++;
    return 0;
}

void vmx_start_up(u8 vector)
{
    vmcs_write(VMCS_GUEST_CS_SELECTOR, (u64)vector << 8);
    vmcs_write(VMCS_GUEST_CS_BASE, (u64)vector << PAGE_SHIFT);
}
