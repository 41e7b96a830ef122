#include <hv/cpu/exceptions.h>
#include <hv/exit/handlers.h>
#include <hv/recovery/machine_check.h>
#include <hv/vcpu/boundary.h>

/* WHY: #MC is how the processor tells of memory that ECC can't correct. What the guest can run on
 * without is answered at the next boundary outside windows (hv/vmx/step.c). */
enum exit_result exit_machine_check(struct vcpu *vcpu)
{
    u32 end;

    if (exceptions_collect_mce() < MCE_SRAR ||
        machine_check_answer(vcpu->vm, exceptions_mce(), vcpu_in_window(vcpu, &end)))
        return EXIT_RESUME;
    return vcpu_stop(vcpu, "machine_check", "during=guest");
}
