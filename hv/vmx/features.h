/* What the processor must have, and the control words it allows. */
#ifndef HV_VMX_FEATURES_H
#define HV_VMX_FEATURES_H

#include <hv/types.h>

struct vmx_controls {
    u32 pin, primary, secondary, exit, entry;
    u32 has_preemption_timer; /* 1: allowed, not set in `pin` */
};

/*
 * Checks everything the hypervisor needs and computes the control words (SDM vol. 3D, appendix A.2
 * to A.5). `mirrored` adds the exits that the mirror needs. Lists every missing capability, by
 * name, comma-separated, in `missing`
 * (`size` bytes); true when none is.
 */
bool vmx_features_check(bool mirrored, struct vmx_controls *controls, char *missing, size_t size);

#endif
