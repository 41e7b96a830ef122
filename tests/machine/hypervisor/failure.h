/* Breaks the hypervisor on purpose. */
#ifndef TESTS_FAILURE_H
#define TESTS_FAILURE_H

#include <hv/vcpu/vcpu.h>

/* Hypercalls from this number on do. */
#define FAILURE_BASE 0x4b4d5600u

enum exit_result test_failure(struct vcpu *vcpu, u32 number);

#endif
