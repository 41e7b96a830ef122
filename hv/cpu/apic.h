/* The local APIC, at its usual address as the guest's is or in x2APIC mode, and its command
 * register. SDM vol. 3A, 11.4.1, 11.6, 11.12. */
#ifndef HV_CPU_APIC_H
#define HV_CPU_APIC_H

#include <hv/types.h>

#define LOCAL_APIC_PAGE   0xfee00000u
#define APIC_COMMAND_LOW  0x300u
#define APIC_COMMAND_HIGH 0x310u

static inline volatile u32 *apic_register(u64 offset)
{
    return (volatile u32 *)(LOCAL_APIC_PAGE + offset);
}

#define APIC_NMI     0x4400u /* level asserted, as all below */
#define APIC_INIT    0x4500u
#define APIC_STARTUP 0x4600u /* | number of the page to start in */

/* Sends a command to the processor with this id. The guest has the same register and may be about
 * to use it: its upper half is kept. */
void apic_send(u32 apic_id, u32 command);

/* Waits for about this long: each access to port 0x80 takes a microsecond on a PC. */
void apic_delay(u32 microseconds);

#endif
