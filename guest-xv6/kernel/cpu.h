/* What belongs to one processor. gs leads to it while the processor runs the kernel. */
#ifndef CPU_H
#define CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "kmv/windows.h"
#include "mmu.h"
#include "param.h"

struct context;
struct proc;

/* Task state: only the stack for traps from user mode is used (SDM volume 3, 7.2.1). */
struct tss {
    uint32_t link;
    uint32_t esp0;
    uint32_t ss0;
    uint32_t unused[22];
    uint16_t trap;
    uint16_t io_map; /* at or beyond the segment's limit: user mode gets no port */
};
_Static_assert(sizeof(struct tss) == 104, "task state segment");

/* Only the processor itself touches its own entry, with interrupts off, but for `started`. */
struct cpu {
    struct cpu *self;  /* at gs:0 */
    struct proc *proc; /* at gs:4: running here, or NULL */
    uint8_t apic_id;
    volatile bool started;
    bool irq_enabled;          /* were interrupts on before irq_push's first level? */
    int irq_depth;             /* levels of irq_push */
    struct context *scheduler; /* where this processor's scheduler waits */
    uint32_t *pgdir;           /* the page directory in CR3 */
    int losses;                /* that it answers (loss.c), one in another */
    uint64_t idle_since;       /* time stamp of the HLT it waits in, 0: it doesn't */
    uint64_t idle;             /* time stamp ticks that it has waited */
    uint64_t gdt[NSEGS];
    struct tss tss;
    struct kmv_window_maps windows; /* for the hypervisor */
} __attribute__((aligned(64)));

extern struct cpu cpus[NCPU];
extern int cpu_count; /* processors that the machine has, at most NCPU */

/* This processor. Interrupts must be off: else the caller may go on on another one. */
static inline struct cpu *cpu_self(void)
{
    struct cpu *c;

    __asm__ volatile("movl %%gs:0, %0" : "=r"(c));
    return c;
}

/* The process that runs here, or NULL. One instruction, so right with interrupts on as well. */
static inline struct proc *proc_self(void)
{
    struct proc *p;

    __asm__ volatile("movl %%gs:4, %0" : "=r"(p));
    return p;
}

/* Gives this processor its segments and task state. First thing that a processor does in C. */
void segments_init(struct cpu *c);

/* Interrupts off, counted: they come back on when every irq_push has had its irq_pop, if they were
 * on. */
void irq_push(void);
void irq_pop(void);

#endif
