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

#endif
