/* Processes and the scheduler. */
#ifndef PROC_H
#define PROC_H

#include <stdbool.h>
#include <stdint.h>

#include "param.h"
#include "spinlock.h"
#include "trap.h"

#define PROC_NAME 16

/* What swtch (swtch.S) saves, in the order of its pops; lives on the kernel stack. */
struct context {
    uint32_t edi, esi, ebx, ebp, eip;
};

enum proc_state { UNUSED, EMBRYO, SLEEPING, RUNNABLE, RUNNING, ZOMBIE };

/* state, channel, parent and killed belong to the process table's lock; the rest to the process
 * itself while it runs. */
struct proc {
    uint32_t guard; /* stack pointer of usercopy.S; stays first */
    enum proc_state state;
    int pid;
    struct proc *parent;
    const void *channel; /* SLEEPING: until a wakeup on this */
    volatile bool killed;
    uint32_t size; /* bytes of user memory, from 0 */
    uint32_t *pgdir;
    uint32_t *other_pgdir; /* one that it makes or frees, or NULL */
    uint32_t window_map;   /* kmv/note.h; 0: none */
    bool unprotected;      /* runs code that is not translated (protect.h) */
    char *kstack;          /* a page */
    struct trapframe *tf;
    struct context *context;
    struct file *files[NOFILE];
    struct inode *cwd;
    char name[PROC_NAME];
};

/* Makes the first process, which runs `path`. */
void proc_start_first(const char *path);

int proc_fork(void); /* -> the child's pid, or -1 */
void proc_exit(void) __attribute__((noreturn));
int proc_wait(void);        /* -> pid of a child that has ended, or -1 */
int proc_kill(int pid);     /* 0, or -1 */
int proc_resize(int bytes); /* sbrk: 0, or -1 and nothing has changed */
bool proc_killed(void);     /* has somebody killed the current process? */

/* Gives up the processor until another turn. */
void proc_yield(void);

/* Sleeps until proc_wakeup(channel). `lk`, which protects the condition, is released meanwhile. */
void proc_sleep(const void *channel, struct spinlock *lk);
void proc_wakeup(const void *channel);

/* Runs processes, forever. Every processor ends its start here. */
void scheduler(void) __attribute__((noreturn));

/* Prints the processes; takes no lock, so that it works on a stuck machine. */
void proc_dump(void);

#endif
