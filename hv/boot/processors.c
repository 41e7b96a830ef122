#include <hv/cpu/apic.h>
#include <hv/cpu/cpuid.h>
#include <hv/cpu/descriptors.h>
#include <hv/cpu/processor.h>
#include <hv/lib/string.h>
#include <hv/log/log.h>
#include <hv/mm/phys.h>
#include <hv/platform/panic.h>

/* The universal start-up algorithm (MultiProcessor Specification 1.4, B.4), in microseconds. */
#define AFTER_INIT    10000
#define AFTER_STARTUP 200
#define PATIENCE      5000 /* times AFTER_STARTUP */

/* Offsets are known to ap_start.S. */
struct ap_parameters {
    u16 gdt_limit;
    u32 gdt_base;
    u16 unused0;
    u32 offset; /* far pointer to 64-bit code */
    u16 selector;
    u16 unused1;
    u32 cr3;
    u32 unused2;
    u64 stack;
    u64 argument;
    u64 entry;
} __attribute__((packed));
_Static_assert(sizeof(struct ap_parameters) == 48, "as in ap_start.S");

extern const u8 ap_start[], ap_start_long[], ap_start_parameters[], ap_start_end[];

static u64 root; /* of this processor's page tables, for the others */
static void (*start_here)(u32 index);

static void take_over(u64 index)
{
    cr3_write(root);
    descriptors_load((u32)index);
    start_here((u32)index);
}

/* The tables in the page behind are this processor's, but for a root below 4 GiB, as CR3 has only
 * 32 bits yet. */
static void fill_page(u64 page, u32 index)
{
    struct ap_parameters parameters = {
        .gdt_limit = sizeof(processors[0].gdt) - 1,
        .gdt_base = (u32)(page + PAGE_SIZE - sizeof(processors[0].gdt)),
        .offset = (u32)(page + (u64)(ap_start_long - ap_start)),
        .selector = SELECTOR_CODE,
        .cr3 = (u32)(page + PAGE_SIZE),
        .stack = descriptors_ap_stack(index),
        .argument = index,
        .entry = (u64)take_over,
    };

    memcpy(phys_ptr(HPA(page)), ap_start, (size_t)(ap_start_end - ap_start));
    memcpy(phys_ptr(HPA(page + (u64)(ap_start_parameters - ap_start))), &parameters,
           sizeof(parameters));
    memcpy(phys_ptr(HPA(parameters.gdt_base)), processors[0].gdt, sizeof(processors[0].gdt));
    memcpy(phys_ptr(HPA(page + PAGE_SIZE)), phys_ptr(HPA(root & ~PAGE_MASK)), PAGE_SIZE);
}

static void start(u64 page, struct processor *processor)
{
    fill_page(page, (u32)(processor - processors));
    apic_send(processor->apic_id, APIC_INIT);
    apic_delay(AFTER_INIT);
    for (u32 i = 0; i < PATIENCE && !__atomic_load_n(&processor->started, __ATOMIC_ACQUIRE); i++) {
        if (i < 2)
            apic_send(processor->apic_id, APIC_STARTUP | (u32)(page >> PAGE_SHIFT));
        apic_delay(AFTER_STARTUP);
    }
    if (!__atomic_load_n(&processor->started, __ATOMIC_ACQUIRE))
        panic("the processor with APIC id %u does not start", processor->apic_id);
}

void processors_start(const struct kmv_bootinfo *boot, void (*entry)(u32 index))
{
    processors[0].apic_id = boot->cpu_apic[0];
    processors[0].started = true;
    root = cr3_read();
    start_here = entry;
    for (u32 i = 1; i < boot->cpu_count; i++) {
        processors[i].apic_id = boot->cpu_apic[i];
        start(boot->ap_start, &processors[i]);
    }
    log_event("processors", "running=%u", boot->cpu_count);
}
