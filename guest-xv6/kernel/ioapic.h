/* The I/O APIC: which processor and vector a device's interrupt goes to. */
#ifndef IOAPIC_H
#define IOAPIC_H

#include <stdint.h>

void ioapic_set_base(uint32_t base); /* physical address of the registers */
void ioapic_init(void);              /* all interrupts off, the old 8259 pair too */

/* Interrupt `irq` comes to the first processor as `vector`. */
void ioapic_route(int irq, int vector);

#endif
