/* Open, read, write, create, unlink. */
#include "usertests.h"

static void test_open_modes(void)
{
    CHECK(open("missing", O_RDONLY) == -1);
    CHECK(open("missing", O_RDWR) == -1);
    make_file("file", 3, 'a');
    int fd = open("file", O_CREATE | O_RDWR);
    CHECK(fd >= 0);
    CHECK(read(fd, buffer, 10) == 3);
    CHECK(open("file/x", O_RDONLY) == -1);
    CHECK(open("file/x", O_CREATE | O_RDWR) == -1);
}

static void test_stat(void)
{
    struct stat st;

    make_file("file", 700, 'a');
    CHECK(stat("file", &st) == 0);
    CHECK(st.type == T_FILE && st.nlink == 1 && st.size == 700 && st.ino > 1);
    CHECK(stat(".", &st) == 0);
    CHECK(st.type == T_DIR && st.size >= 3 * sizeof(struct dirent));
    CHECK(stat("/console", &st) == 0);
    CHECK(st.type == T_DEVICE);
    CHECK(stat("/", &st) == 0);
    CHECK(st.ino == 1);
}

static void test_write_small(void)
{
    int fd = open("small", O_CREATE | O_RDWR);

    for (int i = 0; i < 100; i++) {
        CHECK(write(fd, "aaaaaaaaaa", 10) == 10);
        CHECK(write(fd, "aaaaaaaaaa", 10) == 10);
    }
    close(fd);
    check_file("small", 2000, 'a');
    CHECK(unlink("small") == 0);
    CHECK(!exists("small"));
}

/* The largest file: 12 direct blocks and 128 through the indirect one, each holding its own number.
 */
static void test_write_big(void)
{
    int fd = open("big", O_CREATE | O_RDWR);

    for (int i = 0; i < FILE_MAX / BLOCK_SIZE; i++) {
        memset(buffer, i, BLOCK_SIZE);
        CHECK(write(fd, buffer, BLOCK_SIZE) == BLOCK_SIZE);
    }
    CHECK(write(fd, buffer, 1) != 1);
    close(fd);
    fd = open("big", O_RDONLY);
    for (int i = 0; i < FILE_MAX / BLOCK_SIZE; i++) {
        CHECK(read(fd, buffer, BLOCK_SIZE) == BLOCK_SIZE);
        CHECK(buffer[0] == (char)i && buffer[BLOCK_SIZE - 1] == (char)i);
    }
    CHECK(read(fd, buffer, BLOCK_SIZE) == 0);
}

/* Writes of every size up to several blocks, also such that straddle blocks and transactions. */
static void test_write_sizes(void)
{
    for (int bytes = 499; bytes < 12 * BLOCK_SIZE; bytes += 471) {
        int fd = open("sizes", O_CREATE | O_RDWR);
        CHECK(fd >= 0);
        for (int i = 0; i < 2; i++) {
            memset(buffer, 's', (size_t)bytes);
            CHECK(write(fd, buffer, bytes) == bytes);
        }
        close(fd);
        check_file("sizes", 2 * bytes, 's');
        CHECK(unlink("sizes") == 0);
    }
}

static void test_read_sizes(void)
{
    make_file("file", 5000, 'r');
    for (int chunk = 1; chunk < 3000; chunk = chunk * 3 + 1) {
        int fd = open("file", O_RDONLY);
        int got, total = 0;
        while ((got = read(fd, buffer, chunk)) > 0) {
            CHECK(got == chunk || total + got == 5000);
            total += got;
        }
        CHECK(total == 5000);
        close(fd);
    }
}

/* Two descriptors have two positions; one that is dup'ed or inherited shares its own. */
static void test_positions(void)
{
    int first = open("file", O_CREATE | O_RDWR);
    int second = open("file", O_RDWR);
    int shared = dup(first);

    CHECK(write(first, "ab", 2) == 2);
    CHECK(write(shared, "cd", 2) == 2);
    CHECK(read(second, buffer, 10) == 4);
    CHECK(memcmp(buffer, "abcd", 4) == 0);
    if (must_fork() == 0) {
        write(first, "ef", 2);
        exit();
    }
    reap(1);
    CHECK(write(first, "gh", 2) == 2);
    CHECK(read(second, buffer, 10) == 4);
    CHECK(memcmp(buffer, "efgh", 4) == 0);
}

static void test_overwrite(void)
{
    make_file("file", 1000, 'o');
    int fd = open("file", O_WRONLY);
    memset(buffer, 'n', 600);
    CHECK(write(fd, buffer, 600) == 600);
    close(fd);
    fd = open("file", O_RDONLY);
    CHECK(read(fd, buffer, sizeof(buffer)) == 1000);
    CHECK(buffer[0] == 'n' && buffer[599] == 'n' && buffer[600] == 'o' && buffer[999] == 'o');
}

static void test_truncate(void)
{
    make_file("file", 9000, 'o');
    int reader = open("file", O_RDONLY);
    int fd = open("file", O_WRONLY | O_CREATE | O_TRUNC);
    CHECK(fd >= 0);
    CHECK(read(reader, buffer, 10) == 0);
    CHECK(write(fd, "nnn", 3) == 3);
    close(fd);
    check_file("file", 3, 'n');
    CHECK(open(".", O_RDONLY | O_TRUNC) == -1 || count_entries(".") == 3);
}

static void test_many_creates(void)
{
    char name[NAME_LEN + 1];

    for (int i = 0; i < 52; i++) {
        int fd = open(numbered(name, "many", i), O_CREATE | O_RDWR);
        CHECK(fd >= 0);
        close(fd);
    }
    CHECK(count_entries(".") == 54);
    for (int i = 0; i < 52; i++)
        CHECK(unlink(numbered(name, "many", i)) == 0);
    CHECK(count_entries(".") == 2);
}

/* A process has 16 descriptors; what fails in between loses nothing. */
static void test_descriptors_run_out(void)
{
    int fds[2];
    int count = 0;

    make_file("file", 1, 'a');
    while (open("file", O_RDONLY) >= 0)
        count++;
    CHECK(count > 0 && count <= 13);
    CHECK(dup(0) == -1);
    CHECK(pipe(fds) == -1);
    close(15);
    CHECK(pipe(fds) == -1); /* one is free, a pipe needs two */
    CHECK(open("file", O_RDONLY) == 15);
    close(15);
    close(14);
    CHECK(pipe(fds) == 0);
}

/* Opens what it can, tells how much that was, and keeps it until somebody writes or all writers are
 * gone. */
static void hold_files(int result_fd, int end_fd)
{
    int count = 0;
    char byte;

    while (open("file", O_RDONLY) >= 0)
        count++;
    write(result_fd, &count, sizeof(count));
    read(end_fd, &byte, 1);
    exit();
}

/* The system has 100 open files: processes that take all of them are told so, and all come back. */
static void test_files_run_out(void)
{
    make_file("file", 1, 'a');
    for (int round = 0; round < 2; round++) {
        int result[2], end[2];
        int total = 0;
        CHECK(pipe(result) == 0 && pipe(end) == 0);
        for (int i = 0; i < 11; i++) {
            int count;
            if (must_fork() == 0) {
                close(end[1]);
                hold_files(result[1], end[0]);
            }
            CHECK(read(result[0], &count, sizeof(count)) == sizeof(count));
            total += count;
        }
        CHECK(total > 60 && total < 100);
        CHECK(open("file", O_RDONLY) == -1);
        close(end[1]);
        reap(11);
        close(end[0]);
        close(result[0]);
        close(result[1]);
        check_file("file", 1, 'a');
    }
}

static void test_unlink_while_open(void)
{
    make_file("file", 5, 'u');
    int fd = open("file", O_RDWR);
    CHECK(unlink("file") == 0);
    CHECK(!exists("file"));
    make_file("file", 3, 'v');
    CHECK(read(fd, buffer, sizeof(buffer)) == 5);
    CHECK(buffer[0] == 'u');
    CHECK(write(fd, "more", 4) == 4);
    close(fd);
    check_file("file", 3, 'v');
}

static void test_links(void)
{
    struct stat st;

    make_file("first", 5, 'l');
    CHECK(link("first", "second") == 0);
    CHECK(stat("second", &st) == 0 && st.nlink == 2);
    CHECK(link("first", "second") == -1);
    CHECK(unlink("first") == 0);
    CHECK(!exists("first"));
    check_file("second", 5, 'l');
    CHECK(link("second", "second") == -1);
    CHECK(link("first", "third") == -1);
    CHECK(link(".", "directory") == -1);
    CHECK(link("second", "no/third") == -1);
    CHECK(stat("second", &st) == 0 && st.nlink == 1);
    CHECK(unlink("second") == 0);
    CHECK(unlink("second") == -1);
}

/* I-nodes end before the disk does; create then fails, and works again once files are gone. */
static void test_inodes_run_out(void)
{
    char name[NAME_LEN + 1];
    int made = 0;

    for (; made < 2000; made++) {
        numbered(name, "i", made / 100);
        numbered(name + 3, "x", made % 100);
        int fd = open(name, O_CREATE | O_RDWR);
        if (fd < 0)
            break;
        close(fd);
    }
    CHECK(made > 50 && made < 2000);
    CHECK(mkdir("directory") == -1);
    CHECK(mknod("device", 1, 1) == -1);
    while (--made >= 0) {
        numbered(name, "i", made / 100);
        numbered(name + 3, "x", made % 100);
        CHECK(unlink(name) == 0);
    }
    make_file("file", 1, 'a');
}

/* Blocks of a disk that is full: writes fail, files that are there stay, removed ones make room. */
static void test_disk_full(void)
{
    char name[NAME_LEN + 1];
    int files = 0;
    bool full = false;

    make_file("keep", 3000, 'k');
    memset(buffer, 'd', sizeof(buffer));
    while (!full && files < 100) {
        int fd = open(numbered(name, "full", files), O_CREATE | O_RDWR);
        if (fd < 0)
            break;
        for (int i = 0; i < 8 && !full; i++)
            full = write(fd, buffer, sizeof(buffer)) != sizeof(buffer);
        close(fd);
        files++;
    }
    CHECK(full || files < 100); /* or the disk is too large for this test */
    check_file("keep", 3000, 'k');
    while (--files >= 0)
        CHECK(unlink(numbered(name, "full", files)) == 0);
    make_file("room", FILE_MAX, 'r');
    check_file("room", FILE_MAX, 'r');
}

const struct test file_tests[] = {
    {"open-modes", test_open_modes},
    {"stat", test_stat},
    {"write-small", test_write_small},
    {"write-big", test_write_big},
    {"write-sizes", test_write_sizes},
    {"read-sizes", test_read_sizes},
    {"positions", test_positions},
    {"overwrite", test_overwrite},
    {"truncate", test_truncate},
    {"many-creates", test_many_creates},
    {"descriptors", test_descriptors_run_out},
    {"files-run-out", test_files_run_out},
    {"unlink-open", test_unlink_while_open},
    {"links", test_links},
    {"inodes-run-out", test_inodes_run_out},
    {"disk-full", test_disk_full},
    {0},
};
