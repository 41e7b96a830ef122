/*
 * Benchmarks: each does a fixed amount of work, whatever the machine's speed. Prints what each took
 * on the time-stamp counter; the hypervisor's log gets a note at the start and the end of each, for
 * exits and the like.
 */
#include "compute.h"
#include "user.h"

static const char usage_text[] =
    "bench [--list] [--hold PAGES] [NAME...]    (without NAME all up to compute; a process\n"
    "holds PAGES meanwhile, so that all others lie elsewhere in memory)";

#define MIB (1024 * 1024)

static char block[8192];

static void need(int good, const char *what)
{
    if (!good)
        fail("bench", what, "failed: is there enough memory and disk space?");
}

static int fork_child(void)
{
    int pid = fork();

    need(pid >= 0, "fork");
    return pid;
}

/* Grows and shrinks by one page, many times, then by much. */
static void bench_sbrk(void)
{
    for (int i = 0; i < 500; i++) {
        char *page = sbrk(PAGE_SIZE);
        need(page != SBRK_FAILED, "sbrk");
        *page = 1;
        sbrk(-(int)PAGE_SIZE);
    }
    for (int i = 0; i < 4; i++) {
        need(sbrk(2 * MIB) != SBRK_FAILED, "sbrk");
        sbrk(-2 * MIB);
    }
}

/* Writes of up to 12 blocks, as usertests' of this name. */
static void bench_bigwrite(void)
{
    unlink("bench.tmp");
    for (int bytes = 499; bytes < 12 * BLOCK_SIZE; bytes += 471) {
        int fd = open("bench.tmp", O_CREATE | O_RDWR);
        need(fd >= 0, "open");
        for (int i = 0; i < 2; i++)
            need(write(fd, block, bytes) == bytes, "write");
        close(fd);
        unlink("bench.tmp");
    }
}

struct link {
    struct link *next;
    char rest[9992];
};

/* Allocates 16 MiB in a child, walks through it, frees it. */
static void bench_mem(void)
{
    struct link *list = NULL;

    if (fork_child() == 0) {
        for (int i = 0; i < 16 * MIB / (int)sizeof(struct link); i++) {
            struct link *link = malloc(sizeof(*link));
            need(link != NULL, "malloc");
            link->next = list;
            list = link;
        }
        while (list) {
            struct link *next = list->next;
            list->rest[0]++;
            free(list);
            list = next;
        }
        exit();
    }
    wait();
}

/* Forks of a process of 1 MiB: what has to be copied are page-table entries, above all. */
static void bench_fork1m(void)
{
    need(sbrk(MIB) != SBRK_FAILED, "sbrk");
    for (int i = 0; i < 20; i++) {
        if (fork_child() == 0)
            exit();
        wait();
    }
    sbrk(-MIB);
}

/* Loses pages of its own: data, stack and mirror by a store, text by running on. Not faster than
 * the hypervisor's log tells of them, since its lines are never dropped. */
static void bench_recover(void)
{
    volatile char stack[16] = "";

    for (int i = 0; i < 300; i++) {
        volatile char *store = i % 2 ? stack : block;
        int on_mirror = i % 4 > 1;

        need(poison((void *)store, on_mirror) == 0, "poison");
        *store = (char)i;
        if (i % 3 == 0)
            need(poison(bench_recover, 0) == 0, "poison");
        sleep(4);
    }
}

static void bench_fork(void)
{
    for (int i = 0; i < 200; i++) {
        if (fork_child() == 0)
            exit();
        wait();
    }
}

static void echo_bytes(int from, int to)
{
    char byte;

    while (read(from, &byte, 1) == 1)
        write(to, &byte, 1);
    exit();
}

static void bench_pipe(void)
{
    int there[2], back[2];
    char byte = 'p';

    need(pipe(there) == 0 && pipe(back) == 0, "pipe");
    if (fork_child() == 0) {
        close(there[1]);
        echo_bytes(there[0], back[1]);
    }
    close(there[0]);
    close(back[1]);
    for (int i = 0; i < 1000; i++)
        need(write(there[1], &byte, 1) == 1 && read(back[0], &byte, 1) == 1, "pipe");
    close(there[1]);
    close(back[0]);
    wait();
}

/* Runs a program with its standard files on the two given paths. */
static void run(char **argv, const char *input, const char *output)
{
    if (fork_child() == 0) {
        for (int fd = 0; fd < 3; fd++)
            close(fd);
        open(input, O_RDONLY);
        open(output, O_CREATE | O_WRONLY);
        dup(1);
        exec(argv[0], argv);
        exit();
    }
    wait();
}

static void bench_exec(void)
{
    for (int i = 0; i < 50; i++)
        run((char *[]){"/echo", "word", NULL}, "/README", "bench.tmp");
    unlink("bench.tmp");
}

static void bench_create(void)
{
    char name[] = "bench.00";

    for (int i = 0; i < 100; i++) {
        name[6] = (char)('0' + i / 10 % 10);
        name[7] = (char)('0' + i % 10);
        int fd = open(name, O_CREATE | O_RDWR);
        need(fd >= 0 && write(fd, block, 600) == 600, "create");
        close(fd);
        if (i % 10 != 9)
            continue;
        for (int j = 0; j < 10; j++) {
            name[7] = (char)('0' + j);
            need(unlink(name) == 0, "unlink");
        }
    }
}

static void bench_script(void)
{
    static const char script[] =
        "mkdir bench.d\n"
        "cat README | grep a | wc > bench.d/count\n"
        "(echo one; echo two) > bench.d/words; cat bench.d/words bench.d/count\n"
        "ls / > bench.d/list; grep sh bench.d/list; wc bench.d/list\n"
        "ln bench.d/list bench.d/name; rm bench.d/list bench.d/name\n"
        "rm bench.d/count bench.d/words; rm bench.d\n";

    int fd = open("bench.sh", O_CREATE | O_RDWR | O_TRUNC);
    need(fd >= 0 && write(fd, script, sizeof(script) - 1) == sizeof(script) - 1, "script");
    close(fd);
    for (int i = 0; i < 3; i++)
        run((char *[]){"/sh", NULL}, "bench.sh", "bench.tmp");
    unlink("bench.sh");
    unlink("bench.tmp");
}

static void bench_copy(void)
{
    char *from = sbrk(MIB);
    char *to = sbrk(MIB);

    need(from != SBRK_FAILED && to != SBRK_FAILED, "sbrk");
    for (int i = 0; i < 20; i++) {
        fill_and_copy(to, from, i, MIB);
    }
    sbrk(-2 * MIB);
}

/* Sorting and sieving: loads, stores and branches as compilers make them. */
static void bench_compute(void)
{
    for (unsigned round = 0; round < 5; round++) {
        need(count_primes() == 5133, "sieve");
        need(sort_numbers(round), "sort");
    }
}

/* Not on the console: the time a line takes there is the same whatever else happens. */
static void bench_usertests(void)
{
    run((char *[]){"/usertests", NULL}, "/README", "bench.tmp");
    unlink("bench.tmp");
}

static const struct benchmark {
    const char *name;
    void (*run)(void);
} benchmarks[] = {
    {"sbrk", bench_sbrk},           {"bigwrite", bench_bigwrite}, {"mem", bench_mem},
    {"fork", bench_fork},           {"pipe", bench_pipe},         {"exec", bench_exec},
    {"create", bench_create},       {"script", bench_script},     {"copy", bench_copy},
    {"compute", bench_compute},     {"fork1m", bench_fork1m},     {"recover", bench_recover},
    {"usertests", bench_usertests},
};
#define BENCHMARK_COUNT (sizeof(benchmarks) / sizeof(benchmarks[0]))
#define ONLY_NAMED      3 /* the last ones: for tests, and too long to run unasked */

static void tell_log(const char *what, const char *name)
{
    char text[64];

    strcpy(text, what);
    strcpy(text + strlen(text), name);
    note(text); /* without a hypervisor nobody listens */
}

static unsigned long long time_stamp(void)
{
    unsigned low, high;

    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (unsigned long long)high << 32 | low;
}

static void run_benchmark(const struct benchmark *benchmark)
{
    unsigned long long idle_before, idle_after;

    tell_log("bench-start ", benchmark->name);
    idle(&idle_before);
    unsigned long long start = time_stamp();
    benchmark->run();
    unsigned long long end = time_stamp();
    idle(&idle_after);
    tell_log("bench-end ", benchmark->name);
    printf(1, "bench %s: ticks=%llu idle=%llu\n", benchmark->name, end - start,
           idle_after - idle_before);
}

static int run_named(const char *name)
{
    for (unsigned i = 0; i < BENCHMARK_COUNT; i++) {
        if (strcmp(name, benchmarks[i].name) == 0) {
            run_benchmark(&benchmarks[i]);
            return 0;
        }
    }
    return -1;
}

/* A child holds the pages until this process ends and, with it, the pipe's other end. */
static void hold_pages(unsigned pages)
{
    int taken[2], ended[2];
    char byte = 0;

    need(pipe(taken) == 0 && pipe(ended) == 0, "pipe");
    if (fork_child() == 0) {
        close(ended[1]);
        need(sbrk((int)(pages * PAGE_SIZE)) != SBRK_FAILED, "sbrk");
        write(taken[1], &byte, 1);
        read(ended[0], &byte, 1);
        exit();
    }
    close(taken[1]);
    close(ended[0]);
    need(read(taken[0], &byte, 1) == 1, "sbrk");
    close(taken[0]);
}

static int take_hold(int argc, char **argv)
{
    unsigned pages;

    if (argc < 3 || strcmp(argv[1], "--hold") != 0)
        return 0;
    if (parse_unsigned(argv[2], &pages) < 0 || pages > 4096)
        usage(usage_text);
    hold_pages(pages);
    return 2;
}

int main(int argc, char **argv)
{
    help_option(argc, argv, usage_text);
    int taken = take_hold(argc, argv);
    argc -= taken;
    argv += taken;
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (unsigned i = 0; i < BENCHMARK_COUNT; i++)
            printf(1, "%s\n", benchmarks[i].name);
        exit();
    }
    for (unsigned i = 0; argc == 1 && i < BENCHMARK_COUNT - ONLY_NAMED; i++)
        run_benchmark(&benchmarks[i]);
    for (int i = 1; i < argc; i++) {
        if (run_named(argv[i]) < 0)
            complain("bench", argv[i], "no such benchmark: see bench --list");
    }
    exit();
}
