#include <hv/cpu/cpuid.h>
#include <hv/cpu/msr.h>
#include <hv/cpu/processor.h>
#include <hv/log/format.h>
#include <hv/log/log.h>
#include <hv/platform/panic.h>
#include <hv/platform/screen.h>
#include <hv/vcpu/others.h>
#include <hv/vm/guestmem.h>
#include <hv/vmx/backend.h>
#include <hv/vmx/check.h>
#include <hv/vmx/vmx.h>

#define ENTRY_FAILED  (1ull << 63)
#define ENTRY_ABORTED (1ull << 62)

#define PENDING_DEBUG_BS (1u << 14) /* SDM vol. 3C, table 25-4 */

/* CR0: NE is fixed to 1 in VMX operation; paging is ours to follow. */
#define CR0_OWNED_ALWAYS CR0_NE
#define CR0_OWNED_MIRROR CR0_PG

/* CR4 bits that reach the processor without an exit; PSE and PGE only as long as no mirror depends
 * on them. */
#define CR4_PASSED                                                                                 \
    (CR4_VME | CR4_PVI | CR4_TSD | CR4_DE | CR4_PCE | CR4_OSFXSR | CR4_OSXMMEXCPT | CR4_UMIP |     \
     CR4_FSGSBASE | CR4_OSXSAVE | CR4_SMEP | CR4_SMAP)
#define CR4_PASSED_UNMIRRORED (CR4_PSE | CR4_PGE | CR4_PAE)

#define SEGMENT_DEFAULT_32 (1u << 14) /* D/B, SDM vol. 3C, table 25-2 */
#define RFLAGS_VM          (1u << 17)
#define DR7_ENABLED        0xffu
#define DR7_LOCAL          0x155u /* L0 to L3, LE */

void vmcs_write(enum vmcs_field field, u64 value)
{
    if (!vmcs_try_write(field, value))
        panic("vmwrite field=0x%x value=0x%lx error=%lu", (unsigned)field, value,
              vmcs_read(VMCS_INSTRUCTION_ERROR));
}

u64 vcpu_rip(const struct vcpu *vcpu)
{
    (void)vcpu;
    return vmcs_read(VMCS_GUEST_RIP);
}

static inline void go_on_at(u64 rip)
{
    u64 blocked = INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS;

    vmcs_write(VMCS_GUEST_RIP, rip);
    if (vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & blocked)
        vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & ~blocked);
}

void vcpu_skip_store(struct vcpu *vcpu, u32 bytes)
{
    (void)vcpu;
    go_on_at((u32)(vmcs_read(VMCS_GUEST_RIP) + bytes));
}

void vcpu_skip_instruction(struct vcpu *vcpu)
{
    u64 next = vmcs_read(VMCS_GUEST_RIP) + vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH);

    (void)vcpu;
    if ((vmcs_read(VMCS_GUEST_CS_ACCESS_RIGHTS) & ACCESS_RIGHTS_LONG) == 0)
        next = (u32)next;
    go_on_at(next);
    /* The guest steps over this instruction, too. */
    if (vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_TF)
        vmcs_write(VMCS_GUEST_PENDING_DEBUG,
                   vmcs_read(VMCS_GUEST_PENDING_DEBUG) | PENDING_DEBUG_BS);
}

/* An instruction that is stepped or watched owes a #DB, which only the processor gets right. */
bool vcpu_code_address(const struct vcpu *vcpu, gva_t *address)
{
    *address = GVA((u32)(vmcs_read(VMCS_GUEST_CS_BASE) + vmcs_read(VMCS_GUEST_RIP)));
    return (vmcs_read(VMCS_GUEST_CS_ACCESS_RIGHTS) & SEGMENT_DEFAULT_32) != 0 &&
           vcpu->event.info == 0 && (vmcs_read(VMCS_GUEST_RFLAGS) & (RFLAGS_TF | RFLAGS_VM)) == 0 &&
           (vmcs_read(VMCS_GUEST_DR7) & DR7_ENABLED) == 0;
}

/* SDM vol. 3C, 25.4.1: the DPL of SS is the current privilege level. */
unsigned vcpu_privilege(const struct vcpu *vcpu)
{
    (void)vcpu;
    return vmcs_read(VMCS_GUEST_SS_ACCESS_RIGHTS) >> 5 & 3;
}

u64 vcpu_gpr(const struct vcpu *vcpu, unsigned index)
{
    return index == REG_RSP ? vmcs_read(VMCS_GUEST_RSP) : vcpu->regs[index];
}

void vcpu_set_gpr(struct vcpu *vcpu, unsigned index, u64 value)
{
    if (index == REG_RSP)
        vmcs_write(VMCS_GUEST_RSP, value);
    else
        vcpu->regs[index] = value;
}

/* Encodings of the fields of a segment go up in steps of 2 (SDM vol. 3D, appendix B). */
static enum vmcs_field of_segment(enum vmcs_field first, enum segment_index which)
{
    return first + 2 * which;
}

struct segment vcpu_segment(const struct vcpu *vcpu, enum segment_index which)
{
    struct segment segment = {
        .base = (u32)vmcs_read(of_segment(VMCS_GUEST_ES_BASE, which)),
        .limit = (u32)vmcs_read(of_segment(VMCS_GUEST_ES_LIMIT, which)),
    };

    (void)vcpu;
    if (which < SEGMENT_GDTR) {
        segment.selector = (u16)vmcs_read(of_segment(VMCS_GUEST_ES_SELECTOR, which));
        segment.rights = (u32)vmcs_read(of_segment(VMCS_GUEST_ES_ACCESS_RIGHTS, which));
    }
    return segment;
}

void vcpu_set_segment(struct vcpu *vcpu, enum segment_index which, const struct segment *segment)
{
    (void)vcpu;
    vmcs_write(of_segment(VMCS_GUEST_ES_SELECTOR, which), segment->selector);
    vmcs_write(of_segment(VMCS_GUEST_ES_BASE, which), segment->base);
    vmcs_write(of_segment(VMCS_GUEST_ES_LIMIT, which), segment->limit);
    vmcs_write(of_segment(VMCS_GUEST_ES_ACCESS_RIGHTS, which), segment->rights);
}

u32 vcpu_flags(const struct vcpu *vcpu)
{
    (void)vcpu;
    return (u32)vmcs_read(VMCS_GUEST_RFLAGS);
}

/* The NMI that led here has been delivered, so that it blocks others, which it did not have to do
 * for a second delivery (vmx_event_collect). */
void vcpu_enter_task(struct vcpu *vcpu, u32 eip, u32 flags, bool by_iret)
{
    bool by_nmi = vcpu->event.info != 0 && INTERRUPTION_TYPE(vcpu->event.info) == INTERRUPTION_NMI;
    u64 blocked = vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & INTERRUPTIBILITY_NMI;

    vmcs_write(VMCS_GUEST_RIP, eip);
    vmcs_write(VMCS_GUEST_RFLAGS, flags);
    vmcs_write(VMCS_GUEST_DR7, vmcs_read(VMCS_GUEST_DR7) & ~(u64)DR7_LOCAL);
    vmcs_write(VMCS_GUEST_INTERRUPTIBILITY, by_nmi ? INTERRUPTIBILITY_NMI : by_iret ? 0 : blocked);
    vmcs_write(VMCS_GUEST_ACTIVITY_STATE, 0);
}

static u64 merge(enum vmcs_field real, enum vmcs_field mask, enum vmcs_field shadow)
{
    u64 owned = vmcs_read(mask);

    return (vmcs_read(real) & ~owned) | (vmcs_read(shadow) & owned);
}

u64 vcpu_control(const struct vcpu *vcpu, enum control_register which)
{
    switch (which) {
    case VCPU_CR0:
        return merge(VMCS_GUEST_CR0, VMCS_CR0_GUEST_HOST_MASK, VMCS_CR0_READ_SHADOW);
    case VCPU_CR4:
        return merge(VMCS_GUEST_CR4, VMCS_CR4_GUEST_HOST_MASK, VMCS_CR4_READ_SHADOW);
    case VCPU_CR3:
        break;
    }
    return vcpu->vm->mirrored ? vcpu->guest_cr3 : vmcs_read(VMCS_GUEST_CR3);
}

struct linear_space vcpu_linear_space(const struct vcpu *vcpu)
{
    u64 cr0 = vcpu_control(vcpu, VCPU_CR0), cr4 = vcpu_control(vcpu, VCPU_CR4);

    return (struct linear_space){.cr3 = (u32)vcpu_control(vcpu, VCPU_CR3),
                                 .paging = (cr0 & CR0_PG) != 0,
                                 .pae = (cr4 & CR4_PAE) != 0,
                                 .pse = (cr4 & CR4_PSE) != 0,
                                 .write_protect = (cr0 & CR0_WP) != 0};
}

void vcpu_set_cr0(struct vcpu *vcpu, u64 value)
{
    vmcs_write(VMCS_CR0_GUEST_HOST_MASK,
               CR0_OWNED_ALWAYS | (vcpu->vm->mirrored ? CR0_OWNED_MIRROR : 0));
    vmcs_write(VMCS_CR0_READ_SHADOW, value);
    vmcs_write(VMCS_GUEST_CR0, value | CR0_NE);
}

void vcpu_set_cr4(struct vcpu *vcpu, u64 value)
{
    u64 passed = CR4_PASSED | (vcpu->vm->mirrored ? 0 : CR4_PASSED_UNMIRRORED);

    vmcs_write(VMCS_CR4_GUEST_HOST_MASK, ~passed);
    vmcs_write(VMCS_CR4_READ_SHADOW, value);
    vmcs_write(VMCS_GUEST_CR4, value | CR4_VMXE | CR4_MCE);
}

void vcpu_set_shadow(struct vcpu *vcpu, enum control_register which, u64 value)
{
    (void)vcpu;
    vmcs_write(which == VCPU_CR0 ? VMCS_CR0_READ_SHADOW : VMCS_CR4_READ_SHADOW, value);
}

/* With PAE an entry takes the four of a root from the VMCS (SDM vol. 3C, 27.3.2.4). */
static void load_pdptes(struct vcpu *vcpu, u64 root)
{
    u64 entries[4] = {0};

    guest_read(vcpu->vm, GPA(root & 0xffffffe0), entries, sizeof(entries));
    for (u32 i = 0; i < ARRAY_LEN(entries); i++)
        vmcs_write(VMCS_GUEST_PDPTE0 + 2 * i, entries[i]);
}

void vcpu_set_real_cr3(struct vcpu *vcpu, u64 value)
{
    vmcs_write(VMCS_GUEST_CR3, value);
    if (vmcs_read(VMCS_GUEST_CR4) & CR4_PAE)
        load_pdptes(vcpu, value);
    tlb_flush_nonglobal();
}

u64 vcpu_cr4_reserved(void)
{
    u64 offered = CR4_PASSED | CR4_PASSED_UNMIRRORED | CR4_MCE;

    return ~(offered & msr_read(MSR_VMX_CR4_FIXED1));
}

enum exit_result vcpu_stop(struct vcpu *vcpu, const char *reason, const char *fmt, ...)
{
    char detail[256];
    va_list args;

    va_start(args, fmt);
    format_text(detail, sizeof(detail), fmt, args);
    va_end(args);
    screen_take_log();
    vmx_dump_guest(vcpu);
    log_event("guest_stop", "reason=%s rip=0x%lx %s", reason, vcpu_rip(vcpu), detail);
    return EXIT_STOP;
}

static _Noreturn void entry_failed(u64 flags)
{
    u64 error = vmcs_read(VMCS_INSTRUCTION_ERROR);

    vmx_log_entry_check();
    panic("VM entry failed error=%lu flags=0x%lx: %s", error, flags, vmx_error_name(error));
}

bool vmx_enter_guest(struct vcpu *vcpu)
{
    u64 flags = vmx_enter(vcpu->regs, vcpu->launched, &vcpu->requests);

    if ((flags & ENTRY_FAILED) != 0)
        entry_failed(flags & ~ENTRY_FAILED);
    if ((flags & ENTRY_ABORTED) != 0)
        return false;
    vcpu->launched = true;
    return true;
}

/* The time since the last exit is that exit's. */
static void account(struct vcpu *vcpu, u64 exit_at)
{
    u64 ticks = tsc_read() - exit_at;

    vcpu->vm->counters[KMV_COUNTER_hv_ticks] += ticks;
    vcpu->tally->ticks += ticks;
    if (vcpu->cost != COST_NONE) {
        u64 bucket = ticks / COST_STEP;
        exit_costs[vcpu->cost][bucket < COST_BUCKETS ? bucket : COST_BUCKETS - 1]++;
        vcpu->cost = COST_NONE;
    }
}

__attribute__((weak)) bool vmx_hooked_enter(struct vcpu *vcpu)
{
    return vmx_enter_guest(vcpu);
}

__attribute__((weak)) enum exit_result vmx_hooked_dispatch(struct vcpu *vcpu)
{
    return vmx_dispatch(vcpu);
}

static void dump_running(void)
{
    vmx_dump_all(&vcpus[processor_self()->index]);
}

/* With the lock before and after. Returns the time stamp of the exit. */
static u64 run_guest(struct vcpu *vcpu, u64 exit_at)
{
    bool entered;

    do {
        vcpu_serve(vcpu);
        vmx_do_due(vcpu);
        vmx_event_deliver(vcpu);
        account(vcpu, exit_at);
        vcpu_unlock(vcpu);
        entered = vmx_hooked_enter(vcpu);
        exit_at = tsc_read();
        vcpu_lock(vcpu);
    } while (!entered);
    return exit_at;
}

/* Apart from its caller, whose variables would take registers here. */
__attribute__((noinline)) void vcpu_run(struct vcpu *vcpu)
{
    u64 exit_at = tsc_read();
    enum exit_result result;

    vcpu->tally = &exit_tally[0]; /* takes the time before the first exit */
    panic_on_dump(dump_running);
    vcpu_lock(vcpu);
    do {
        if (vcpu->waits || vcpu->startup != 0)
            vmx_start_up(vcpu_wait(vcpu));
        exit_at = run_guest(vcpu, exit_at);
        if (exit_at >= vcpu->vm->stats.next)
            stats_log(vcpu->vm, exit_at);
        vmx_event_collect(vcpu);
        result = vmx_hooked_dispatch(vcpu);
    } while (result == EXIT_RESUME);
    processors_halt_others();
}
