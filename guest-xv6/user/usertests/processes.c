/* fork, wait, exit, kill, sleep. */
#include "usertests.h"

static void test_wait_without_children(void)
{
    CHECK(wait() == -1);
}

static void test_exit_wait(void)
{
    for (int i = 0; i < 100; i++) {
        int pid = must_fork();
        if (pid == 0)
            exit();
        CHECK(wait() == pid);
    }
}

static void test_pids(void)
{
    int mine = getpid();

    CHECK(mine > 1);
    if (must_fork() == 0) {
        CHECK(getpid() != mine);
        exit();
    }
    reap(1);
    CHECK(getpid() == mine);
}

static void test_fork_copies(void)
{
    static int global = 1;
    int local = 1;

    if (must_fork() == 0) {
        global = 2;
        local = 2;
        exit();
    }
    reap(1);
    CHECK(*(volatile int *)&global == 1 && *(volatile int *)&local == 1);
}

static void test_fork_fails(void)
{
    int children = 0;
    int pid;

    while (children < 1000 && (pid = fork()) >= 0) {
        if (pid == 0)
            exit();
        children++;
    }
    CHECK(children > 10 && children < 64);
    reap(children);
    CHECK(wait() == -1);
}

/* Children that never leave user mode can be killed: the timer takes the processor away from them.
 */
static void test_preempt(void)
{
    int pids[3];

    for (int i = 0; i < 3; i++) {
        pids[i] = must_fork();
        if (pids[i] == 0) {
            for (;;)
                continue;
        }
    }
    sleep(3);
    for (int i = 0; i < 3; i++)
        CHECK(kill(pids[i]) == 0);
    reap(3);
}

static void test_kill(void)
{
    CHECK(kill(0x7fffffff) == -1);
    CHECK(kill(-1) == -1);
    int pid = must_fork();
    if (pid == 0) {
        sleep(100000);
        exit();
    }
    sleep(1);
    CHECK(kill(pid) == 0);
    CHECK(wait() == pid);
    CHECK(kill(pid) == -1);
}

static void kill_self(void *unused)
{
    (void)unused;
    kill(getpid());
}

static void test_kill_self(void)
{
    CHECK(!survives(kill_self, NULL));
}

/* Grandchildren whose parent is gone belong to init. */
static void test_reparent(void)
{
    int fds[2];
    char byte;

    CHECK(pipe(fds) == 0);
    for (int i = 0; i < 20; i++) {
        if (must_fork() == 0) {
            if (fork() == 0)
                sleep(1);
            exit();
        }
        reap(1);
    }
    CHECK(wait() == -1);
    close(fds[1]);
    CHECK(read(fds[0], &byte, 1) == 0); /* the last grandchild is gone */
}

/* Many processes that end and are reaped at once, over two generations. */
static void test_exit_storm(void)
{
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 8; i++) {
            if (must_fork() != 0)
                continue;
            for (int j = 0; j < 3; j++) {
                if (fork() == 0)
                    exit();
            }
            while (wait() >= 0)
                continue;
            exit();
        }
        reap(8);
    }
}

static void test_sleep(void)
{
    int start = uptime();

    CHECK(start >= 0);
    CHECK(sleep(5) == 0);
    int elapsed = uptime() - start;
    CHECK(elapsed >= 5);
    CHECK(sleep(0) == 0);
}

/* Registers and memory survive system calls and timer interrupts. */
static void test_registers(void)
{
    unsigned sum = 0, product = 1;
    int start = uptime();

    while (uptime() - start < 5) {
        for (unsigned i = 0; i < 1000; i++) {
            sum += i;
            product = product * 3 + i;
        }
        CHECK(sum % 499500 == 0);
        CHECK(product != 0);
        sum = 0;
    }
    CHECK(sum == 0);
}

const struct test process_tests[] = {
    {"wait-none", test_wait_without_children},
    {"exit-wait", test_exit_wait},
    {"pids", test_pids},
    {"fork-copies", test_fork_copies},
    {"fork-fails", test_fork_fails},
    {"preempt", test_preempt},
    {"kill", test_kill},
    {"kill-self", test_kill_self},
    {"reparent", test_reparent},
    {"exit-storm", test_exit_storm},
    {"sleep", test_sleep},
    {"registers", test_registers},
    {0},
};
