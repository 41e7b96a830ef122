/*
 * The hypervisor that is built for tests goes around entry and exit (hv/vmx/backend.h): it counts
 * the boundaries between the guest's instructions, and answers hypercalls that the product lacks.
 */
#include <hv/cpu/cpuid.h>
#include <hv/cpu/exceptions.h>
#include <hv/vmx/backend.h>
#include <hv/vmx/vmx.h>

#include "calls.h"
#include "orders.h"

/* Basic exit reasons, SDM vol. 3D, appendix C. */
enum { EXCEPTION_OR_NMI = 0, VMCALL = 18, PREEMPTION_TIMER = 52 };

bool vmx_hooked_enter(struct vcpu *vcpu)
{
    u64 entered_at;
    bool entered;

    orders_before_entry(vcpu);
    entered_at = tsc_read();
    entered = vmx_enter_guest(vcpu);
    orders_of(vcpu)->guest_ticks += tsc_read() - entered_at;
    orders_after_entry(vcpu, entered);
    return entered;
}

static bool is_debug(void)
{
    u32 info = (u32)vmcs_read(VMCS_EXIT_INTERRUPTION_INFO);

    return INTERRUPTION_TYPE(info) != INTERRUPTION_NMI && INTERRUPTION_VECTOR(info) == VECTOR_DB;
}

static bool take_step(struct vcpu *vcpu)
{
    if (!is_debug() || !orders_take_step(vcpu))
        return false;
    if (vcpu->event.info == 0)
        vmx_nmi_reblock((u32)vmcs_read(VMCS_EXIT_INTERRUPTION_INFO));
    return true;
}

/* An instruction that was done in the guest's place leaves it at another one. */
enum exit_result vmx_hooked_dispatch(struct vcpu *vcpu)
{
    u32 reason = (u32)vmcs_read(VMCS_EXIT_REASON);
    u64 rip = vcpu_rip(vcpu);
    enum exit_result result;

    if (reason == EXCEPTION_OR_NMI && take_step(vcpu))
        return EXIT_RESUME;
    if (reason == PREEMPTION_TIMER && orders_of(vcpu)->stepped_event)
        orders_boundary(vcpu);
    if (reason != VMCALL || !calls_answer(vcpu, &result))
        result = vmx_dispatch(vcpu);
    if (vcpu_rip(vcpu) != rip)
        orders_boundary(vcpu);
    return result;
}
