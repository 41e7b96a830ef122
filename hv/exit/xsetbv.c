#include <hv/cpu/cpuid.h>
#include <hv/cpu/exceptions.h>
#include <hv/cpu/msr.h>
#include <hv/exit/handlers.h>

/* WHY: the exit is unconditional. The hypervisor has no extended state of its own, so the guest's
 * XCR0 is loaded as it is; a value that the processor refuses is the guest's fault. */
enum exit_result exit_xsetbv(struct vcpu *vcpu)
{
    u64 value = vcpu_gpr(vcpu, REG_RDX) << 32 | (u32)vcpu_gpr(vcpu, REG_RAX);

    if ((vcpu_control(vcpu, VCPU_CR4) & CR4_OSXSAVE) == 0)
        return vcpu_inject(vcpu, VECTOR_UD, false, 0);
    if (vcpu_privilege(vcpu) != 0 || !xcr_try_write((u32)vcpu_gpr(vcpu, REG_RCX), value))
        return vcpu_inject(vcpu, VECTOR_GP, true, 0);
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}
