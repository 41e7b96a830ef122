#include <hv/cpu/cpuid.h>
#include <hv/cpu/processor.h>
#include <hv/lib/string.h>
#include <hv/platform/mptable.h>
#include <hv/vm/guestmem.h>
#include <hv/vm/vm.h>

#define MPTABLE_GPA    0xf0000u
#define LOCAL_APIC_GPA 0xfee00000u
#define IO_APIC_GPA    0xfec00000u
#define ISA_IRQS       16

struct floating_pointer {
    char signature[4];
    u32 table;
    u8 length; /* in 16 bytes */
    u8 revision;
    u8 checksum;
    u8 features[5];
} __attribute__((packed));
_Static_assert(sizeof(struct floating_pointer) == 16, "MP 1.4, 4.1");

struct table_header {
    char signature[4];
    u16 length;
    u8 revision;
    u8 checksum;
    char oem[8];
    char product[12];
    u32 oem_table;
    u16 oem_size;
    u16 entries;
    u32 local_apic;
    u16 extended_length;
    u8 extended_checksum;
    u8 reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct table_header) == 44, "MP 1.4, 4.2");

struct processor_entry {
    u8 type, apic_id, apic_version, flags;
    u32 signature, features;
    u32 reserved[2];
} __attribute__((packed));
_Static_assert(sizeof(struct processor_entry) == 20, "MP 1.4, 4.3.1");

struct bus_entry {
    u8 type, id;
    char name[6];
} __attribute__((packed));

struct io_apic_entry {
    u8 type, id, version, flags;
    u32 address;
} __attribute__((packed));

struct interrupt_entry {
    u8 type, kind;
    u16 flags;
    u8 bus, irq, apic, pin;
} __attribute__((packed));

enum {
    ENTRY_PROCESSOR = 0,
    ENTRY_BUS = 1,
    ENTRY_IO_APIC = 2,
    ENTRY_IO_INTERRUPT = 3,
    ENTRY_LOCAL_INTERRUPT = 4
};
enum { KIND_INT = 0, KIND_NMI = 1, KIND_EXTINT = 3 };
enum { PROCESSOR_ENABLED = 1, PROCESSOR_BOOT = 2, IO_APIC_ENABLED = 1, ALL_LOCAL_APICS = 0xff };

struct tables {
    struct floating_pointer pointer;
    struct table_header header;
    struct bus_entry bus;
    struct io_apic_entry io_apic;
    struct interrupt_entry interrupts[ISA_IRQS];
    struct interrupt_entry local[2];
    struct processor_entry processors[KMV_CPUS_MAX]; /* as many as there are */
} __attribute__((packed));

static u8 checksum(const void *data, size_t bytes)
{
    const u8 *byte = data;
    u8 sum = 0;

    while (bytes-- > 0)
        sum = (u8)(sum + *byte++);
    return (u8)-sum;
}

/* IOREGSEL and IOWIN of the I/O APIC, whose page is identity mapped. */
static u32 io_apic_read(u32 index)
{
    volatile u32 *registers = (volatile u32 *)(u64)IO_APIC_GPA;

    registers[0] = index;
    return registers[4];
}

static void fill_entries(struct tables *tables, u32 count)
{
    struct cpuid id = cpuid(1, 0);
    u8 io_apic_id = io_apic_read(0) >> 24 & 0xf;

    for (u32 i = 0; i < count; i++)
        tables->processors[i] =
            (struct processor_entry){ENTRY_PROCESSOR,
                                     (u8)processors[i].apic_id,
                                     0x14,
                                     PROCESSOR_ENABLED | (i == 0 ? PROCESSOR_BOOT : 0),
                                     id.eax,
                                     id.edx,
                                     {0, 0}};
    tables->bus = (struct bus_entry){ENTRY_BUS, 0, {'I', 'S', 'A', ' ', ' ', ' '}};
    tables->io_apic = (struct io_apic_entry){ENTRY_IO_APIC, io_apic_id, (u8)io_apic_read(1),
                                             IO_APIC_ENABLED, IO_APIC_GPA};
    /* The timer's IRQ 0 arrives at pin 2 on every PC with an 8259 behind pin 0. */
    for (u8 irq = 0; irq < ISA_IRQS; irq++)
        tables->interrupts[irq] = (struct interrupt_entry){
            ENTRY_IO_INTERRUPT, KIND_INT, 0, 0, irq, io_apic_id, irq == 0 ? 2 : irq};
    tables->local[0] =
        (struct interrupt_entry){ENTRY_LOCAL_INTERRUPT, KIND_EXTINT, 0, 0, 0, ALL_LOCAL_APICS, 0};
    tables->local[1] =
        (struct interrupt_entry){ENTRY_LOCAL_INTERRUPT, KIND_NMI, 0, 0, 0, ALL_LOCAL_APICS, 1};
}

static void fill_headers(struct tables *tables, u32 count)
{
    u16 length = (u16)(offsetof(struct tables, processors[count]) - sizeof(tables->pointer));

    tables->header = (struct table_header){
        .signature = {'P', 'C', 'M', 'P'},
        .length = length,
        .revision = 4,
        .oem = {'K', 'M', 'E', 'M', 'V', 'I', 'S', 'O'},
        .product = {'K', 'M', 'E', 'M', 'V', 'I', 'S', 'O', 'R', ' ', ' ', ' '},
        .entries = (u16)(2 + ISA_IRQS + 2 + count),
        .local_apic = LOCAL_APIC_GPA,
    };
    tables->header.checksum = checksum(&tables->header, length);
    tables->pointer = (struct floating_pointer){
        {'_', 'M', 'P', '_'}, MPTABLE_GPA + sizeof(tables->pointer), 1, 4, 0, {0}};
    tables->pointer.checksum = checksum(&tables->pointer, sizeof(tables->pointer));
}

int mptable_write(struct vm *vm, u32 processor_count)
{
    static struct tables tables;

    memset(&tables, 0, sizeof(tables));
    fill_entries(&tables, processor_count);
    fill_headers(&tables, processor_count);
    return guest_write(vm, GPA(MPTABLE_GPA), &tables, sizeof(tables));
}
