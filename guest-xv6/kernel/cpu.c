/* Per-processor state: segments, task state, and nesting of "interrupts off". */
#include "cpu.h"

#include <stddef.h>

#include "console.h"
#include "x86.h"

struct cpu cpus[NCPU];
int cpu_count = 1;

_Static_assert(offsetof(struct cpu, self) == 0 && offsetof(struct cpu, proc) == 4, "gs offsets");

/* Access bytes of descriptors (SDM volume 3, 3.4.5). Code and data are accessed from the start,
 * else the processor would set that bit when it loads the segment: a memory write without a mirror.
 */
#define SEG_KCODE      0x9B
#define SEG_KDATA      0x93
#define SEG_UCODE      0xFB
#define SEG_UDATA      0xF3
#define SEG_TSS        0x89
#define SEG_FLAGS_FLAT 0xC /* limit in pages, 32-bit */
#define SEG_FLAGS_BYTE 0x4 /* limit in bytes, 32-bit */

static uint64_t descriptor(uint32_t base, uint32_t limit, uint8_t access, uint8_t flags)
{
    uint32_t low = (limit & 0xFFFF) | base << 16;
    uint32_t high = (base >> 16 & 0xFF) | (uint32_t)access << 8 | (limit & 0xF0000) |
                    (uint32_t)flags << 20 | (base & 0xFF000000);

    return (uint64_t)high << 32 | low;
}

static void build_gdt(struct cpu *c)
{
    c->gdt[SEL_KCODE >> 3] = descriptor(0, 0xFFFFF, SEG_KCODE, SEG_FLAGS_FLAT);
    c->gdt[SEL_KDATA >> 3] = descriptor(0, 0xFFFFF, SEG_KDATA, SEG_FLAGS_FLAT);
    c->gdt[SEL_UCODE >> 3] = descriptor(0, 0xFFFFF, SEG_UCODE, SEG_FLAGS_FLAT);
    c->gdt[SEL_UDATA >> 3] = descriptor(0, 0xFFFFF, SEG_UDATA, SEG_FLAGS_FLAT);
    c->gdt[SEL_TSS >> 3] = descriptor((uint32_t)&c->tss, sizeof(c->tss) - 1, SEG_TSS, 0);
    c->gdt[SEL_CPU >> 3] = descriptor((uint32_t)c, sizeof(*c) - 1, SEG_KDATA, SEG_FLAGS_BYTE);
}

static void load_segments(void)
{
    __asm__ volatile("ljmp %0, $1f\n"
                     "1:\n\t"
                     "movw %w1, %%ds\n\t"
                     "movw %w1, %%es\n\t"
                     "movw %w1, %%ss\n\t"
                     "movw %w2, %%fs\n\t"
                     "movw %w3, %%gs\n"
                     :
                     : "i"(SEL_KCODE), "r"(SEL_KDATA), "r"(0), "r"(SEL_CPU)
                     : "memory");
}

/* LTR sets the descriptor's busy bit (SDM volume 2, LTR), a write that only the native memory sees.
 * Storing the word back on itself repeats it in the mirror. */
static void load_task_register(struct cpu *c)
{
    volatile uint32_t *high = (volatile uint32_t *)&c->gdt[SEL_TSS >> 3] + 1;

    ltr(SEL_TSS);
    /* cppcheck-suppress selfAssignment ; the store alone is the purpose */
    *high = *high;
}

void segments_init(struct cpu *c)
{
    c->self = c;
    c->tss.ss0 = SEL_KDATA;
    c->tss.io_map = sizeof(c->tss);
    build_gdt(c);
    lgdt(c->gdt, sizeof(c->gdt));
    load_segments();
    load_task_register(c);
}

void irq_push(void)
{
    uint32_t flags = read_eflags();

    cli();
    struct cpu *c = cpu_self();
    if (c->irq_depth++ == 0)
        c->irq_enabled = (flags & EFLAGS_IF) != 0;
}

void irq_pop(void)
{
    struct cpu *c = cpu_self();

    if (c->irq_depth == 0 || (read_eflags() & EFLAGS_IF) != 0)
        panic("irq_pop: depth %d", c->irq_depth);
    if (--c->irq_depth == 0 && c->irq_enabled)
        sti();
}
