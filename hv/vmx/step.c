/*
 * Running the guest to the end of an open window.
 *
 * A window is straight code or one repeated instruction, so a breakpoint at its end is met after
 * one entry however long it is. Whatever else comes on the way exits: external interrupts and NMIs,
 * which wait for the end, and exceptions.
 */
#include <hv/cpu/cpuid.h>
#include <hv/cpu/exceptions.h>
#include <hv/recovery/machine_check.h>
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
    u32 at;

    /* A guest that waits in HLT is in front of its next instruction, which only an interrupt
     * starts. */
    if (!vcpu->vm->mirrored || vmcs_read(VMCS_GUEST_ACTIVITY_STATE) != 0)
        return false;
    at = (u32)(vmcs_read(VMCS_GUEST_CS_BASE) + vmcs_read(VMCS_GUEST_RIP));
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

bool vmx_step_wanted(const struct vcpu *vcpu)
{
    return vcpu->completion.on || vcpu->at_boundary != NULL || vcpu_is_to_stop(vcpu) ||
           exceptions_mce()->count > 0;
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
    bool due = vcpu->at_boundary != NULL && vcpu->event.info == 0;
    bool stop = vcpu_is_to_stop(vcpu);
    u32 end;

    if ((due || wanted || checked || stop) && vcpu_in_window(vcpu, &end)) {
        complete(vcpu, end);
        return true;
    }
    complete_end(vcpu);
    if (stop)
        vcpu_park(vcpu);
    if (due)
        vcpu->at_boundary(vcpu);
    if (checked)
        answer_machine_checks(vcpu);
    return false;
}
