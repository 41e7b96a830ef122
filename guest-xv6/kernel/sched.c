/* The scheduler: which process runs on a processor, and sleeping. */
#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "fpu.h"
#include "kmap.h"
#include "memlayout.h"
#include "proc.h"
#include "proctable.h"
#include "x86.h"

struct spinlock proc_lock = {.name = "processes"};
struct proc procs[NPROC];

extern void swtch(struct context **old, struct context *new); /* swtch.S */

/* The next runnable process after `last`, round robin; NULL: none. proc_lock is held. */
static struct proc *pick(const struct proc *last)
{
    int start = last == NULL ? 0 : (int)(last - procs) + 1;

    for (int i = 0; i < NPROC; i++) {
        struct proc *p = &procs[(start + i) % NPROC];
        if (p->state == RUNNABLE)
            return p;
    }
    return NULL;
}

/* Runs p until it comes back; proc_lock is held before and after. */
static void run(struct cpu *c, struct proc *p)
{
    pgdir_load(p->pgdir);
    c->windows.user = p->window_map;
    p->state = RUNNING;
    c->proc = p;
    c->tss.esp0 = (uint32_t)p->kstack + PGSIZE;
    swtch(&c->scheduler, p->context);
    c->proc = NULL;
    c->irq_enabled = false; /* as when the scheduler took the lock */
}

/* An idle processor may keep the last process's page directory: most often the same process goes
 * on, and a load of CR3 costs an exit under the hypervisor. Not when that process is gone, and not
 * when another processor could run it, change its pages, and free the directory. proc_lock is held,
 * so nobody has seen yet that the process is gone. */
static void leave_pgdir(const struct proc *last)
{
    if (cpu_count > 1 || last == NULL || last->state == ZOMBIE)
        pgdir_load(NULL);
}

void scheduler(void)
{
    struct proc *last = NULL;

    cli();
    struct cpu *c = cpu_self();
    for (;;) {
        struct proc *p;

        spin_lock(&proc_lock);
        while ((p = pick(last)) != NULL) {
            run(c, p);
            last = p;
        }
        leave_pgdir(last);
        spin_unlock(&proc_lock);
        c->idle_since = read_tsc();
        sti_hlt();
        cli();
    }
}

/* Back to the scheduler. proc_lock is held, and only it; the state is changed already. */
void proc_switch_away(void)
{
    struct proc *p = proc_self();
    struct cpu *c = cpu_self();

    if (!spin_held(&proc_lock) || c->irq_depth != 1 || p->state == RUNNING)
        panic("proc_switch_away: depth %d state %d", c->irq_depth, p->state);
    if (*(uint32_t *)p->kstack != KSTACK_MAGIC)
        panic("kernel stack of pid %d has overflowed", p->pid);
    bool irq_enabled = c->irq_enabled; /* belongs to the process, not to the processor */
    fpu_save(p);
    swtch(&p->context, c->scheduler);
    fpu_restore(p);
    cpu_self()->irq_enabled = irq_enabled;
}

void proc_yield(void)
{
    spin_lock(&proc_lock);
    proc_self()->state = RUNNABLE;
    proc_switch_away();
    spin_unlock(&proc_lock);
}

void proc_sleep(const void *channel, struct spinlock *lk)
{
    struct proc *p = proc_self();

    /* With proc_lock held no wakeup is missed, so lk can go. */
    if (lk != &proc_lock) {
        spin_lock(&proc_lock);
        spin_unlock(lk);
    }
    p->channel = channel;
    p->state = SLEEPING;
    proc_switch_away();
    p->channel = NULL;
    if (lk != &proc_lock) {
        spin_unlock(&proc_lock);
        spin_lock(lk);
    }
}

void proc_wakeup_locked(const void *channel)
{
    for (struct proc *p = procs; p < procs + NPROC; p++) {
        if (p->state == SLEEPING && p->channel == channel)
            p->state = RUNNABLE;
    }
}

void proc_wakeup(const void *channel)
{
    spin_lock(&proc_lock);
    proc_wakeup_locked(channel);
    spin_unlock(&proc_lock);
}
