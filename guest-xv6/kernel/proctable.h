/* The process table, shared by proc.c (life and death) and sched.c (turns). */
#ifndef PROCTABLE_H
#define PROCTABLE_H

#include "proc.h"

#define KSTACK_MAGIC                                                                               \
    0x4B535441 /* at the lowest word of a kernel stack: still there, so no overflow */

extern struct spinlock proc_lock;
extern struct proc procs[NPROC];

/* With proc_lock held: */
void proc_switch_away(void);
void proc_wakeup_locked(const void *channel);

#endif
