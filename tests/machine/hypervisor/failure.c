/* One way a number (test_faults.py). */
#include "failure.h"

#include <hv/platform/panic.h>
#include <hv/vmx/vmx.h>

#define PRIMARY_RDTSC_EXITING (1u << 12)

enum failure {
    FAILURE_EXCEPTION,
    FAILURE_PAGE,
    FAILURE_STACK,
    FAILURE_PANIC,
    FAILURE_GUEST_FLAGS,
    FAILURE_GUEST_CODE_SEGMENT,
    FAILURE_CONTROL,
    FAILURE_HOST,
    FAILURE_EXIT
};

static u32 recurse(volatile u32 *depth)
{
    volatile u8 room[512];

    room[0] = (u8)*depth;
    if (++*depth == ~0u)
        return 0;
    return recurse(depth) + room[0];
}

static void read_nowhere(void)
{
    (void)*(volatile u8 *)0x7f0000000000;
}

enum exit_result test_failure(struct vcpu *vcpu, u32 number)
{
    volatile u32 depth = 0;

    switch ((enum failure)number) {
    case FAILURE_EXCEPTION:
        __asm__ volatile("ud2");
        break;
    case FAILURE_PAGE:
        read_nowhere();
        break;
    case FAILURE_STACK:
        recurse(&depth);
        break;
    case FAILURE_PANIC:
        panic("asked for");
    case FAILURE_GUEST_FLAGS:
        vmcs_write(VMCS_GUEST_RFLAGS, 0);
        return EXIT_RESUME;
    case FAILURE_GUEST_CODE_SEGMENT:
        vmcs_write(VMCS_GUEST_CS_ACCESS_RIGHTS, 0xc01b);
        return EXIT_RESUME;
    case FAILURE_CONTROL:
        vmcs_write(VMCS_CR3_TARGET_COUNT, 9);
        return EXIT_RESUME;
    case FAILURE_HOST:
        vmcs_write(VMCS_HOST_CS_SELECTOR, 0xb);
        return EXIT_RESUME;
    case FAILURE_EXIT:
        vmcs_write(VMCS_PRIMARY_CONTROLS, vcpu->primary | PRIMARY_RDTSC_EXITING);
        break;
    }
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}
