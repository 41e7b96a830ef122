/* The kernel's side of system calls: dispatch and arguments. */
#ifndef SYSCALL_TABLE_H
#define SYSCALL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "param.h"

/* Does the system call that the current process's trap frame asks for. */
void syscall(void);

/* The n-th argument, from 0. false: it doesn't lie in the process's memory. */
bool arg_int(int n, int *value);

/* The n-th argument as the address of `bytes` bytes of the process. false: not all of them are. */
bool arg_buffer(int n, void **address, int bytes);

/* The n-th argument as a string, copied to `to`, at most size - 1 bytes of it. Returns its whole
 * length, or -1: not all of it is the process's. */
int arg_string(int n, char *to, uint32_t size);

/* The same for a path; false: it is longer than paths may be. */
bool arg_path(int n, char path[MAXPATH]);

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
    X(idle)                                                                                        \
    X(give)                                                                                        \
    X(faults)                                                                                      \
    X(scrub)                                                                                       \
    X(protect)                                                                                     \
    X(race)

#define DECLARE_SYSTEM_CALL(name) int sys_##name(void);
SYSTEM_CALLS(DECLARE_SYSTEM_CALL)

#endif
