/* Intel 82093AA data sheet. */
#include "ioapic.h"

#include "cpu.h"
#include "x86.h"

#define PIC1_MASK 0x21
#define PIC2_MASK 0xA1

#define REG_VERSION     1
#define REG_REDIRECTION 0x10 /* two registers an input */
#define MASKED          0x10000

static volatile struct {
    uint32_t index;
    uint32_t unused[3];
    uint32_t data;
} *ioapic = (volatile void *)0xFEC00000;

void ioapic_set_base(uint32_t base)
{
    ioapic = (volatile void *)base;
}

static uint32_t get(uint32_t index)
{
    ioapic->index = index;
    return ioapic->data;
}

static void set(uint32_t index, uint32_t value)
{
    ioapic->index = index;
    ioapic->data = value;
}

void ioapic_init(void)
{
    uint32_t last = get(REG_VERSION) >> 16 & 0xFF;

    outb(PIC1_MASK, 0xFF);
    outb(PIC2_MASK, 0xFF);
    for (uint32_t i = 0; i <= last; i++) {
        set(REG_REDIRECTION + 2 * i, MASKED);
        set(REG_REDIRECTION + 2 * i + 1, 0);
    }
}

void ioapic_route(int irq, int vector)
{
    uint32_t index = REG_REDIRECTION + 2 * (uint32_t)irq;

    set(index + 1, (uint32_t)cpus[0].apic_id << 24);
    set(index, (uint32_t)vector); /* edge, active high, fixed, unmasked */
}
