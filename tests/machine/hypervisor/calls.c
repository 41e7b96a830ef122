#include "calls.h"

#include <hv/vm/guestmem.h>

#include "failure.h"
#include "orders.h"

/* Vectors below are those of exceptions. */
#define FIRST_INTERRUPT 32u

/* The VMCALL's own end is the first boundary. */
static int poison_later(struct vcpu *vcpu, u32 gpa, u32 order)
{
    u32 where = order & ((1u << KMV_LATER_SHIFT) - 1);
    enum vm_side side;
    gpa_t page;

    if (!vm_ram_side(vcpu->vm, GPA(gpa), &side, &page) || side != SIDE_NATIVE ||
        (where & ~KMV_POISON_FORCE) > KMV_POISON_BOTH)
        return -HV_EINVAL;
    orders_set(vcpu, &(struct order){
                         .steps = (order >> KMV_LATER_SHIFT) + 1, .gpa = page, .where = where});
    return 0;
}

static int interrupt_later(struct vcpu *vcpu, u32 vector, u32 order)
{
    if (!vcpu->vm->mirrored)
        return -HV_EOPNOTSUPP;
    if (vector == 0) {
        orders_set(vcpu, &(struct order){0});
        return 0;
    }
    if (vector < FIRST_INTERRUPT || vector >= VCPU_VECTORS)
        return -HV_EINVAL;
    orders_set(vcpu,
               &(struct order){.steps = (order >> KMV_LATER_SHIFT) + 1, .vector = (u8)vector});
    return 0;
}

static int faults(struct vcpu *vcpu, u32 gpa, u32 bytes)
{
    struct kmv_fault_plan plan;
    u32 left = orders_of(vcpu)->plan.left;
    int error;

    if (gpa == 0 && bytes == 0)
        return (int)left;
    if (!vcpu->vm->mirrored)
        return -HV_EOPNOTSUPP;
    if (bytes != sizeof(plan))
        return -HV_EINVAL;
    error = guest_read(vcpu->vm, GPA(gpa), &plan, sizeof(plan));
    if (error == 0)
        error = orders_start_plan(vcpu, &plan);
    return error == 0 ? (int)left : error;
}

bool calls_answer(struct vcpu *vcpu, enum exit_result *result)
{
    static int (*const calls[KMV_HC_COUNT])(struct vcpu *, u32, u32) = {
        [KMV_HC_POISON_LATER] = poison_later,
        [KMV_HC_INTERRUPT_LATER] = interrupt_later,
        [KMV_HC_FAULTS] = faults,
    };
    u32 number = (u32)vcpu_gpr(vcpu, REG_RAX);
    u32 first = (u32)vcpu_gpr(vcpu, REG_RBX), second = (u32)vcpu_gpr(vcpu, REG_RCX);

    if (vcpu_privilege(vcpu) != 0)
        return false;
    *result = EXIT_RESUME;
    if (number >= FAILURE_BASE) {
        *result = test_failure(vcpu, number - FAILURE_BASE);
        return true;
    }
    if (number >= KMV_HC_COUNT || calls[number] == NULL)
        return false;
    vcpu_set_gpr(vcpu, REG_RAX, (u32)calls[number](vcpu, first, second));
    vcpu_skip_instruction(vcpu);
    return true;
}
