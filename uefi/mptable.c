#include "mptable.h"

#include <stddef.h>
#include <string.h>

#define LOCAL_APIC_GPA 0xFEE00000u
#define IO_APIC_GPA    0xFEC00000u
#define ISA_IRQS       16

struct floating_pointer {
    char signature[4];
    uint32_t table;
    uint8_t length; /* in 16 bytes */
    uint8_t revision;
    uint8_t checksum;
    uint8_t features[5];
} __attribute__((packed));
_Static_assert(sizeof(struct floating_pointer) == 16, "MP 1.4, 4.1");

struct table_header {
    char signature[4];
    uint16_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem[8];
    char product[12];
    uint32_t oem_table;
    uint16_t oem_size;
    uint16_t entries;
    uint32_t local_apic;
    uint16_t extended_length;
    uint8_t extended_checksum;
    uint8_t reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct table_header) == 44, "MP 1.4, 4.2");

struct processor_entry {
    uint8_t type, apic_id, apic_version, flags;
    uint32_t signature, features;
    uint32_t reserved[2];
} __attribute__((packed));
_Static_assert(sizeof(struct processor_entry) == 20, "MP 1.4, 4.3.1");

struct bus_entry {
    uint8_t type, id;
    char name[6];
} __attribute__((packed));

struct io_apic_entry {
    uint8_t type, id, version, flags;
    uint32_t address;
} __attribute__((packed));

struct interrupt_entry {
    uint8_t type, kind;
    uint16_t flags;
    uint8_t bus, irq, apic, pin;
} __attribute__((packed));

enum {
    ENTRY_PROCESSOR = 0,
    ENTRY_BUS = 1,
    ENTRY_IO_APIC = 2,
    ENTRY_IO_INTERRUPT = 3,
    ENTRY_LOCAL_INTERRUPT = 4
};
enum { KIND_INT = 0, KIND_NMI = 1, KIND_EXTINT = 3 };
enum { PROCESSOR_ENABLED = 1, PROCESSOR_BOOT = 2, IO_APIC_ENABLED = 1, ALL_LOCAL_APICS = 0xFF };
enum { LOCAL_APIC_VERSION = 0x14 };

/* What follows the processors' entries: kinds of entries come in ascending order (MP 1.4, 4.3). */
struct other_entries {
    struct bus_entry bus;
    struct io_apic_entry io_apic;
    struct interrupt_entry interrupts[ISA_IRQS];
    struct interrupt_entry local[2];
} __attribute__((packed));
enum { OTHER_ENTRIES = 2 + ISA_IRQS + 2 };

static uint8_t checksum(const uint8_t *data, uint32_t bytes)
{
    uint8_t sum = 0;

    while (bytes-- > 0)
        sum = (uint8_t)(sum + *data++);
    return (uint8_t)-sum;
}

static uint8_t *append(uint8_t *at, const void *entry, uint32_t size)
{
    memcpy(at, entry, size);
    return at + size;
}

static uint8_t *append_processor(uint8_t *at, const struct mptable_input *input, uint32_t index)
{
    struct processor_entry processor = {
        .type = ENTRY_PROCESSOR,
        .apic_id = (uint8_t)input->cpu_apic[index],
        .apic_version = LOCAL_APIC_VERSION,
        .flags = PROCESSOR_ENABLED | (index == 0 ? PROCESSOR_BOOT : 0),
        .signature = input->cpu_signature,
        .features = input->cpu_features,
    };
    return append(at, &processor, sizeof(processor));
}

static uint8_t *append_others(uint8_t *at, const struct mptable_input *input)
{
    uint8_t id = input->io_apic_id >> 24 & 0xF;
    struct other_entries others = {
        .bus = {ENTRY_BUS, 0, {'I', 'S', 'A', ' ', ' ', ' '}},
        .io_apic = {ENTRY_IO_APIC, id, (uint8_t)input->io_apic_version, IO_APIC_ENABLED,
                    IO_APIC_GPA},
        .local = {{ENTRY_LOCAL_INTERRUPT, KIND_EXTINT, 0, 0, 0, ALL_LOCAL_APICS, 0},
                  {ENTRY_LOCAL_INTERRUPT, KIND_NMI, 0, 0, 0, ALL_LOCAL_APICS, 1}},
    };

    /* The timer's IRQ 0 arrives at pin 2 on every PC with an 8259 behind pin 0. */
    for (uint8_t irq = 0; irq < ISA_IRQS; irq++)
        others.interrupts[irq] = (struct interrupt_entry){
            ENTRY_IO_INTERRUPT, KIND_INT, 0, 0, irq, id, irq == 0 ? 2 : irq};
    return append(at, &others, sizeof(others));
}

static void write_pointer(uint8_t *out)
{
    struct floating_pointer pointer = {
        {'_', 'M', 'P', '_'}, MPTABLE_ADDRESS + sizeof(pointer), 1, 4, 0, {0}};

    memcpy(out, &pointer, sizeof(pointer));
    out[offsetof(struct floating_pointer, checksum)] = checksum(out, sizeof(pointer));
}

/* Of a table whose entries end at `end`. */
static void write_header(uint8_t *out, const uint8_t *end, uint32_t entries)
{
    struct table_header header = {
        .signature = {'P', 'C', 'M', 'P'},
        .length = (uint16_t)(end - out),
        .revision = 4,
        .oem = {'K', 'M', 'E', 'M', 'V', 'I', 'S', 'O'},
        .product = {'K', 'M', 'E', 'M', 'V', 'I', 'S', 'O', 'R', ' ', ' ', ' '},
        .entries = (uint16_t)entries,
        .local_apic = LOCAL_APIC_GPA,
    };

    memcpy(out, &header, sizeof(header));
    out[offsetof(struct table_header, checksum)] = checksum(out, header.length);
}

uint32_t mptable_write(const struct mptable_input *input, uint8_t *out)
{
    uint8_t *table = out + sizeof(struct floating_pointer);
    uint8_t *at = table + sizeof(struct table_header);

    for (uint32_t i = 0; i < input->cpu_count; i++)
        at = append_processor(at, input, i);
    at = append_others(at, input);
    write_header(table, at, input->cpu_count + OTHER_ENTRIES);
    write_pointer(out);
    return (uint32_t)(at - out);
}
