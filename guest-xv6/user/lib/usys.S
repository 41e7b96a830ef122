/*
 * System call stubs: number in eax, arguments where the C caller left them (the kernel reads them above the return
 * address), result in eax.
 */
#define SYSCALL_VECTOR 64

.macro stub name, number
    .globl \name
    .type \name, @function
\name:
    movl $\number, %eax
    int $SYSCALL_VECTOR
    ret
    .size \name, . - \name
.endm

.text
stub fork, 1
stub exit, 2
stub wait, 3
stub pipe, 4
stub read, 5
stub kill, 6
stub exec, 7
stub fstat, 8
stub chdir, 9
stub dup, 10
stub getpid, 11
stub sbrk, 12
stub sleep, 13
stub uptime, 14
stub open, 15
stub write, 16
stub mknod, 17
stub unlink, 18
stub link, 19
stub mkdir, 20
stub close, 21

stub poweroff, 32
stub inject, 33
stub verify, 34
stub counters, 35
stub note, 36
stub poison, 37
stub idle, 38
stub scrub, 48
stub protect, 39
stub faults, 40
stub give, 41
stub race, 42

.section .note.GNU-stack,"",@progbits
