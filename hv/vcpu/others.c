#include <hv/vcpu/others.h>

#include <hv/cpu/apic.h>
#include <hv/log/log.h>
#include <hv/mm/tlb.h>
#include <stdatomic.h>

#define STARTUP_ARRIVED   0x100u
#define KICK_MICROSECONDS 50

struct vcpu vcpus[KMV_CPUS_MAX];
u32 vcpu_count = 1, vcpus_waiting;

/* A ticket lock: who comes first enters first. */
static struct {
    _Atomic u32 next, serving;
} lock;

static struct vcpu
    *_Atomic stopper; /* who has the others stopped, or waits for it; guarded by the lock */

void vcpu_lock(struct vcpu *vcpu)
{
    u32 ticket;

    if (vcpu_count == 1)
        return;
    vcpu->place = VCPU_OUTSIDE;
    ticket = lock.next++;
    while (lock.serving != ticket)
        processor_pause();
    vcpu->vm->mirror.self = &vcpu->vm->mirror.cpus[vcpu->index];
    vcpu->vm->mirror.alone = stopper == vcpu || vcpu_count - vcpus_waiting == 1;
}

void vcpu_unlock(struct vcpu *vcpu)
{
    if (vcpu_count == 1)
        return;
    vcpu->place = VCPU_INSIDE;
    lock.serving++;
}

/* An NMI that comes between the other's look and its HLT wakes nobody, hence more than one. One
 * that has not come to the wait yet finds the vector there. */
void vcpu_start(struct vcpu *target, u8 vector)
{
    target->waits = false;
    vcpus_waiting--;
    target->startup = STARTUP_ARRIVED | vector;
    while (target->place == VCPU_WAITING && target->startup != 0) {
        processor_kick(&processors[target->index]);
        apic_delay(KICK_MICROSECONDS);
    }
}

u8 vcpu_wait(struct vcpu *vcpu)
{
    u32 startup;

    vcpu->place = VCPU_WAITING;
    lock.serving++;
    while ((startup = atomic_exchange(&vcpu->startup, 0)) == 0)
        __asm__ volatile("hlt" : : : "memory");
    vcpu_lock(vcpu);
    log_event("startup", "cpu=%u vector=0x%x", vcpu->index, startup & ~STARTUP_ARRIVED);
    return (u8)startup;
}

static void request(const struct vcpu *self, u32 what)
{
    for (u32 i = 0; i < vcpu_count; i++) {
        if (&vcpus[i] == self)
            continue;
        vcpus[i].requests |= what;
        if (vcpus[i].place == VCPU_INSIDE)
            processor_kick(&processors[i]);
    }
}

void vcpus_request_flush(enum vcpu_request flush)
{
    const struct vcpu *self;

    if (vcpu_count == 1)
        return;
    self = &vcpus[processor_self()->index];
    request(self, flush);
    for (u32 i = 0; i < vcpu_count; i++) {
        while (&vcpus[i] != self && vcpus[i].place == VCPU_INSIDE && (vcpus[i].requests & flush))
            processor_pause();
    }
}

void vcpu_serve(struct vcpu *vcpu)
{
    u32 requests;

    if (vcpu_count == 1 || vcpu->requests == 0)
        return;
    requests = atomic_exchange(&vcpu->requests, 0);
    if (requests & REQUEST_FLUSH_EPT)
        tlb_flush_ept_here();
    if (requests & (REQUEST_FLUSH_EPT | REQUEST_FLUSH_GUEST))
        tlb_flush_guest();
}

bool vcpu_is_to_stop(const struct vcpu *vcpu)
{
    return stopper != NULL && stopper != vcpu;
}

void vcpu_park(struct vcpu *vcpu)
{
    const struct vcpu *who = stopper;

    vcpu->place = VCPU_PARKED;
    lock.serving++;
    while (stopper == who)
        processor_pause();
    vcpu_lock(vcpu);
}

void vcpus_stop_others(struct vcpu *vcpu)
{
    if (vcpu_count == 1)
        return;
    while (stopper != NULL)
        vcpu_park(vcpu);
    stopper = vcpu;
    request(vcpu, REQUEST_STOP);
    lock.serving++;
    for (u32 i = 0; i < vcpu_count; i++) {
        while (&vcpus[i] != vcpu && vcpus[i].place < VCPU_WAITING)
            processor_pause();
    }
    vcpu_lock(vcpu);
}

void vcpus_go(struct vcpu *vcpu)
{
    if (stopper == vcpu)
        stopper = NULL;
}
