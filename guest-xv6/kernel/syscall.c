#include "syscall.h"

#include <stddef.h>

#include "console.h"
#include "cpu.h"
#include "proc.h"
#include "syscall_table.h"
#include "usercopy.h"
#include "vm.h"

#define ENTRY(name) [SYS_##name] = sys_##name,
static int (*const calls[])(void) = {SYSTEM_CALLS(ENTRY)};

#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))

bool arg_int(int n, int *value)
{
    uint32_t va = proc_self()->tf->esp + 4 + 4 * (uint32_t)n;

    return user_range_ok(va, sizeof(*value)) && user_copy(value, (const void *)va, sizeof(*value));
}

bool arg_buffer(int n, void **address, int bytes)
{
    int va;

    if (!arg_int(n, &va) || bytes < 0 || !user_range_ok((uint32_t)va, (uint32_t)bytes))
        return false;
    *address = (void *)va;
    return true;
}

int arg_string(int n, char *to, uint32_t size)
{
    int va;

    if (!arg_int(n, &va))
        return -1;
    int length = user_string_length((uint32_t)va);
    uint32_t taken = length < (int)size ? (uint32_t)length : size - 1;
    if (length < 0 || !user_copy(to, (const void *)va, taken))
        return -1;
    to[taken] = '\0';
    return length;
}

bool arg_path(int n, char path[MAXPATH])
{
    int length = arg_string(n, path, MAXPATH);

    return length >= 0 && length < MAXPATH;
}

void syscall(void)
{
    struct proc *p = proc_self();
    uint32_t number = p->tf->eax;

    if (number < CALL_COUNT && calls[number] != NULL) {
        p->tf->eax = (uint32_t)calls[number]();
    } else {
        kprintf("pid %d %s: unknown system call %u\n", p->pid, p->name, number);
        p->tf->eax = (uint32_t)-1;
    }
}
