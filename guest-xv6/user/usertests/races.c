/* Several processes in the file system at once. */
#include "usertests.h"

/* Four processes write a file each. */
static void test_four_files(void)
{
    static const char *const names[] = {"f0", "f1", "f2", "f3"};

    for (int i = 0; i < 4; i++) {
        if (must_fork() == 0) {
            make_file(names[i], 6000, (char)('0' + i));
            exit();
        }
    }
    reap(4);
    for (int i = 0; i < 4; i++)
        check_file(names[i], 6000, (char)('0' + i));
}

/* Parent and child write through one descriptor: no write is lost or torn. */
static void test_shared_descriptor(void)
{
    int fd = open("shared", O_CREATE | O_RDWR);
    int pid = must_fork();
    unsigned from_child = 0, from_parent = 0;

    memset(buffer, pid == 0 ? 'c' : 'p', 10);
    for (int i = 0; i < 200; i++)
        CHECK(write(fd, buffer, 10) == 10);
    if (pid == 0)
        exit();
    reap(1);
    close(fd);
    fd = open("shared", O_RDONLY);
    while (read(fd, buffer, 10) == 10) {
        for (int i = 1; i < 10; i++)
            CHECK(buffer[i] == buffer[0]);
        from_child += buffer[0] == 'c';
        from_parent += buffer[0] == 'p';
    }
    CHECK(from_child == 200 && from_parent == 200);
}

static void create_and_delete(const char *prefix)
{
    char name[NAME_LEN + 1];

    for (int i = 0; i < 20; i++) {
        int fd = open(numbered(name, prefix, i), O_CREATE | O_RDWR);
        CHECK(fd >= 0);
        close(fd);
        if (i > 0 && i % 2 == 0)
            CHECK(unlink(numbered(name, prefix, i / 2)) == 0);
    }
}

static void test_create_delete(void)
{
    static const char *const prefixes[] = {"p", "q", "r", "s"};
    char name[NAME_LEN + 1];

    for (int i = 0; i < 4; i++) {
        if (must_fork() == 0) {
            create_and_delete(prefixes[i]);
            exit();
        }
    }
    reap(4);
    for (int i = 0; i < 4; i++) {
        for (int number = 0; number < 20; number++)
            CHECK(exists(numbered(name, prefixes[i], number)) == (number == 0 || number > 9));
    }
}

/* Two processes create and link the same names: each name is there once, whoever came first. */
static void test_concurrent_creates(void)
{
    char name[NAME_LEN + 1];

    for (int i = 0; i < 40; i++) {
        numbered(name, "C", i);
        unlink(name);
        int pid = must_fork();
        if (pid != 0 && i % 3 == 1)
            link("C00", name);
        else if (pid == 0 && i % 5 == 1)
            link("C00", name);
        else
            close(open(name, O_CREATE | O_RDWR));
        if (pid == 0)
            exit();
        reap(1);
    }
    CHECK(count_entries(".") == 42);
}

static void link_and_unlink(unsigned seed)
{
    for (int i = 0; i < 100; i++) {
        seed = seed * 1103515245 + 12345;
        unsigned choice = seed >> 16 & 0x7fff;
        if (choice % 3 == 0)
            close(open("x", O_RDWR | O_CREATE));
        else if (choice % 3 == 1)
            link("/cat", "x");
        else
            unlink("x");
    }
}

static void test_link_unlink(void)
{
    struct stat before, after;

    CHECK(stat("/cat", &before) == 0);
    int pid = must_fork();
    link_and_unlink(pid == 0 ? 97 : 1);
    if (pid == 0)
        exit();
    reap(1);
    unlink("x");
    CHECK(stat("/cat", &after) == 0);
    CHECK(before.nlink == after.nlink && before.size == after.size);
}

/* The last reference to an i-node goes at the same time as its name is looked up. */
static void test_iput_race(void)
{
    for (int i = 0; i < 30; i++) {
        CHECK(mkdir("d") == 0);
        int pid = must_fork();
        if (pid == 0) {
            int fd =
                open("d", O_RDWR); /* a directory: must fail, whether it is still there or not */
            CHECK(fd == -1);
            exit();
        }
        CHECK(unlink("d") == 0);
        reap(1);
    }
}

/* One makes and removes directories that the other walks through. */
static void test_walk_race(void)
{
    int pid = must_fork();

    for (int i = 0; i < 60; i++) {
        if (pid == 0) {
            int fd = open("a/b/../../a/b/file", O_RDONLY);
            if (fd >= 0)
                close(fd);
            continue;
        }
        CHECK(mkdir("a") == 0 && mkdir("a/b") == 0);
        make_file("a/b/file", 1, 'w');
        CHECK(unlink("a/b/file") == 0);
        while (unlink("a/b") != 0)
            sleep(1);
        CHECK(unlink("a") == 0);
    }
    if (pid == 0)
        exit();
    reap(1);
}

/* Readers see only whole writes of one process, in order. */
static void test_read_while_written(void)
{
    int fd = open("grow", O_CREATE | O_RDWR);
    int pid = must_fork();

    if (pid == 0) {
        for (int i = 0; i < 50; i++) {
            memset(buffer, i, 100);
            CHECK(write(fd, buffer, 100) == 100);
        }
        exit();
    }
    close(fd);
    fd = open("grow", O_RDONLY);
    for (int total = 0; total < 5000;) {
        int got = read(fd, buffer, 100 - total % 100);
        CHECK(got >= 0);
        if (got == 0)
            sleep(1);
        for (int i = 0; i < got; i++)
            CHECK(buffer[i] == (char)((total + i) / 100));
        total += got;
    }
    reap(1);
}

const struct test race_tests[] = {
    {"four-files", test_four_files},
    {"shared-descriptor", test_shared_descriptor},
    {"create-delete", test_create_delete},
    {"concurrent-creates", test_concurrent_creates},
    {"link-unlink", test_link_unlink},
    {"iput-race", test_iput_race},
    {"walk-race", test_walk_race},
    {"read-while-written", test_read_while_written},
    {0},
};
