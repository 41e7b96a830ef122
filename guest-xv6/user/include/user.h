/* What a guest program can use: system calls (int 64) and the small library in lib/. */
#ifndef USER_H
#define USER_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#define O_RDONLY 0x000
#define O_WRONLY 0x001
#define O_RDWR   0x002
#define O_CREATE 0x200
#define O_TRUNC  0x400 /* this project's own: drop the old contents */

#define T_DIR    1
#define T_FILE   2
#define T_DEVICE 3

#define CONSOLE_MAJOR 1

#define NAME_LEN   14 /* bytes of a file name; not terminated when all are used */
#define BLOCK_SIZE 512
#define FILE_MAX   (140 * BLOCK_SIZE)
#define ARGS_MAX   32 /* arguments of exec, the terminating null pointer included */
#define PAGE_SIZE  4096u

struct stat {
    short type;
    int dev;
    unsigned ino;
    short nlink;
    unsigned size;
};

struct dirent {
    unsigned short inum; /* 0: free entry */
    char name[NAME_LEN];
};

/* System calls with upstream's numbers 1..21. Errors are -1. */
int fork(void);
void exit(void) __attribute__((noreturn));
int wait(void);
int pipe(int fds[2]);
int read(int fd, void *buf, int bytes);
int kill(int pid);
int exec(const char *path, char **argv);
int fstat(int fd, struct stat *st);
int chdir(const char *path);
int dup(int fd);
int getpid(void);
char *sbrk(int bytes);
int sleep(int ticks);
int uptime(void);
int open(const char *path, int flags);
int write(int fd, const void *buf, int bytes);
int mknod(const char *path, int major, int minor);
int unlink(const char *path);
int link(const char *from, const char *to);
int mkdir(const char *path);
int close(int fd);

/* This project's own, numbers from 32 on; all but poweroff and idle: -1 where no hypervisor
 * answers. */
int poweroff(int status);
int inject(int pages, unsigned seed); /* -> pages poisoned */
int verify(unsigned result[2]);       /* result: pages compared, pages differing */
int counters(unsigned long long *values, int capacity); /* -> counters the hypervisor has */
int note(const char *text);                             /* into the hypervisor's log */
int poison(void *va, int side); /* side: KMV_POISON_* of kmv/hypercall.h, | POISON_* */

/* Not that page but its page table, the process's page directory, a page of the kernel's data, the
 * process's kernel stack. */
#define POISON_TABLE        0x10000
#define POISON_DIRECTORY    0x20000
#define POISON_KERNEL       0x40000
#define POISON_KERNEL_STACK 0x80000
int protect(void *from, int bytes); /* read-only from now on; protected even where the program
                                     * isn't */

/* the scrubber's share of the time */
int scrub(int permille);

/* Lets `count` pages of all memory in use go bad, one about every `interval` time stamp ticks;
 * kinds as in kmv/faults.h. 0: none. -> how many of the last call's are left. */
int faults(int count, unsigned seed, unsigned interval, unsigned kinds);

/* Racers write to the same kernel memory at once, each as `who` of them; all come back when all are
 * done. */
int race(int what, int who, int racers, int sweeps);
#define RACE_STORE  0 /* stores without a lock, locked ones, stores that do not meet */
#define RACE_MOVE   1 /* `who` 0 exchanges the frames of two pages that the others store to */
#define RACE_SETTLE 2 /* -> bytes that differed, and are settled */
#define RACE_LOSE   3 /* the native page is lost; -> bytes that came back as another racer's */

int give(int pages); /* free pages to the hypervisor, as spare frames; -> how many */

int idle(unsigned long long *ticks); /* time stamp ticks spent in HLT */

#define SBRK_FAILED ((char *)-1)

/* string.c */
size_t strlen(const char *text);
int strcmp(const char *left, const char *right);
int strncmp(const char *left, const char *right, size_t count);
char *strcpy(char *to, const char *from);
char *strchr(const char *text, char wanted);
void *memset(void *to, int byte, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memcpy(void *to, const void *from, size_t count);
int memcmp(const void *left, const void *right, size_t count);
int atoi(const char *text);
/* Whole text is a decimal number below 2^32: stores it and returns 0, else -1. */
int parse_unsigned(const char *text, unsigned *value);

/* printf.c: %d %u %x %p %s %c %%, and %llu %llx for 64-bit values. */
void printf(int fd, const char *format, ...) __attribute__((format(__printf__, 2, 3)));
void vprintf(int fd, const char *format, va_list args);

/* malloc.c: memory is aligned to 8 bytes; NULL when there is none. */
void *malloc(size_t bytes);
void free(void *memory);

/* io.c */
char *gets(char *buf,
           int max); /* reads a line with its newline; an empty string at the end of input */
int stat(const char *path, struct stat *st);
int write_all(int fd, const void *buf, int bytes); /* 0, or -1 when not everything went out */

/* report.c: messages on fd 2 */
void fail(const char *program, const char *what, const char *why) __attribute__((noreturn));
void complain(const char *program, const char *what, const char *why);
void usage(const char *text) __attribute__((noreturn));
/* `PROGRAM --help`: prints the usage on fd 1 and exits. */
void help_option(int argc, char **argv, const char *text);

#endif
