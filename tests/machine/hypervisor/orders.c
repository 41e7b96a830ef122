#include "orders.h"

#include <hv/cpu/cpuid.h>
#include <hv/log/log.h>
#include <hv/recovery/recovery.h>
#include <hv/vcpu/boundary.h>
#include <hv/vcpu/others.h>
#include <hv/vmx/backend.h>
#include <hv/vmx/vmx.h>

static struct orders all[KMV_CPUS_MAX];
static bool steps_are_ours; /* a plan was started: flags that the guest saves may have our TF */

struct orders *orders_of(const struct vcpu *vcpu)
{
    return &all[vcpu->index];
}

void orders_set(struct vcpu *vcpu, const struct order *order)
{
    orders_of(vcpu)->order = *order;
    vcpu->at_boundary = NULL;
}

int orders_start_plan(struct vcpu *vcpu, const struct kmv_fault_plan *plan)
{
    struct orders *orders = orders_of(vcpu);
    int error = plan_start(vcpu->vm, &orders->plan, plan, orders->guest_ticks);

    if (error == 0)
        steps_are_ours = true;
    return error;
}

static void poison_planned(struct vcpu *vcpu)
{
    struct orders *orders = orders_of(vcpu);
    u32 code = (u32)(vmcs_read(VMCS_GUEST_CS_BASE) + vmcs_read(VMCS_GUEST_RIP));
    u32 target = (u32)vcpu_gpr(vcpu, REG_RDI);
    bool user = vcpu_privilege(vcpu) == 3;
    struct fault_place place = {
        .at = {code, (u32)vcpu_gpr(vcpu, REG_RSP), (u32)vcpu_gpr(vcpu, REG_RSI), target,
               target + PAGE_SIZE, user ? code : 0},
        .root = GPA(vcpu->guest_cr3 & ~(u32)PAGE_MASK),
        .user = user,
    };

    plan_strike(vcpu->vm, &orders->plan, &place, orders->guest_ticks);
}

static void poison_ordered(struct vcpu *vcpu)
{
    const struct order *order = &orders_of(vcpu)->order;
    int error = recovery_poison(vcpu->vm, order->gpa, order->where);

    if (error != 0)
        log_event("poison_refused", "gpage=0x%lx error=%d", order->gpa.v, error);
}

static void do_order(struct vcpu *vcpu)
{
    vcpu->at_boundary = NULL;
    vcpus_stop_others(vcpu);
    if (orders_of(vcpu)->order.planned)
        poison_planned(vcpu);
    else
        poison_ordered(vcpu);
    vcpus_go(vcpu);
}

void orders_boundary(struct vcpu *vcpu)
{
    struct order *order = &orders_of(vcpu)->order;

    if (order->steps == 0 || --order->steps > 0)
        return;
    if (order->vector != 0)
        vcpu_raise(vcpu, order->vector);
    else
        vcpu->at_boundary = do_order;
}

static void exit_within(struct vcpu *vcpu, u64 ticks)
{
    u64 count = ticks >> vcpu->preemption_timer_shift;

    if (!vcpu->has_preemption_timer)
        return;
    if (!vcpu->preemption_timer_on || count < vmcs_read(VMCS_PREEMPTION_TIMER))
        vmcs_write(VMCS_PREEMPTION_TIMER, count);
    vmcs_write(VMCS_PIN_BASED_CONTROLS, vcpu->pin | PIN_PREEMPTION_TIMER);
    vcpu->preemption_timer_on = true;
}

/* Behind the plan's next instant, boundaries are counted. */
static void follow_plan(struct vcpu *vcpu)
{
    struct orders *orders = orders_of(vcpu);

    if (orders->plan.left == 0 || orders->order.steps > 0 || vcpu->at_boundary != NULL)
        return;
    if (orders->guest_ticks < orders->plan.at)
        exit_within(vcpu, orders->plan.at - orders->guest_ticks);
    else
        orders->order =
            (struct order){.steps = plan_boundaries(&orders->plan) + 1, .planned = true};
}

/*
 * A timer of 0 runs out when the event is delivered, before an instruction is done (SDM vol. 3C,
 * 27.7.4). While STI or MOV SS blocks, an entry with TF would be refused (27.3.1.5). An open window
 * is run to its end first.
 */
void orders_before_entry(struct vcpu *vcpu)
{
    u64 blocked = INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS;
    struct orders *orders = orders_of(vcpu);

    follow_plan(vcpu);
    orders->stepped = orders->stepped_event = false;
    if (orders->order.steps == 0 || vcpu->completion.on)
        return;
    if (vcpu->event.info != 0) {
        orders->stepped_event = vcpu->has_preemption_timer;
        exit_within(vcpu, 0);
    } else if ((vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & blocked) == 0) {
        orders->stepped = true;
        vmcs_write(VMCS_GUEST_RFLAGS, vmcs_read(VMCS_GUEST_RFLAGS) | RFLAGS_TF);
    }
}

static void clear_step(void)
{
    vmcs_write(VMCS_GUEST_RFLAGS, vmcs_read(VMCS_GUEST_RFLAGS) & ~(u64)RFLAGS_TF);
}

void orders_after_entry(struct vcpu *vcpu, bool entered)
{
    struct orders *orders = orders_of(vcpu);

    if (orders->stepped)
        clear_step();
    orders->stepped = orders->stepped && entered;
    orders->stepped_event = orders->stepped_event && entered;
}

bool orders_take_step(struct vcpu *vcpu)
{
    bool stepped = orders_of(vcpu)->stepped;

    if (vcpu->completion.on || (vmcs_read(VMCS_EXIT_QUALIFICATION) & DEBUG_SINGLE_STEP) == 0)
        return false;
    if (stepped)
        orders_boundary(vcpu);
    else if (steps_are_ours) /* flags that the guest saved in between and has back */
        clear_step();
    return stepped || steps_are_ours;
}
