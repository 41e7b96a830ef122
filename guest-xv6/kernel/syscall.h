/* System calls: `int 64`, number in eax, arguments on the user stack above the return address,
 * result in eax. Plain macros only: programs include this from assembly. */
#ifndef SYSCALL_H
#define SYSCALL_H

#define SYS_fork   1
#define SYS_exit   2
#define SYS_wait   3
#define SYS_pipe   4
#define SYS_read   5
#define SYS_kill   6
#define SYS_exec   7
#define SYS_fstat  8
#define SYS_chdir  9
#define SYS_dup    10
#define SYS_getpid 11
#define SYS_sbrk   12
#define SYS_sleep  13
#define SYS_uptime 14
#define SYS_open   15
#define SYS_write  16
#define SYS_mknod  17
#define SYS_unlink 18
#define SYS_link   19
#define SYS_mkdir  20
#define SYS_close  21

/* This project's own. All but poweroff and idle return -1 where no hypervisor answers. */
#define SYS_poweroff 32 /* (status) does not return */
#define SYS_inject   33 /* (pages, seed) -> pages poisoned */
#define SYS_verify   34 /* (unsigned result[2]): pages compared, pages that differ */
#define SYS_counters 35 /* (unsigned long long *values, capacity) -> counters there are */
#define SYS_note     36 /* (text): a line in the hypervisor's log */
#define SYS_poison                                                                                 \
    37 /* (address, side | POISON_*): the page behind a user address; side as in kmv/hypercall.h   \
        */

#define SYS_protect                                                                                \
    39 /* (address, bytes): pages that are not written to any more, and are protected from now on  \
        */

#define SYS_faults                                                                                 \
    40 /* (count, seed, interval, kinds): a plan of kmv/hypercall.h; -> faults left of the last    \
          one */

#define SYS_give 41 /* (pages): free pages to the hypervisor, as spare frames; -> how many */

#define SYS_race 42 /* (RACE_*, who, racers, sweeps): kernel memory that many write to at once */

#define RACE_STORE  0 /* stores without a lock, locked ones, stores that do not meet */
#define RACE_MOVE   1 /* `who` 0 exchanges the frames of two pages that the others store to */
#define RACE_SETTLE 2 /* -> bytes that differed, and are settled */
#define RACE_LOSE   3 /* the native page is lost; -> bytes that came back as another racer's */

/* Not that page but its page table, the process's page directory, a page of the kernel's data, the
 * process's kernel stack. */
#define POISON_TABLE        0x10000
#define POISON_DIRECTORY    0x20000
#define POISON_KERNEL       0x40000
#define POISON_KERNEL_STACK 0x80000

#define SYS_idle                                                                                   \
    38 /* (unsigned long long *ticks): time stamp ticks that processors waited in HLT */

#define SYS_scrub 48 /* (permille): the scrubber's share of the time */

#define O_RDONLY 0x000
#define O_WRONLY 0x001
#define O_RDWR   0x002
#define O_CREATE 0x200
#define O_TRUNC  0x400 /* this project's own */

#endif
