/*
 * Running the guest to the end of an open window, and to a boundary that a test names.
 *
 * A window is straight code or one repeated instruction, so a breakpoint at its end is met after
 * one entry however long it is. Whatever else comes on the way exits: external interrupts and NMIs,
 * which wait for the end, and exceptions.
 */
#include <hv/cpu/cpuid.h>
#include <hv/cpu/exceptions.h>
#include <hv/log/log.h>
#include <hv/recovery/machine_check.h>
#include <hv/recovery/recovery.h>
#include <hv/recovery/window.h>
#include <hv/vcpu/boundary.h>
#include <hv/vcpu/others.h>
#include <hv/vmx/backend.h>
#include <hv/vmx/vmx.h>

#define EXCEPTIONS_ALL 0xffffffffu

/* Breakpoint 0 alone, at an instruction (SDM vol. 3B, 18.2.4). */
#define DR7_EXECUTE_0 0x401u

bool vcpu_in_window(struct vcpu *vcpu, u32 *end)
{
    u32 at = (u32)(vmcs_read(VMCS_GUEST_CS_BASE) + vmcs_read(VMCS_GUEST_RIP));

    /* A guest that waits in HLT is in front of its next instruction, which only an interrupt
     * starts. */
    if (!vcpu->vm->mirrored || vmcs_read(VMCS_GUEST_ACTIVITY_STATE) != 0)
        return false;
    return window_open(vcpu->vm, vcpu->window_maps, vcpu_privilege(vcpu) == 3, at, end);
}

static void complete(struct vcpu *vcpu, u32 end)
{
    struct completion *completion = &vcpu->completion;

    if (!completion->on) {
        *completion = (struct completion){
            .on = true,
            .dr0 = dr0_read(),
            .dr7 = vmcs_read(VMCS_GUEST_DR7),
            .exceptions = (u32)vmcs_read(VMCS_EXCEPTION_BITMAP),
        };
        vmcs_write(VMCS_GUEST_DR7, DR7_EXECUTE_0);
        vmcs_write(VMCS_EXCEPTION_BITMAP, EXCEPTIONS_ALL);
        vcpu->vm->counters[KMV_COUNTER_windows]++;
    }
    dr0_write(end);
}

static void complete_end(struct vcpu *vcpu)
{
    struct completion *completion = &vcpu->completion;

    if (!completion->on)
        return;
    completion->on = false;
    dr0_write(completion->dr0);
    vmcs_write(VMCS_GUEST_DR7, completion->dr7);
    vmcs_write(VMCS_EXCEPTION_BITMAP, completion->exceptions);
}

void vcpu_do_later(struct vcpu *vcpu, const struct later *later)
{
    vcpu->later = *later;
}

void vmx_boundary(struct vcpu *vcpu)
{
    struct later *later = &vcpu->later;

    if (later->steps == 0 || --later->steps > 0)
        return;
    if (later->vector != 0)
        vcpu_raise(vcpu, later->vector);
    else
        later->due = true;
}

static void poison_planned(struct vcpu *vcpu)
{
    u32 code = (u32)(vmcs_read(VMCS_GUEST_CS_BASE) + vmcs_read(VMCS_GUEST_RIP));
    u32 target = (u32)vcpu_gpr(vcpu, REG_RDI);
    bool user = vcpu_privilege(vcpu) == 3;
    struct fault_place place = {
        .at = {code, (u32)vcpu_gpr(vcpu, REG_RSP), (u32)vcpu_gpr(vcpu, REG_RSI), target,
               target + PAGE_SIZE, user ? code : 0},
        .root = GPA(vcpu->guest_cr3 & ~(u32)PAGE_MASK),
        .user = user,
    };

    vcpu->later = (struct later){0};
    vcpus_stop_others(vcpu);
    faults_strike(vcpu->vm, &vcpu->plan, &place, vcpu->guest_ticks);
    vcpus_go(vcpu);
}

static void poison_now(struct vcpu *vcpu)
{
    int error;

    vcpu->later.due = false;
    vcpus_stop_others(vcpu);
    error = recovery_poison(vcpu->vm, vcpu->later.gpa, vcpu->later.where);
    vcpus_go(vcpu);
    if (error != 0)
        log_event("poison_refused", "gpage=0x%lx error=%d", vcpu->later.gpa.v, error);
}

bool vmx_step_wanted(const struct vcpu *vcpu)
{
    return vcpu->completion.on || vcpu->later.due || vcpu_is_to_stop(vcpu) ||
           exceptions_mce()->count > 0;
}

/* A timer of 0 runs out when the event is delivered, before an instruction is done (SDM vol. 3C,
 * 27.7.4). */
static void stop_after_event(struct vcpu *vcpu)
{
    vmcs_write(VMCS_PREEMPTION_TIMER, 0);
    vmcs_write(VMCS_PIN_BASED_CONTROLS, vcpu->pin | PIN_PREEMPTION_TIMER);
    vcpu->preemption_timer_on = true;
    vcpu->stepping = true;
}

/*
 * TF rather than the monitor trap flag, which Bochs 2.7 offers but does not exit for. While STI or
 * MOV SS blocks, an entry with TF would be refused (SDM vol. 3C, 27.3.1.5).
 */
void vmx_step_enter(struct vcpu *vcpu)
{
    u64 blocked = INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS;

    if (vcpu->later.steps == 0 || vcpu->completion.on)
        return;
    if (vcpu->event.info != 0) {
        if (vcpu->has_preemption_timer)
            stop_after_event(vcpu);
        return;
    }
    if (vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & blocked)
        return;
    vmcs_write(VMCS_GUEST_RFLAGS, vmcs_read(VMCS_GUEST_RFLAGS) | RFLAGS_TF);
    vcpu->stepping = true;
}

void vmx_step_leave(struct vcpu *vcpu)
{
    bool event = vcpu->event.info != 0;

    if (!vcpu->stepping && !vcpu->stepped && !vcpu->stepped_event)
        return;
    vcpu->stepped = vcpu->stepping && !event;
    vcpu->stepped_event = vcpu->stepping && event;
    vcpu->stepping = false;
    if (vcpu->stepped)
        vmcs_write(VMCS_GUEST_RFLAGS, vmcs_read(VMCS_GUEST_RFLAGS) & ~(u64)RFLAGS_TF);
}

static void answer_machine_checks(struct vcpu *vcpu)
{
    vcpus_stop_others(vcpu);
    machine_check_answer(vcpu->vm, exceptions_mce(), false);
    vcpus_go(vcpu);
}

bool vmx_step_prepare(struct vcpu *vcpu, bool wanted)
{
    bool checked = exceptions_mce()->count > 0;
    bool due = vcpu->later.due && vcpu->event.info == 0;
    bool stop = vcpu_is_to_stop(vcpu);
    u32 end;
    bool open = (due || wanted || checked || stop) && vcpu_in_window(vcpu, &end);

    if (open)
        complete(vcpu, end);
    else
        complete_end(vcpu);
    if (stop && !open)
        vcpu_park(vcpu);
    if (due && !open && vcpu->later.planned)
        poison_planned(vcpu);
    else if (due && !open)
        poison_now(vcpu);
    if (checked && !open)
        answer_machine_checks(vcpu);
    return open;
}
