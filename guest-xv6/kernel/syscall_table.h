/* The kernel's side of system calls: dispatch and arguments. */
#ifndef SYSCALL_TABLE_H
#define SYSCALL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/* Does the system call that the current process's trap frame asks for. */
void syscall(void);

/* The n-th argument, from 0. false: it doesn't lie in the process's memory. */
bool arg_int(int n, int *value);

/* The n-th argument as the address of `bytes` bytes of the process, or of a string. false: not all
 * of them are. */
bool arg_buffer(int n, void **address, int bytes);
bool arg_string(int n, const char **text);

#define SYSTEM_CALLS(X)                                                                            \
    X(fork)                                                                                        \
    X(exit)                                                                                        \
    X(wait)                                                                                        \
    X(pipe)                                                                                        \
    X(read)                                                                                        \
    X(kill)                                                                                        \
    X(exec)                                                                                        \
    X(fstat)                                                                                       \
    X(chdir)                                                                                       \
    X(dup)                                                                                         \
    X(getpid)                                                                                      \
    X(sbrk)                                                                                        \
    X(sleep)                                                                                       \
    X(uptime)                                                                                      \
    X(open)                                                                                        \
    X(write)                                                                                       \
    X(mknod)                                                                                       \
    X(unlink)                                                                                      \
    X(link)                                                                                        \
    X(mkdir)                                                                                       \
    X(close)                                                                                       \
    X(poweroff)                                                                                    \
    X(inject)                                                                                      \
    X(verify)                                                                                      \
    X(counters)                                                                                    \
    X(note)                                                                                        \
    X(poison)                                                                                      \
    X(idle)

#define DECLARE_SYSTEM_CALL(name) int sys_##name(void);
SYSTEM_CALLS(DECLARE_SYSTEM_CALL)

#endif
