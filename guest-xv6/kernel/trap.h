/* Traps: interrupts, exceptions, system calls. */
#ifndef TRAP_H
#define TRAP_H

#include <stdint.h>

#include "spinlock.h"

/* What alltraps (vectors.S) and the processor leave on the kernel stack. */
struct trapframe {
    uint32_t edi, esi, ebp, unused_esp, ebx, edx, ecx, eax; /* pushal */
    uint32_t gs, fs, es, ds;
    uint32_t vector, err;
    uint32_t eip, cs, eflags;
    uint32_t esp, ss; /* only of a trap from user mode */
};

enum {
    VECTOR_PAGE_FAULT = 14,
    VECTOR_PAGE_LOST = 18, /* machine check: what it would be without the hypervisor */
    VECTOR_IRQ0 = 32,      /* IRQ n is vector VECTOR_IRQ0 + n */
    VECTOR_TIMER = VECTOR_IRQ0,
    VECTOR_SYSCALL = 64,
    VECTOR_APIC_ERROR = 80,
    VECTOR_SPURIOUS = 95, /* low four bits ones: some local APICs have them fixed */
    VECTOR_COUNT = 256,
};

enum { IRQ_KEYBOARD = 1, IRQ_COM1 = 4, IRQ_IDE = 14 };

/* Timer ticks since boot, 100 a second; sleepers wait on its address. */
extern struct spinlock ticks_lock;
extern uint32_t ticks;

void trap_init(void); /* once: builds the interrupt table */
void trap_load(void); /* each processor */

/* Called by alltraps. */
void trap(struct trapframe *tf);

#endif
