/*
 * MultiProcessor tables, which tell the guest of its processors and of its I/O APIC.
 * MultiProcessor Specification 1.4, chapter 4. Builds for EFI and on the host.
 */
#ifndef LOADER_MPTABLE_H
#define LOADER_MPTABLE_H

#include <stdint.h>

/* Where the specification lets guests look, in memory that their map calls reserved. */
#define MPTABLE_ADDRESS 0xF0000u

struct mptable_input {
    const uint32_t *cpu_apic; /* local APIC ids; the first processor is the one that boots */
    uint32_t cpu_count;
    uint32_t cpu_signature;   /* CPUID.1:EAX */
    uint32_t cpu_features;    /* CPUID.1:EDX */
    uint32_t io_apic_id;      /* I/O APIC's register 0 */
    uint32_t io_apic_version; /* and register 1 */
};

/* Writes the floating pointer and the configuration table to out, the guest's memory at
 * MPTABLE_ADDRESS: the processors, an ISA bus, one I/O APIC. Returns the bytes written. */
uint32_t mptable_write(const struct mptable_input *input, uint8_t *out);

#endif
