/* Intel MultiProcessor Specification 1.4, chapter 4. */
#include "mp.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cpu.h"
#include "ioapic.h"
#include "lapic.h"
#include "memlayout.h"
#include "string.h"
#include "x86.h"

struct floating_pointer {
    char signature[4]; /* "_MP_" */
    uint32_t config;   /* physical address of the configuration table */
    uint8_t length;    /* in units of 16 bytes */
    uint8_t version, checksum, type, imcr, unused[3];
};

struct config_header {
    char signature[4]; /* "PCMP" */
    uint16_t length;
    uint8_t version, checksum;
    char product[20];
    uint32_t oem_table;
    uint16_t oem_length, entries;
    uint32_t lapic;
    uint16_t extended_length;
    uint8_t extended_checksum, unused;
};

struct processor_entry {
    uint8_t type, apic_id, apic_version, flags;
    uint8_t unused[16];
};

struct ioapic_entry {
    uint8_t type, id, version, flags;
    uint32_t address;
};

enum { ENTRY_PROCESSOR, ENTRY_BUS, ENTRY_IOAPIC, ENTRY_IO_INTERRUPT, ENTRY_LOCAL_INTERRUPT };

#define PROCESSOR_ENABLED 0x01
#define IOAPIC_ENABLED    0x01
#define IMCR_PRESENT      0x80
#define IMCR_SELECT       0x22
#define IMCR_DATA         0x23

#define BDA_EBDA_SEGMENT 0x40E
#define BASE_MEMORY_END  0xA0000

static bool sums_to_zero(const void *start, uint32_t bytes)
{
    const uint8_t *at = start;
    uint8_t sum = 0;

    while (bytes-- > 0)
        sum = (uint8_t)(sum + *at++);
    return sum == 0;
}

static const struct floating_pointer *search(uint32_t from, uint32_t bytes)
{
    for (uint32_t pa = from; pa < from + bytes; pa += sizeof(struct floating_pointer)) {
        const struct floating_pointer *p = P2V(pa);
        if (memcmp(p->signature, "_MP_", 4) == 0 && sums_to_zero(p, sizeof(*p)))
            return p;
    }
    return NULL;
}

/* The three places that the specification names: extended BIOS data, the last KiB of base memory,
 * the BIOS. */
static const struct floating_pointer *find_floating_pointer(void)
{
    uint32_t ebda = (uint32_t) * (const volatile uint16_t *)P2V(BDA_EBDA_SEGMENT) << 4;
    const struct floating_pointer *p = NULL;

    if (ebda != 0 && ebda < BASE_MEMORY_END)
        p = search(ebda, 1024);
    if (p == NULL)
        p = search(BASE_MEMORY_END - 1024, 1024);
    if (p == NULL)
        p = search(0xF0000, 0x10000);
    return p;
}

static const struct config_header *config_of(const struct floating_pointer *p)
{
    const struct config_header *config;

    if (p == NULL || p->config == 0 || p->config >= EXTMEM)
        return NULL;
    config = P2V(p->config);
    if (memcmp(config->signature, "PCMP", 4) != 0 || !sums_to_zero(config, config->length))
        return NULL;
    return config;
}

/* The processor that boots is cpus[0]; the others follow in the tables' order. */
static void add_processor(const struct processor_entry *entry)
{
    if ((entry->flags & PROCESSOR_ENABLED) == 0 || entry->apic_id == cpus[0].apic_id ||
        cpu_count == NCPU)
        return;
    cpus[cpu_count++].apic_id = entry->apic_id;
}

static void add_ioapic(const struct ioapic_entry *entry)
{
    if (entry->flags & IOAPIC_ENABLED)
        ioapic_set_base(entry->address);
}

static uint32_t entry_size(uint8_t type)
{
    return type == ENTRY_PROCESSOR ? sizeof(struct processor_entry) : sizeof(struct ioapic_entry);
}

static void read_entries(const struct config_header *config)
{
    const uint8_t *at = (const uint8_t *)(config + 1);
    const uint8_t *end = (const uint8_t *)config + config->length;

    for (; at < end && *at <= ENTRY_LOCAL_INTERRUPT; at += entry_size(*at)) {
        if (*at == ENTRY_PROCESSOR)
            add_processor((const struct processor_entry *)at);
        else if (*at == ENTRY_IOAPIC)
            add_ioapic((const struct ioapic_entry *)at);
    }
}

void mp_init(void)
{
    const struct floating_pointer *p = find_floating_pointer();
    const struct config_header *config = config_of(p);

    if (config != NULL)
        lapic_set_base(config->lapic);
    cpus[0].apic_id = lapic_id();
    if (config == NULL)
        return;
    read_entries(config);
    if (p->imcr & IMCR_PRESENT) { /* interrupts through the APIC instead of the 8259s */
        outb(IMCR_SELECT, 0x70);
        outb(IMCR_DATA, (uint8_t)(inb(IMCR_DATA) | 1));
    }
}
