/* Hypercalls from this number on break the hypervisor, in builds with TEST_FAULTS=1. */
#ifndef TESTS_MACHINE_FAULT_H
#define TESTS_MACHINE_FAULT_H

#include <hv/vcpu/vcpu.h>

#define TEST_FAULT_BASE 0x4b4d5600u

enum exit_result test_fault(struct vcpu *vcpu, u32 number);

#endif
