/* Loses pages on both sides, so that they can't be recovered: the process whose page it was has to
 * be killed, nothing else hurt, and nothing wrong written anywhere. */
#include <stdbool.h>

#include "kmv/hypercall.h"
#include "user.h"

static const char usage_text[] =
    "lose [NAME...]    (all cases without NAME but kernel and kernel-stack, which end the machine)";

#define FILE_NAME "lose.file"
#define FILL      'f'

static char area[4 * PAGE_SIZE] __attribute__((aligned(4096)));

static void lose(void *va, int what)
{
    if (poison(va, what | KMV_POISON_BOTH | KMV_POISON_FORCE) < 0)
        fail("lose", "poison refused", "needs the hypervisor with the mirror on");
}

static void by_read(void)
{
    lose(area, 0);
    (void)*(volatile char *)area;
}

static void by_write(void)
{
    lose(area, 0);
    *(volatile char *)area = 1;
}

/* The frame of the function, and where it returns to. */
static void by_stack(void)
{
    char here;

    lose(&here, 0);
}

static void by_code(void)
{
    lose((void *)by_code, 0);
}

/* The first of two pages is whole. */
static void by_straddle(void)
{
    lose(area + PAGE_SIZE, 0);
    *(volatile unsigned *)(area + PAGE_SIZE - 2) = 0x11223344;
}

static void by_table(void)
{
    lose(area, POISON_TABLE);
    *(volatile char *)area = 1;
}

static void by_directory(void)
{
    lose(area, POISON_DIRECTORY);
    sleep(1);
    *(volatile char *)sbrk(PAGE_SIZE) = 1;
}

static void by_read_call(void)
{
    int fd = open("README", O_RDONLY);

    lose(area, 0);
    read(fd, area + PAGE_SIZE - 256, 512);
    read(fd, area, 512);
}

static void by_file_write(void)
{
    int fd = open(FILE_NAME, O_CREATE | O_RDWR);

    memset(area, FILL, sizeof(area));
    lose(area + PAGE_SIZE, 0);
    write(fd, area + 100, 2 * PAGE_SIZE);
}

static void by_pipe_write(void)
{
    int fds[2];

    if (pipe(fds) < 0)
        return;
    lose(area, 0);
    write(fds[1], area, 100);
}

static void by_console_write(void)
{
    memset(area, '.', sizeof(area));
    lose(area + PAGE_SIZE, 0);
    write(1, area + PAGE_SIZE - 4, 100);
}

static void by_path(void)
{
    strcpy(area, "README");
    lose(area, 0);
    open(area, O_RDONLY);
}

static void by_arguments(void)
{
    char *argv[] = {"echo", area, "survived?", NULL};

    strcpy(area, "wrong");
    lose(area, 0);
    exec("echo", argv);
}

static void by_fork(void)
{
    lose(area, 0);
    if (fork() == 0)
        exit();
}

/* Nobody misses it. */
static void untouched(void)
{
    area[0] = 1;
    lose(area, 0);
}

static void of_kernel(void)
{
    lose(area, POISON_KERNEL);
    open("README", O_RDONLY);
}

static void of_kernel_stack(void)
{
    lose(area, POISON_KERNEL_STACK);
}

static bool file_is_right(void)
{
    char byte;
    int fd = open(FILE_NAME, O_RDONLY);
    bool right = fd >= 0;

    while (right && read(fd, &byte, 1) == 1)
        right = byte == FILL;
    close(fd);
    unlink(FILE_NAME);
    return right;
}

static const struct {
    const char *name;
    void (*run)(void);
    bool survives;
    bool (*check)(void);
} cases[] = {
    {"read", by_read, false, NULL},
    {"write", by_write, false, NULL},
    {"stack", by_stack, false, NULL},
    {"code", by_code, false, NULL},
    {"straddle", by_straddle, false, NULL},
    {"table", by_table, false, NULL},
    {"directory", by_directory, false, NULL},
    {"read-call", by_read_call, false, NULL},
    {"file-write", by_file_write, false, file_is_right},
    {"pipe-write", by_pipe_write, false, NULL},
    {"console-write", by_console_write, false, NULL},
    {"path", by_path, false, NULL},
    {"arguments", by_arguments, false, NULL},
    {"fork", by_fork, false, NULL},
    {"untouched", untouched, true, NULL},
    {"kernel", of_kernel, false, NULL},
    {"kernel-stack", of_kernel_stack, false, NULL},
};
#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))
#define SAFE_COUNT (CASE_COUNT - 2) /* those that leave the machine running */

static unsigned passed, failed;

/* Does the child come back from the case? */
static bool survived(void (*run)(void))
{
    int fds[2];
    char byte = 's';

    if (pipe(fds) < 0)
        fail("lose", "pipe", "no files left");
    int pid = fork();
    if (pid == 0) {
        close(fds[0]);
        run();
        write(fds[1], &byte, 1);
        exit();
    }
    close(fds[1]);
    bool result = read(fds[0], &byte, 1) == 1;
    close(fds[0]);
    wait();
    return result;
}

static void try(unsigned i)
{
    bool good = survived(cases[i].run) == cases[i].survives;

    if (good && cases[i].check != NULL)
        good = cases[i].check();
    printf(1, "lose %s: %s\n", cases[i].name, good ? "ok" : "WRONG");
    if (good)
        passed++;
    else
        failed++;
}

static bool is_wanted(int argc, char **argv, unsigned i)
{
    bool wanted = argc < 2 && i < SAFE_COUNT;

    for (int arg = 1; arg < argc; arg++)
        wanted |= strcmp(argv[arg], cases[i].name) == 0;
    return wanted;
}

int main(int argc, char **argv)
{
    help_option(argc, argv, usage_text);
    for (unsigned i = 0; i < CASE_COUNT; i++) {
        if (is_wanted(argc, argv, i))
            try(i);
    }
    if (passed + failed == 0)
        usage(usage_text);
    printf(1, "lose: %u passed, %u failed\n", passed, failed);
    exit();
}
