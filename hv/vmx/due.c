/*
 * What the hypervisor does of itself, at the guest's exits, and the timer that makes an exit when
 * the guest needs none. Processors without the timer do it at the guest's next exit.
 */
#include <hv/cpu/cpuid.h>
#include <hv/log/queue.h>
#include <hv/vcpu/boundary.h>
#include <hv/vcpu/others.h>
#include <hv/vmx/backend.h>
#include <hv/vmx/vmx.h>

#define NEVER 0xffffffffull

/* Time for the UART to send a FIFO's worth of bytes, 16 of 87 microseconds, in TSC ticks of a slow
 * machine: 50 MHz. To ask earlier does no harm, but costs exits that have other things to do. */
#define LOG_PUMP_TICKS 70000u

/* What it costs to find out that the guest is in a window; asked again so that this, too, keeps the
 * budget: a guest that fills page after page is in windows for most of the time. */
#define QUESTION_TICKS 2200u

/* Ticks until the UART is to be handed bytes again; there are some. */
static u64 pump(void)
{
    static u64 due;
    u64 now = tsc_read();

    if (now >= due && log_queue_pump())
        due = now + LOG_PUMP_TICKS;
    return due > now ? due - now : NEVER;
}

/* Ticks until the next slice is due. */
static u64 scrub(struct vcpu *vcpu)
{
    struct scrub *scrub = &vcpu->vm->scrub;
    u64 now = tsc_read();
    u32 end;

    if (now >= scrub->due && (vcpu->event.info != 0 || vcpu_in_window(vcpu, &end))) {
        scrub->due = now + QUESTION_TICKS * 1000 / scrub->permille;
    } else if (now >= scrub->due) {
        vcpus_stop_others(vcpu);
        scrub_slice(vcpu->vm);
        vcpus_go(vcpu);
    }
    return scrub->due > now ? scrub->due - now : 0;
}

static void set_timer(struct vcpu *vcpu, u64 ticks)
{
    bool wanted = ticks < NEVER && vcpu->has_preemption_timer;

    if (wanted)
        vmcs_write(VMCS_PREEMPTION_TIMER, ticks >> vcpu->preemption_timer_shift);
    if (wanted == vcpu->preemption_timer_on)
        return;
    vcpu->preemption_timer_on = wanted;
    vmcs_write(VMCS_PIN_BASED_CONTROLS, wanted ? vcpu->pin | PIN_PREEMPTION_TIMER : vcpu->pin);
}

void vmx_do_due(struct vcpu *vcpu)
{
    u64 ticks = log_queue_is_empty() ? NEVER : pump();

    if (vcpu->vm->scrub.permille > 0)
        ticks = min_u64(ticks, scrub(vcpu));
    set_timer(vcpu, ticks);
}
