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

int vcpu_do_later(struct vcpu *vcpu, const struct later *later)
{
    if (!vcpu->has_mtf)
        return -HV_EOPNOTSUPP;
    vcpu->later = *later;
    return 0;
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

static void poison_now(struct vcpu *vcpu)
{
    int error = recovery_poison(vcpu->vm, vcpu->later.gpa, vcpu->later.where);

    vcpu->later.due = false;
    if (error != 0)
        log_event("poison_refused", "gpage=0x%llx error=%d", (unsigned long long)vcpu->later.gpa.v,
                  error);
}

bool vmx_step_wanted(const struct vcpu *vcpu)
{
    return vcpu->completion.on || vcpu->later.due || exceptions_mce()->count > 0 ||
           vcpu->later.steps > 0 || (vcpu->primary & PRIMARY_MONITOR_TRAP_FLAG) != 0;
}

bool vmx_step_prepare(struct vcpu *vcpu, bool wanted)
{
    bool checked = exceptions_mce()->count > 0;
    bool due = vcpu->later.due && vcpu->event.info == 0;
    u32 end;
    bool open = (due || wanted || checked) && vcpu_in_window(vcpu, &end);

    if (open)
        complete(vcpu, end);
    else
        complete_end(vcpu);
    if (due && !open)
        poison_now(vcpu);
    if (checked && !open)
        machine_check_answer(vcpu->vm, exceptions_mce(), false);
    vmx_set_primary(vcpu, PRIMARY_MONITOR_TRAP_FLAG, vcpu->later.steps > 0);
    return open;
}
