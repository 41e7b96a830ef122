#include <hv/cpu/cpuid.h>
#include <hv/cpu/exceptions.h>
#include <hv/exit/handlers.h>
#include <hv/log/format.h>
#include <hv/vcpu/boundary.h>
#include <hv/vmx/backend.h>
#include <hv/vmx/vmx.h>

/* Access to the debug registers raises #DB; clear in its handler (SDM vol. 3B, 18.2.4). */
#define DR7_GD (1u << 13)

#define EXIT_REASON_ENTRY_FAILURE  (1u << 31)
#define REASON_ENTRY_MACHINE_CHECK 41u

typedef enum exit_result (*exit_handler)(struct vcpu *vcpu);

/* SDM vol. 3C, table 28-7: bits 0-2 the access, 7 linear address valid, 8 not a page walk, 12 NMI
 * unblocking. */
#define VIOLATION_STORE (1u << 1 | 1u << 7 | 1u << 8)

static enum exit_result on_ept_violation(struct vcpu *vcpu)
{
    u32 qualification = (u32)vmcs_read(VMCS_EXIT_QUALIFICATION);
    gpa_t gpa = GPA(vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS));

    if (vcpu->event.info == 0)
        vmx_nmi_reblock(qualification);
    /* Of all violations by far the most. */
    if ((qualification & VIOLATION_STORE) == VIOLATION_STORE && exit_table_store(vcpu, gpa))
        return EXIT_RESUME;
    return exit_memory(vcpu, &(struct memory_access){
                                 .gpa = gpa,
                                 .gva = GVA(vmcs_read(VMCS_GUEST_LINEAR_ADDRESS)),
                                 .read = qualification & 1,
                                 .write = qualification >> 1 & 1,
                                 .exec = qualification >> 2 & 1,
                             });
}

static enum exit_result on_ept_misconfiguration(struct vcpu *vcpu)
{
    return vcpu_stop(vcpu, "ept_misconfiguration", "gpa=0x%lx",
                     vmcs_read(VMCS_GUEST_PHYSICAL_ADDRESS));
}

/* The breakpoint at the end of a window is none of the guest's business. */
static bool debug_is_ours(const struct vcpu *vcpu)
{
    return vcpu->completion.on && (vmcs_read(VMCS_EXIT_QUALIFICATION) & DEBUG_BREAKPOINT_0) != 0;
}

/* The exit leaves DR6 and DR7.GD untouched and reports what DR6 would have got (SDM vol. 3C, 28.1,
 * table 28-1). INT1 comes as an event of its own: RIP is still its own, not the next one. */
static enum exit_result reflect_debug(struct vcpu *vcpu, u32 info)
{
    dr6_write(dr6_read() | (vmcs_read(VMCS_EXIT_QUALIFICATION) & 0x600f));
    vmcs_write(VMCS_GUEST_DR7, vmcs_read(VMCS_GUEST_DR7) & ~(u64)DR7_GD);
    if (INTERRUPTION_TYPE(info) == INTERRUPTION_PRIVILEGED_SOFTWARE_EXCEPTION) {
        vcpu->event = (struct event){
            .info = info & ~INTERRUPTION_NMI_UNBLOCKED,
            .length = (u32)vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH),
        };
        return EXIT_RESUME;
    }
    return vcpu_inject(vcpu, VECTOR_DB, false, 0);
}

static enum exit_result on_exception(struct vcpu *vcpu)
{
    u32 info = (u32)vmcs_read(VMCS_EXIT_INTERRUPTION_INFO);
    u32 error = (u32)vmcs_read(VMCS_EXIT_INTERRUPTION_ERROR_CODE);

    if (INTERRUPTION_TYPE(info) == INTERRUPTION_NMI) {
        /* Through our own handler, whose IRET ends the blocking of NMIs that the exit began. */
        __asm__ volatile("int %0" : : "i"(VECTOR_NMI) : "memory");
        return EXIT_RESUME;
    }
    if (vcpu->event.info == 0)
        vmx_nmi_reblock(info);
    switch (INTERRUPTION_VECTOR(info)) {
    case VECTOR_PF:
        return exit_page_fault(vcpu, GVA((u32)vmcs_read(VMCS_EXIT_QUALIFICATION)), error);
    case VECTOR_DB:
        return debug_is_ours(vcpu) ? EXIT_RESUME : reflect_debug(vcpu, info);
    case VECTOR_AC:
        return vcpu_inject(vcpu, VECTOR_AC, true, error);
    case VECTOR_MC:
        return exit_machine_check(vcpu);
    default:
        /* All exceptions exit while a window is run to its end. */
        if (vcpu->completion.on)
            return vcpu_inject(vcpu, INTERRUPTION_VECTOR(info), info & INTERRUPTION_ERROR_VALID,
                               error);
        return vcpu_stop(vcpu, "unexpected_exception", "info=0x%x error=0x%x", info, error);
    }
}

static enum exit_result on_triple_fault(struct vcpu *vcpu)
{
    return vcpu_stop(vcpu, "triple_fault", "%s", "");
}

/* What waits, or is due, is done before every entry (event.c, due.c). */
static enum exit_result on_due(struct vcpu *vcpu)
{
    (void)vcpu;
    return EXIT_RESUME;
}

/* Mirrored guests are not interrupted inside a window: vmx_event_deliver sees to it. The interrupt
 * is acknowledged, its vector in the exit's information. */
static enum exit_result on_external_interrupt(struct vcpu *vcpu)
{
    vcpu_raise(vcpu, INTERRUPTION_VECTOR(vmcs_read(VMCS_EXIT_INTERRUPTION_INFO)));
    return EXIT_RESUME;
}

/* While an interrupt waits: the end of its waiting need not be seen from inside HLT. With
 * interrupts off the guest stays there. */
static enum exit_result on_hlt(struct vcpu *vcpu)
{
    vcpu_skip_instruction(vcpu);
    vmcs_write(VMCS_GUEST_ACTIVITY_STATE, ACTIVITY_HLT);
    return EXIT_RESUME;
}

/* INVD would throw away dirty lines of the hypervisor; writing them back is always allowed. */
static enum exit_result on_invd(struct vcpu *vcpu)
{
    __asm__ volatile("wbinvd" : : : "memory");
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}

/* SDM vol. 3C, table 28-2. An event on its way came through a task gate; what it interrupted goes
 * on at its own address, what asked for the switch behind its instruction. */
static enum exit_result on_task_switch(struct vcpu *vcpu)
{
    u64 qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
    u32 event = vcpu->event.info;
    bool asked = event == 0 || INTERRUPTION_TYPE(event) >= INTERRUPTION_SOFTWARE;
    struct task_switch request = {
        .selector = (u16)qualification,
        .source = qualification >> 30 & 3,
        .length = asked ? (u32)vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH) : 0,
        .external = !asked,
        .has_error = (event & INTERRUPTION_ERROR_VALID) != 0,
        .error = vcpu->event.error,
    };

    return exit_task_switch(vcpu, &request);
}

static enum exit_result on_invlpg(struct vcpu *vcpu)
{
    return exit_invlpg(vcpu, GVA((u32)vmcs_read(VMCS_EXIT_QUALIFICATION)));
}

/* VMX and MONITOR are hidden, so their instructions do not exist. */
static enum exit_result on_vmx_instruction(struct vcpu *vcpu)
{
    return vcpu_inject(vcpu, VECTOR_UD, false, 0);
}

/* A processor without performance counters has none to read. */
static enum exit_result on_rdpmc(struct vcpu *vcpu)
{
    return vcpu_inject(vcpu, VECTOR_GP, true, 0);
}

/* SDM vol. 3C, table 28-3. */
static enum exit_result on_cr_access(struct vcpu *vcpu)
{
    u64 qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
    unsigned number = qualification & 15, kind = qualification >> 4 & 3,
             gpr = qualification >> 8 & 15;

    if (kind == 0 && (number == VCPU_CR0 || number == VCPU_CR3 || number == VCPU_CR4))
        return exit_cr_write(vcpu, number, (u32)vcpu_gpr(vcpu, gpr));
    if (kind == 1 && number == VCPU_CR3)
        return exit_cr3_read(vcpu, gpr);
    return vcpu_stop(vcpu, "unexpected_cr_access", "qualification=0x%lx", qualification);
}

/* SDM vol. 3C, table 28-5. */
static enum exit_result on_io(struct vcpu *vcpu)
{
    u64 qualification = vmcs_read(VMCS_EXIT_QUALIFICATION);
    struct io_access access = {
        .port = (u16)(qualification >> 16),
        .bytes = (u8)((qualification & 7) + 1),
        .in = qualification >> 3 & 1,
        .string = qualification >> 4 & 1,
    };

    return exit_io(vcpu, &access);
}

struct exit_row {
    const char *name;
    exit_handler handler; /* NULL: stops the guest */
};

/* By basic exit reason, SDM vol. 3D, appendix C. */
static const struct exit_row rows[VCPU_EXIT_REASONS] = {
    [0] = {"exception", on_exception},
    [1] = {"external_interrupt", on_external_interrupt},
    [2] = {"triple_fault", on_triple_fault},
    [3] = {"init", NULL},
    [7] = {"interrupt_window", on_due},
    [8] = {"nmi_window", on_due},
    [9] = {"task_switch", on_task_switch},
    [10] = {"cpuid", exit_cpuid},
    [11] = {"getsec", on_vmx_instruction},
    [12] = {"hlt", on_hlt},
    [13] = {"invd", on_invd},
    [14] = {"invlpg", on_invlpg},
    [15] = {"rdpmc", on_rdpmc},
    [18] = {"vmcall", exit_hypercall},
    [19] = {"vmclear", on_vmx_instruction},
    [20] = {"vmlaunch", on_vmx_instruction},
    [21] = {"vmptrld", on_vmx_instruction},
    [22] = {"vmptrst", on_vmx_instruction},
    [23] = {"vmread", on_vmx_instruction},
    [24] = {"vmresume", on_vmx_instruction},
    [25] = {"vmwrite", on_vmx_instruction},
    [26] = {"vmxoff", on_vmx_instruction},
    [27] = {"vmxon", on_vmx_instruction},
    [28] = {"cr_access", on_cr_access},
    [30] = {"io", on_io},
    [31] = {"rdmsr", exit_msr_read},
    [32] = {"wrmsr", exit_msr_write},
    [33] = {"entry_guest_state", NULL},
    [34] = {"entry_msr_loading", NULL},
    [36] = {"mwait", on_vmx_instruction},
    [39] = {"monitor", on_vmx_instruction},
    [REASON_ENTRY_MACHINE_CHECK] = {"entry_machine_check", NULL},
    [48] = {"ept_violation", on_ept_violation},
    [49] = {"ept_misconfiguration", on_ept_misconfiguration},
    [50] = {"invept", on_vmx_instruction},
    [52] = {"preemption_timer", on_due},
    [53] = {"invvpid", on_vmx_instruction},
    [55] = {"xsetbv", exit_xsetbv},
};

const char *vmx_exit_name(unsigned reason)
{
    return reason < VCPU_EXIT_REASONS && rows[reason].name != NULL ? rows[reason].name : "unknown";
}

struct exit_tally exit_tally[VCPU_EXIT_REASONS];
u32 exit_costs[COST_KINDS][COST_BUCKETS];

void vcpu_exits_text(char *text, size_t size)
{
    size_t length = 0;

    text[0] = '\0';
    for (unsigned reason = 0; reason < VCPU_EXIT_REASONS; reason++) {
        if (exit_tally[reason].count > 0)
            length = format_append(text, size, length, " %s=%lu/%lu", vmx_exit_name(reason),
                                   exit_tally[reason].count, exit_tally[reason].ticks);
    }
}

static enum exit_result no_handler(struct vcpu *vcpu, u32 reason)
{
    u16 basic = (u16)reason;

    if ((reason & EXIT_REASON_ENTRY_FAILURE) == 0)
        return vcpu_stop(vcpu, "unhandled_exit", "exit=%s number=%u", vmx_exit_name(basic), basic);
    vmx_log_entry_check();
    if (basic == REASON_ENTRY_MACHINE_CHECK)
        exit_machine_check(vcpu);
    return vcpu_stop(vcpu, "entry_failed", "exit=%s qualification=0x%lx", vmx_exit_name(basic),
                     vmcs_read(VMCS_EXIT_QUALIFICATION));
}

enum exit_result vmx_dispatch(struct vcpu *vcpu)
{
    u32 reason = (u32)vmcs_read(VMCS_EXIT_REASON);

    vcpu->vm->counters[KMV_COUNTER_exits]++;
    if (reason >= VCPU_EXIT_REASONS || rows[reason].handler == NULL)
        return no_handler(vcpu, reason);
    vcpu->tally = &exit_tally[reason];
    vcpu->tally->count++;
    return rows[reason].handler(vcpu);
}
