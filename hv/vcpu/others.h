/*
 * What virtual processors have in common: the lock, and what one asks of the others.
 *
 * The lock guards all of struct vm, the log, and every file-static variable outside hv/cpu. A
 * processor holds it from each VM exit to the next entry, but while it waits for others here.
 *
 * A request is a bit in vcpu->requests. Who is in the guest is brought out of it by an NMI; who is
 * not looks before it enters (vmx/entry.S), and an NMI that comes after that look turns the entry
 * round. So a flush is as good as done once a processor has been seen outside the guest.
 */
#ifndef HV_VCPU_OTHERS_H
#define HV_VCPU_OTHERS_H

#include <hv/cpu/processor.h>
#include <hv/vcpu/vcpu.h>

enum vcpu_request {
    REQUEST_FLUSH_EPT = 1,   /* lose all guest-physical translations */
    REQUEST_FLUSH_GUEST = 2, /* lose all linear translations */
    REQUEST_STOP = 4         /* stop at the next boundary outside windows */
};

extern struct vcpu vcpus[KMV_CPUS_MAX];
extern u32 vcpu_count;    /* set at boot */
extern u32 vcpus_waiting; /* for their start-up interrupt; guarded by the lock */

void vcpu_lock(struct vcpu *vcpu);
void vcpu_unlock(struct vcpu *vcpu);

/* Starts one that waits, in real mode at the page `vector`. */
void vcpu_start(struct vcpu *target, u8 vector);

/* Until it is started; without the lock meanwhile. Returns the vector. */
u8 vcpu_wait(struct vcpu *vcpu);

/* Before an entry, with the lock: does the flushes that others asked for. */
void vcpu_serve(struct vcpu *vcpu);

/* Does another one want this one to stop? */
bool vcpu_is_to_stop(const struct vcpu *vcpu);

/* This one has come to a boundary outside windows: waits, without the lock, until the one that
 * asked lets it go. */
void vcpu_park(struct vcpu *vcpu);

/*
 * Stops all others at boundaries outside their windows, so that no native write of theirs lacks its
 * mirror, until vcpus_go. To be called outside windows, and before anything shared has been looked
 * at: until they have stopped, the lock is free, for exits on their way there need it.
 */
void vcpus_stop_others(struct vcpu *vcpu);
void vcpus_go(struct vcpu *vcpu);

/* Asks all others for a flush, and waits until none runs the guest without it. */
void vcpus_request_flush(enum vcpu_request flush);

#endif
