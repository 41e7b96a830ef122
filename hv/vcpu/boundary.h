/*
 * What happens only between two instructions of the guest at which no window is open: external
 * interrupts and NMIs, so that no context is ever preempted inside a window, and the loss of a page
 * by decree. Implemented by the vendor's backend (hv/vmx/step.c).
 */
#ifndef HV_VCPU_BOUNDARY_H
#define HV_VCPU_BOUNDARY_H

#include <hv/vcpu/vcpu.h>

/* Is the guest, as it stands, between a native write and its mirror write? *end: where that ends.
 */
bool vcpu_in_window(struct vcpu *vcpu, u32 *end);

/* The guest gets the external interrupt as soon as it takes it. */
void vcpu_raise(struct vcpu *vcpu, u8 vector);

/* `later` is done when the guest has passed later->steps boundaries more: events count, and each
 * iteration of a repeated instruction. Replaces what was ordered before. The guest can tell: flags
 * that it saves meanwhile have TF set. */
void vcpu_do_later(struct vcpu *vcpu, const struct later *later);

#endif
