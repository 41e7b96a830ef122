#include "usertests.h"

/* More than a pipe holds, in pieces that never fit its size, read in growing pieces. */
static void test_pipe(void)
{
    int fds[2];
    int sequence = 0, total = 0, got;

    CHECK(pipe(fds) == 0);
    if (must_fork() == 0) {
        close(fds[0]);
        for (int round = 0; round < 5; round++) {
            for (int i = 0; i < 1033; i++)
                buffer[i] = (char)sequence++;
            CHECK(write(fds[1], buffer, 1033) == 1033);
        }
        exit();
    }
    close(fds[1]);
    for (int chunk = 1; (got = read(fds[0], buffer, chunk)) > 0;
         chunk = chunk < 4000 ? chunk * 2 : chunk) {
        for (int i = 0; i < got; i++)
            CHECK(buffer[i] == (char)sequence++);
        total += got;
    }
    CHECK(total == 5 * 1033);
    reap(1);
}

static void test_end_of_pipe(void)
{
    int fds[2];

    CHECK(pipe(fds) == 0);
    CHECK(write(fds[1], "abc", 3) == 3);
    CHECK(close(fds[1]) == 0);
    CHECK(read(fds[0], buffer, 10) == 3);
    CHECK(read(fds[0], buffer, 10) == 0);
    CHECK(read(fds[0], buffer, 10) == 0);
}

static void test_no_reader(void)
{
    int fds[2];

    CHECK(pipe(fds) == 0);
    CHECK(close(fds[0]) == 0);
    CHECK(write(fds[1], "x", 1) == -1);
}

/* A writer that waits for room learns that the reader went away. */
static void test_reader_leaves(void)
{
    int fds[2];

    CHECK(pipe(fds) == 0);
    if (must_fork() == 0) {
        close(fds[1]);
        read(fds[0], buffer, 10);
        sleep(2);
        exit();
    }
    close(fds[0]);
    CHECK(write(fds[1], buffer, 4000) == -1);
    reap(1);
}

static void test_wrong_end(void)
{
    int fds[2];
    struct stat st;

    CHECK(pipe(fds) == 0);
    CHECK(read(fds[1], buffer, 1) == -1);
    CHECK(write(fds[0], "x", 1) == -1);
    CHECK(fstat(fds[0], &st) == -1);
}

/* Processes blocked in a pipe, on either side, can be killed. */
static void test_kill_blocked(void)
{
    int fds[2];

    CHECK(pipe(fds) == 0);
    int reader = must_fork();
    if (reader == 0) {
        read(fds[0], buffer, 1);
        exit();
    }
    sleep(1);
    CHECK(kill(reader) == 0);
    CHECK(wait() == reader);
    int writer = must_fork();
    if (writer == 0) {
        for (;;)
            write(fds[1], buffer, 100);
    }
    sleep(1);
    CHECK(kill(writer) == 0);
    CHECK(wait() == writer);
}

/* A chain of processes, each adding one to every byte. */
static void test_chain(void)
{
    enum { STAGES = 8, BYTES = 600 };
    int input, fds[2];

    CHECK(pipe(fds) == 0);
    input = fds[0];
    int first = fds[1];
    for (int stage = 0; stage < STAGES; stage++) {
        CHECK(pipe(fds) == 0);
        if (must_fork() == 0) {
            char byte;
            close(first);
            close(fds[0]);
            while (read(input, &byte, 1) == 1) {
                byte++;
                CHECK(write(fds[1], &byte, 1) == 1);
            }
            exit();
        }
        close(input);
        close(fds[1]);
        input = fds[0];
    }
    memset(buffer, 'a', BYTES);
    CHECK(write(first, buffer, BYTES) == BYTES);
    close(first);
    for (int i = 0; i < BYTES; i++)
        CHECK(read(input, buffer, 1) == 1 && buffer[0] == 'a' + STAGES);
    CHECK(read(input, buffer, 1) == 0);
    reap(STAGES);
}

static void test_many_pipes(void)
{
    int fds[2];

    for (int i = 0; i < 200; i++) {
        CHECK(pipe(fds) == 0);
        CHECK(write(fds[1], "x", 1) == 1);
        CHECK(close(fds[i % 2]) == 0 && close(fds[1 - i % 2]) == 0);
    }
}

const struct test pipe_tests[] = {
    {"pipe", test_pipe},
    {"pipe-end", test_end_of_pipe},
    {"pipe-no-reader", test_no_reader},
    {"pipe-reader-leaves", test_reader_leaves},
    {"pipe-wrong-end", test_wrong_end},
    {"pipe-kill-blocked", test_kill_blocked},
    {"pipe-chain", test_chain},
    {"pipe-many", test_many_pipes},
    {0},
};
