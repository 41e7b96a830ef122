/* Every test runs in a process of its own, in an empty directory that is removed afterwards. */
#ifndef USERTESTS_H
#define USERTESTS_H

#include <stdbool.h>

#include "user.h"

struct test {
    const char *name;
    void (*run)(void); /* returns: passed; ends before: failed */
};

/* Tables end with an entry without a name. */
extern const struct test argument_tests[], memory_tests[], file_tests[], directory_tests[],
    race_tests[], pipe_tests[], process_tests[], exec_tests[], hostile_tests[];

/*
 * Ends the test's process, with a message that tells the line, when the condition does not hold. A
 * file of the guest holds 70 KiB and translated code is large, so the condition's text is left out
 * and the line goes in a register.
 */
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__LINE__))
void check_failed(int line) __attribute__((noreturn, cold, regparm(1)));

/* A buffer for every test; the stack is a single page. */
#define BUFFER_BYTES 8192
extern char buffer[BUFFER_BYTES];

/* fork that must work. */
int must_fork(void);
/* Waits for `count` children; each must be there. */
void reap(int count);
/* Runs `body` in a child; true when the child came back from it, false when it was killed on the
 * way. */
bool survives(void (*body)(void *), void *argument);

/* A file with `bytes` bytes of `fill`. */
void make_file(const char *path, int bytes, char fill);
/* The file has `bytes` bytes, all of them `fill`. */
void check_file(const char *path, int bytes, char fill);
bool exists(const char *path);
int count_entries(const char *directory);
/* "PREFIX" followed by a number of two digits. */
char *numbered(char *name, const char *prefix, int number);

#endif
