/* sbrk both ways and to the end of memory, malloc, bss. */
#include "usertests.h"

#define MIB (1024 * 1024)

static char large_bss[64 * 1024];

static void test_bss(void)
{
    for (unsigned i = 0; i < sizeof(large_bss); i++)
        CHECK(large_bss[i] == 0);
}

static void test_sbrk_bytes(void)
{
    char *end = sbrk(0);

    for (int i = 0; i < 5000; i++) {
        char *byte = sbrk(1);
        CHECK(byte == end + i);
        *byte = (char)i;
    }
    for (int i = 0; i < 5000; i++)
        CHECK(end[i] == (char)i);
}

static void test_sbrk_child_has_its_own(void)
{
    char *byte = sbrk(1);

    *byte = 'p';
    if (must_fork() == 0) {
        *byte = 'c';
        CHECK(sbrk(1) == byte + 1);
        exit();
    }
    reap(1);
    CHECK(*byte == 'p');
    CHECK(sbrk(0) == byte + 1);
}

static void test_sbrk_large(void)
{
    char *start = sbrk(16 * MIB);

    CHECK(start != SBRK_FAILED);
    for (int at = 0; at < 16 * MIB; at += (int)PAGE_SIZE) {
        CHECK(start[at] == 0);
        start[at] = (char)(at >> 12);
    }
    start[16 * MIB - 1] = 'e';
    for (int at = 0; at < 16 * MIB; at += (int)PAGE_SIZE)
        CHECK(start[at] == (char)(at >> 12));
}

static void touch(void *address)
{
    *(volatile char *)address = 1;
}

/* Memory given back is gone, and comes back zeroed. */
static void test_sbrk_shrink(void)
{
    char *start = sbrk(2 * (int)PAGE_SIZE);
    char *page = start + PAGE_SIZE - (uintptr_t)start % PAGE_SIZE;

    memset(start, 'x', 2 * PAGE_SIZE);
    CHECK(sbrk(-2 * (int)PAGE_SIZE) == start + 2 * PAGE_SIZE);
    CHECK(sbrk(0) == start);
    CHECK(!survives(touch, page));
    CHECK(sbrk(2 * (int)PAGE_SIZE) == start);
    for (unsigned i = 0; i < PAGE_SIZE; i++)
        CHECK(page[i] == 0);
    CHECK(survives(touch, page));
}

/* Shrinking below zero is refused, or at the very least changes nothing. */
static void test_sbrk_below_zero(void)
{
    char *end = sbrk(0);

    sbrk(-(int)((unsigned)end + PAGE_SIZE));
    CHECK(sbrk(0) == end);
    sbrk(INT32_MIN);
    CHECK(sbrk(0) == end);
}

/* Growing into the kernel, or around 4 GiB, fails and loses nothing. */
static void test_sbrk_too_much(void)
{
    char *end = sbrk(0);

    CHECK(sbrk(INT32_MAX) == SBRK_FAILED);
    CHECK(sbrk(0) == end);
    CHECK(sbrk(0x7f000000) == SBRK_FAILED);
    CHECK(sbrk(0) == end);
    CHECK(sbrk(1) == end);
    *end = 1;
}

/* Takes all memory; returns the number of pages. */
static int take_all(void)
{
    int pages = 0;

    for (int chunk = MIB; chunk >= (int)PAGE_SIZE; chunk /= 2) {
        while (sbrk(chunk) != SBRK_FAILED)
            pages += chunk / (int)PAGE_SIZE;
    }
    return pages;
}

static void run_out(void *pages)
{
    *(int *)pages = take_all();
    CHECK(*(int *)pages > 0);
    CHECK(fork() == -1);
    CHECK(sbrk(PAGE_SIZE) == SBRK_FAILED);
    exec("/echo", (char *[]){"echo", NULL}); /* fails, but must leave this program as it is */
    CHECK(sbrk(-(int)(64 * PAGE_SIZE)) != SBRK_FAILED);
    int pid = fork(); /* needs as much again: still fails */
    if (pid == 0)
        exit();
    CHECK(pid == -1);
}

/* A failure in the middle gives back what it took: several rounds get equally far. */
static void test_out_of_memory(void)
{
    for (int round = 0; round < 2; round++) {
        int pages = 0;
        CHECK(survives(run_out, &pages));
    }
}

static void take_all_and_stay(int ready_fd)
{
    char byte = 0;

    take_all();
    write(ready_fd, &byte, 1);
    for (;;)
        sleep(1000);
}

/* Processes that hold all memory between them are killed: all of it comes back. */
static void test_sbrk_children_fill_memory(void)
{
    int pids[8];
    int fds[2];
    char byte;

    CHECK(pipe(fds) == 0);
    for (int i = 0; i < 8; i++) {
        pids[i] = must_fork();
        if (pids[i] == 0)
            take_all_and_stay(fds[1]);
    }
    for (int i = 0; i < 8; i++)
        CHECK(read(fds[0], &byte, 1) == 1);
    for (int i = 0; i < 8; i++)
        CHECK(kill(pids[i]) == 0);
    reap(8);
    CHECK(sbrk(4 * MIB) != SBRK_FAILED);
}

struct link {
    struct link *next;
    char rest[10000];
};

/* malloc until there is nothing left, in another process so that its heap ends with it. */
static void allocate_all(void *unused)
{
    struct link *list = NULL, *link;

    (void)unused;
    while ((link = malloc(sizeof(*link)))) {
        link->next = list;
        list = link;
    }
    CHECK(list);
    while (list) {
        link = list->next;
        free(list);
        list = link;
    }
    void *again = malloc(20 * 1024);
    CHECK(again);
    free(again);
}

static void test_mem(void)
{
    CHECK(survives(allocate_all, NULL));
}

static void test_sbrk_as_buffer(void)
{
    char *page = sbrk(2 * (int)PAGE_SIZE);
    int fd = open("file", O_CREATE | O_RDWR);

    memset(page, 'b', 2 * PAGE_SIZE);
    CHECK(write(fd, page + 100, PAGE_SIZE) == (int)PAGE_SIZE);
    close(fd);
    fd = open("file", O_RDONLY);
    char *more = sbrk(2 * (int)PAGE_SIZE);
    CHECK(read(fd, more + 10, PAGE_SIZE) == (int)PAGE_SIZE);
    CHECK(memcmp(more + 10, page, PAGE_SIZE) == 0);
    CHECK(more[9] == 0 && more[10 + PAGE_SIZE] == 0);
}

const struct test memory_tests[] = {
    {"bss", test_bss},
    {"sbrk-bytes", test_sbrk_bytes},
    {"sbrk-own", test_sbrk_child_has_its_own},
    {"sbrk-large", test_sbrk_large},
    {"sbrk-shrink", test_sbrk_shrink},
    {"sbrk-below-zero", test_sbrk_below_zero},
    {"sbrk-too-much", test_sbrk_too_much},
    {"sbrk-as-buffer", test_sbrk_as_buffer},
    {"out-of-memory", test_out_of_memory},
    {"sbrk-children", test_sbrk_children_fill_memory},
    {"mem", test_mem},
    {0},
};
