/* The hypercalls of the hypervisor that is built for tests. */
#ifndef TESTS_CALLS_H
#define TESTS_CALLS_H

#include <hv/vcpu/vcpu.h>

/* False: it is none of them. */
bool calls_answer(struct vcpu *vcpu, enum exit_result *result);

#endif
