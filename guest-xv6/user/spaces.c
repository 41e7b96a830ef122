/* Protected and unprotected address spaces: which losses of one copy a program survives. Run it
 * translated and not. */
#include <stdbool.h>

#include "kmv/hypercall.h"
#include "user.h"

static const char usage_text[] =
    "spaces protected|unprotected    (what the program is, after its translation)";

#define FILL 0x5a

static char area[2 * PAGE_SIZE] __attribute__((aligned(4096)));

static void lose(void *va, int side)
{
    if (poison(va, side) < 0)
        fail("spaces", "poison refused", "needs the hypervisor with the mirror on");
}

static void expect(const char *page, char byte)
{
    for (unsigned i = 0; i < PAGE_SIZE; i++) {
        if (page[i] != byte)
            fail("spaces", "wrong bytes", "the page was replaced by a stale copy");
    }
}

static void native_page(void)
{
    memset(area, FILL, sizeof(area));
    lose(area, KMV_POISON_NATIVE);
    expect(area, FILL);
}

static void mirror_page(void)
{
    memset(area, FILL, sizeof(area));
    lose(area, KMV_POISON_MIRROR);
    expect(area, FILL);
}

static void grown_page(void)
{
    char *page = sbrk(2 * PAGE_SIZE);

    page += PAGE_SIZE - (unsigned)page % PAGE_SIZE;
    memset(page, FILL, PAGE_SIZE);
    lose(page, KMV_POISON_NATIVE);
    expect(page, FILL);
}

/* A child's pages are what its parent's are. */
static void forked_page(void)
{
    int fds[2];
    char byte = 's';

    memset(area, FILL, sizeof(area));
    pipe(fds);
    if (fork() == 0) {
        lose(area, KMV_POISON_NATIVE);
        expect(area, FILL);
        write(fds[1], &byte, 1);
        exit();
    }
    close(fds[1]);
    if (read(fds[0], &byte, 1) != 1)
        fail("spaces", "fork", "the child was killed");
}

static void finished_page(void)
{
    memset(area, FILL, sizeof(area));
    if (protect(area, PAGE_SIZE) < 0)
        fail("spaces", "protect", "refused");
    lose(area, KMV_POISON_NATIVE);
    expect(area, FILL);
    /* The kernel writes there no more than the program does. */
    int fd = open("README", O_RDONLY);
    if (read(fd, area, 10) >= 0)
        fail("spaces", "read", "wrote to a finished page");
    expect(area, FILL);
}

static void write_to_finished_page(void)
{
    protect(area, PAGE_SIZE);
    area[0] = 1;
}

static void pipe_between(void)
{
    int fds[2];
    static char back[400];

    pipe(fds);
    memset(area, FILL, PAGE_SIZE);
    write(fds[1], area, sizeof(back));
    lose(area, KMV_POISON_MIRROR);
    if (read(fds[0], back, sizeof(back)) != sizeof(back) || back[399] != FILL)
        fail("spaces", "pipe", "other bytes came back");
}

static const struct {
    const char *name;
    void (*run)(void);
    bool survives[2]; /* unprotected, protected */
} cases[] = {
    {"native-page", native_page, {false, true}},
    {"mirror-page", mirror_page, {true, true}},
    {"grown-page", grown_page, {false, true}},
    {"forked-page", forked_page, {false, true}},
    {"finished-page", finished_page, {true, true}},
    {"write-to-finished-page", write_to_finished_page, {false, false}},
    {"pipe", pipe_between, {true, true}},
};
#define CASE_COUNT (sizeof(cases) / sizeof(cases[0]))

/* Does the child come back from the case? */
static bool survived(void (*run)(void))
{
    int fds[2];
    char byte = 's';

    pipe(fds);
    if (fork() == 0) {
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

int main(int argc, char **argv)
{
    unsigned failed = 0;

    help_option(argc, argv, usage_text);
    if (argc != 2)
        usage(usage_text);
    bool is_protected = strcmp(argv[1], "protected") == 0;
    for (unsigned i = 0; i < CASE_COUNT; i++) {
        bool good = survived(cases[i].run) == cases[i].survives[is_protected];

        printf(1, "spaces %s: %s\n", cases[i].name, good ? "ok" : "WRONG");
        failed += !good;
    }
    printf(1, "spaces: %u passed, %u failed\n", (unsigned)CASE_COUNT - failed, failed);
    exit();
}
