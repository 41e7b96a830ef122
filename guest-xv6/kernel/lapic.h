/* The local APIC of each processor: timer, end of interrupt, start of other processors. */
#ifndef LAPIC_H
#define LAPIC_H

#include <stdbool.h>
#include <stdint.h>

/* Physical address of the registers, from the MP tables or the default. */
void lapic_set_base(uint32_t base);

/* Before lapic_init, and after the one lapic_id: all processors in x2APIC mode. False: they have
 * none. */
bool lapic_use_x2apic(void);

void lapic_init(void); /* each processor; the first one measures the timer's speed */
uint8_t lapic_id(void);
void lapic_eoi(void);

/* Wakes the processor with this APIC id: it starts in real mode at AP_START. */
void lapic_start(uint8_t id);

#endif
