/* System calls about processes and time. */
#include <stdint.h>

#include "cpu.h"
#include "proc.h"
#include "protect.h"
#include "syscall_table.h"
#include "trap.h"
#include "usercopy.h"
#include "vm.h"

int sys_fork(void)
{
    return proc_fork();
}

int sys_exit(void)
{
    proc_exit();
}

int sys_wait(void)
{
    return proc_wait();
}

int sys_kill(void)
{
    int pid;

    return arg_int(0, &pid) ? proc_kill(pid) : -1;
}

int sys_getpid(void)
{
    return proc_self()->pid;
}

int sys_sbrk(void)
{
    uint32_t old_size = proc_self()->size;
    int bytes;

    if (!arg_int(0, &bytes) || proc_resize(bytes) < 0)
        return -1;
    return (int)old_size;
}

int sys_sleep(void)
{
    int count;

    if (!arg_int(0, &count))
        return -1;
    spin_lock(&ticks_lock);
    uint32_t start = ticks;
    while (count > 0 && ticks - start < (uint32_t)count && !proc_killed())
        proc_sleep(&ticks, &ticks_lock);
    spin_unlock(&ticks_lock);
    return proc_killed() ? -1 : 0;
}

/* Of other processors it may be a wait old. */
int sys_idle(void)
{
    void *result;
    uint64_t sum = 0;

    if (!arg_buffer(0, &result, sizeof(sum)))
        return -1;
    for (int i = 0; i < cpu_count; i++)
        sum += cpus[i].idle;
    return user_copy(result, &sum, sizeof(sum)) ? 0 : -1;
}

int sys_uptime(void)
{
    return (int)ticks;
}

/* Nobody but the caller could write there while the pages are copied. */
int sys_protect(void)
{
    struct proc *p = proc_self();
    void *from;
    int bytes;

    if (!arg_int(1, &bytes) || !arg_buffer(0, &from, bytes))
        return -1;
    uint32_t va = (uint32_t)from;
    bool ok = !p->unprotected || protect_set(p->pgdir, va, va + (uint32_t)bytes, true);
    vm_freeze(p->pgdir, va, va + (uint32_t)bytes);
    vm_flush();
    return ok ? 0 : -1;
}
