#include "trap.h"

#include <stdbool.h>
#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "ide.h"
#include "keyboard.h"
#include "kmap.h"
#include "lapic.h"
#include "loss.h"
#include "proc.h"
#include "syscall_table.h"
#include "uart.h"
#include "usercopy.h"
#include "x86.h"

#define GATE_INTERRUPT 0x8E00 /* present, DPL 0, 32-bit: interrupts off on entry */
#define GATE_SYSCALL   0xEF00 /* present, DPL 3, 32-bit trap gate: interrupts stay on */

extern uint32_t vectors[VECTOR_COUNT]; /* vectors.S */

struct spinlock ticks_lock = {.name = "ticks"};
uint32_t ticks;

static uint32_t idt[VECTOR_COUNT][2] __attribute__((aligned(8)));

static const char *const exception_names[] = {"divide error",
                                              "debug",
                                              "NMI",
                                              "breakpoint",
                                              "overflow",
                                              "bound range",
                                              "invalid opcode",
                                              "no FPU",
                                              "double fault",
                                              "",
                                              "invalid TSS",
                                              "segment not present",
                                              "stack fault",
                                              "general protection",
                                              "page fault",
                                              "",
                                              "FPU error",
                                              "alignment check",
                                              "machine check",
                                              "SIMD error"};

void trap_init(void)
{
    for (int i = 0; i < VECTOR_COUNT; i++) {
        uint32_t type = i == VECTOR_SYSCALL ? GATE_SYSCALL : GATE_INTERRUPT;
        idt[i][0] = (uint32_t)SEL_KCODE << 16 | (vectors[i] & 0xFFFF);
        idt[i][1] = (vectors[i] & 0xFFFF0000) | type;
    }
}

void trap_load(void)
{
    lidt(idt, sizeof(idt));
}

static void timer_interrupt(void)
{
    if (cpu_self() == &cpus[0]) {
        spin_lock(&ticks_lock);
        ticks++;
        proc_wakeup(&ticks);
        spin_unlock(&ticks_lock);
    }
    lapic_eoi();
}

/* What a full console doesn't take is lost: left in the controller, it would hold back further
 * interrupts. */
static void keyboard_interrupt(void)
{
    console_interrupt(keyboard_get);
    while (keyboard_get() >= 0)
        continue;
    lapic_eoi();
}

static void com1_interrupt(void)
{
    console_interrupt(uart_get);
    lapic_eoi();
}

static void disk_interrupt(void)
{
    ide_interrupt();
    lapic_eoi();
}

/* No end-of-interrupt for a spurious one (SDM volume 3, 10.9). */
static void spurious_interrupt(void) {}

static void (*const interrupts[VECTOR_COUNT])(void) = {
    [VECTOR_TIMER] = timer_interrupt,          [VECTOR_IRQ0 + IRQ_KEYBOARD] = keyboard_interrupt,
    [VECTOR_IRQ0 + IRQ_COM1] = com1_interrupt, [VECTOR_IRQ0 + IRQ_IDE] = disk_interrupt,
    [VECTOR_APIC_ERROR] = lapic_eoi,           [VECTOR_SPURIOUS] = spurious_interrupt,
};

/* Programs reach no other vector than the system call's: the rest from here on is hardware (SDM
 * volume 3, 6.2). */
static bool is_exception(uint32_t vector)
{
    return vector < VECTOR_IRQ0;
}

static void unexpected_interrupt(uint32_t vector)
{
    kprintf("unexpected interrupt, vector %u\n", vector);
    lapic_eoi();
}

static bool from_user(const struct trapframe *tf)
{
    return (tf->cs & 3) == DPL_USER;
}

static const char *trap_name(uint32_t vector)
{
    return vector < sizeof(exception_names) / sizeof(exception_names[0]) ? exception_names[vector]
                                                                         : "interrupt";
}

static void fault(const struct trapframe *tf)
{
    struct proc *p = proc_self();
    bool overwrites;

    if (tf->vector == VECTOR_PAGE_LOST && loss_answer(tf))
        return;
    if (tf->vector == VECTOR_PAGE_FAULT && !from_user(tf) && kmap_moves(read_cr2()))
        return;
    if (tf->vector == VECTOR_PAGE_FAULT && !from_user(tf) && guard_holds(tf, &overwrites))
        guard_fail(tf);
    if (p == NULL || !from_user(tf))
        panic_trap(tf);
    kprintf("pid %d %s: killed: trap %u (%s) err 0x%x eip 0x%x address 0x%x\n", p->pid, p->name,
            tf->vector, trap_name(tf->vector), tf->err, tf->eip,
            tf->vector == VECTOR_PAGE_FAULT ? read_cr2() : 0);
    p->killed = true;
}

/* Exit at the border to user mode only: in the kernel a process may hold locks. */
static void exit_if_killed(const struct trapframe *tf)
{
    if (from_user(tf) && proc_self() != NULL && proc_killed())
        proc_exit();
}

static void system_call(struct trapframe *tf)
{
    exit_if_killed(tf);
    proc_self()->tf = tf;
    syscall();
    exit_if_killed(tf);
}

/* Whatever ends a HLT comes through here. */
static void account_idle(struct cpu *c)
{
    if (c->idle_since == 0)
        return;
    c->idle += read_tsc() - c->idle_since;
    c->idle_since = 0;
}

void trap(struct trapframe *tf)
{
    if (tf->vector == VECTOR_SYSCALL) {
        system_call(tf);
        return;
    }
    account_idle(cpu_self());
    if (interrupts[tf->vector] != NULL)
        interrupts[tf->vector]();
    else if (is_exception(tf->vector))
        fault(tf);
    else
        unexpected_interrupt(tf->vector);
    exit_if_killed(tf);
    if (tf->vector == VECTOR_TIMER && proc_self() != NULL)
        proc_yield();
    exit_if_killed(tf);
}
