/* From the first C instruction to the scheduler. */
#include <stddef.h>
#include <stdint.h>

#include "bio.h"
#include "console.h"
#include "cpu.h"
#include "file.h"
#include "fpu.h"
#include "hypervisor.h"
#include "ide.h"
#include "inode.h"
#include "ioapic.h"
#include "kalloc.h"
#include "keyboard.h"
#include "kmap.h"
#include "lapic.h"
#include "loss.h"
#include "main.h"
#include "memlayout.h"
#include "mp.h"
#include "multiboot.h"
#include "proc.h"
#include "string.h"
#include "trap.h"
#include "x86.h"

#define FIRST_PROGRAM "/init"

extern char kernel_end[];                           /* kernel.ld */
extern const char ap_start_begin[], ap_start_end[]; /* ap_start.S */

struct ap_boot ap_boot;
_Static_assert(offsetof(struct ap_boot, cr4) == AP_BOOT_CR4 &&
                   offsetof(struct ap_boot, cr3) == AP_BOOT_CR3 &&
                   offsetof(struct ap_boot, stack) == AP_BOOT_STACK,
               "offsets for entry.S");

/* Room above a stack's top: the mirror of a trap frame is copied longer than the frame may be
 * (entry.S). */
#define STACK_SLACK 32

static void start_processor(struct cpu *c)
{
    char *stack = page_alloc();

    if (stack == NULL)
        fatal("no memory for the stack of a processor");
    ap_boot = (struct ap_boot){
        .cr4 = read_cr4(), .cr3 = read_cr3(), .stack = stack + PGSIZE - STACK_SLACK};
    lapic_start(c->apic_id);
    while (!c->started)
        cpu_relax();
}

static void start_processors(void)
{
    memcpy(P2V(AP_START), ap_start_begin, (size_t)(ap_start_end - ap_start_begin));
    for (int i = 1; i < cpu_count; i++)
        start_processor(&cpus[i]);
}

/* Processors come one by one, so this one is the first that has not started. */
static struct cpu *cpu_that_starts(void)
{
    struct cpu *c = &cpus[1];

    while (c->started)
        c++;
    return c;
}

void ap_main(void)
{
    struct cpu *c = cpu_that_starts();

    fpu_init();
    segments_init(c);
    kmap_load();
    windows_announce(&c->windows);
    trap_load();
    lapic_init();
    c->started = true;
    scheduler();
}

static const char *protection(void)
{
    if (!machine_has_hypervisor())
        return "bare";
    return machine_is_mirrored() ? "mirrored" : "not mirrored";
}

static void devices_init(void)
{
    ioapic_init();
    ioapic_route(IRQ_COM1, VECTOR_IRQ0 + IRQ_COM1);
    keyboard_init();
    ide_init();
}

void kernel_main(uint32_t multiboot_magic, uint32_t multiboot_info)
{
    fpu_init();
    segments_init(&cpus[0]);
    trap_init();
    trap_load();
    console_init();
    hypervisor_detect();
    windows_announce(&cpus[0].windows);
    loss_init();
    uint32_t ram_end = multiboot_ram_end(multiboot_magic, multiboot_info);
    /* The information lies in pages that are free from here on. */
    bool x2apic = multiboot_has_option(multiboot_magic, multiboot_info, "x2apic");
    pages_init(V2P(kernel_end), ram_end);
    kmap_init(ram_end);
    mp_init();
    if (x2apic)
        kprintf("lapic: %s\n",
                lapic_use_x2apic() ? "x2APIC mode" : "the processor has no x2APIC mode");
    lapic_init();
    bio_init(ram_end);
    inodes_init();
    files_init();
    devices_init();
    cpus[0].started = true;
    start_processors();
    kprintf("kmemvisor guest: xv6-compatible kernel, %u MiB, %d cpu(s), %s\n", ram_end >> 20,
            cpu_count, protection());
    proc_start_first(FIRST_PROGRAM);
    scheduler();
}
