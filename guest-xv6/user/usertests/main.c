/* usertests: tests the kernel from outside, one area a file. */
#include "usertests.h"

static const char usage_text[] = "usertests [--list] [--inject N] [NAME...]    (all tests without "
                                 "NAME; N pages poisoned before each)";

static const struct test *const areas[] = {
    argument_tests, memory_tests,  file_tests, directory_tests, race_tests,
    pipe_tests,     process_tests, exec_tests, hostile_tests,
};
#define AREA_COUNT (sizeof(areas) / sizeof(areas[0]))

#define SCRATCH "/usertests.d"

static unsigned passed, failed;
static unsigned inject_pages;

/* Removes what a failed test left behind; every level is done in its own process to keep the stack
 * small. */
static void remove_tree(const char *directory)
{
    char name[NAME_LEN + 1];
    struct dirent entry;
    struct stat st;

    if (chdir(directory) < 0)
        return;
    int fd = open(".", O_RDONLY);
    while (read(fd, &entry, sizeof(entry)) == sizeof(entry)) {
        memcpy(name, entry.name, NAME_LEN);
        name[NAME_LEN] = '\0';
        if (entry.inum == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        if (stat(name, &st) == 0 && st.type == T_DIR) {
            if (fork() == 0) {
                remove_tree(name);
                exit();
            }
            wait();
        }
        unlink(name);
    }
    close(fd);
}

static void clean_up(void)
{
    if (fork() == 0) {
        remove_tree(SCRATCH);
        exit();
    }
    wait();
    unlink(SCRATCH);
}

static void run_child(const struct test *test, int result_fd)
{
    char byte = 'p';

    if (chdir(SCRATCH) < 0) {
        complain("usertests", SCRATCH, "cannot enter");
        exit();
    }
    test->run();
    write(result_fd, &byte, 1);
    exit();
}

/* The child says that it passed through a pipe, since a process has no exit status. */
static bool run_in_child(const struct test *test)
{
    int fds[2];
    char byte;

    mkdir(SCRATCH);
    if (pipe(fds) < 0)
        return false;
    int pid = fork();
    if (pid == 0) {
        close(fds[0]);
        run_child(test, fds[1]);
    }
    close(fds[1]);
    bool good = pid > 0 && read(fds[0], &byte, 1) == 1;
    close(fds[0]);
    wait();
    clean_up();
    return good;
}

static void report(const char *name, bool good, int ticks)
{
    printf(1, "test %s: %s, %d ticks\n", name, good ? "passed" : "FAILED", ticks);
    if (good)
        passed++;
    else
        failed++;
}

static void run_test(const struct test *test)
{
    static unsigned seed = 1;

    if (inject_pages > 0 && inject((int)inject_pages, seed++) < 0)
        fail("usertests", "inject refused", "needs the hypervisor with the mirror on");
    int start = uptime();
    bool good = run_in_child(test);
    report(test->name, good, uptime() - start);
}

/* Calls `visit` for each test that was asked for; returns how many there were. */
static unsigned for_selected(const char *name, void (*visit)(const struct test *test))
{
    unsigned count = 0;

    for (unsigned area = 0; area < AREA_COUNT; area++) {
        for (const struct test *test = areas[area]; test->name; test++) {
            if (name && strcmp(name, test->name) != 0)
                continue;
            visit(test);
            count++;
        }
    }
    return count;
}

/* How many pages a process can get; a child that ends gives all of them back. */
static int count_free_pages(void)
{
    int fds[2];
    int pages = 0;

    if (pipe(fds) < 0)
        return -1;
    if (fork() == 0) {
        while (sbrk(PAGE_SIZE) != SBRK_FAILED)
            pages++;
        write(fds[1], &pages, sizeof(pages));
        exit();
    }
    close(fds[1]);
    if (read(fds[0], &pages, sizeof(pages)) != sizeof(pages))
        pages = -1;
    close(fds[0]);
    wait();
    return pages;
}

/* The kernel must have given back all memory that the tests used. */
static void run_all(void)
{
    int before = count_free_pages();

    for_selected(NULL, run_test);
    int start = uptime();
    int after = count_free_pages();
    if (after != before)
        printf(2, "usertests: %d pages were free before, %d after\n", before, after);
    report("leaks", before > 0 && after == before, uptime() - start);
}

static void run_named(char **names, int count)
{
    for (int i = 0; i < count; i++) {
        if (for_selected(names[i], run_test) == 0) {
            complain("usertests", names[i], "no such test: see usertests --list");
            failed++;
        }
    }
}

static void print_name(const struct test *test)
{
    printf(1, "%s\n", test->name);
}

int main(int argc, char **argv)
{
    help_option(argc, argv, usage_text);
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for_selected(NULL, print_name);
        exit();
    }
    int first = 1;
    if (argc > 1 && strcmp(argv[1], "--inject") == 0) {
        if (argc < 3 || parse_unsigned(argv[2], &inject_pages) < 0)
            usage(usage_text);
        first = 3;
    }
    clean_up();
    if (first < argc)
        run_named(argv + first, argc - first);
    else
        run_all();
    printf(1, "usertests: %u passed, %u failed\n", passed, failed);
    exit();
}
