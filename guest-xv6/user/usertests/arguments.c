/* System calls with arguments that are wrong: each gets -1 and changes nothing. */
#include "usertests.h"

#define KERNBASE 0x80000000u

/* Boundaries that a pointer can lie at; filled in by bad_pointers. The last entries are outside any
 * process. */
static const unsigned outside[] = {
    0x36000000u,  0x38000000u, KERNBASE - 4096,   KERNBASE - 1, KERNBASE,
    KERNBASE + 1, 0x80100000u, 0xb8000000u,       0xb8100000u,  0xfe000000u,
    0xfee00000u,  0xfffff000u, 0u - BUFFER_BYTES, 0xfffffffcu,  0xffffffffu,
};
#define OUTSIDE_COUNT (sizeof(outside) / sizeof(outside[0]))

static int fd; /* a file open for reading and writing, with 16 bytes */

static int call_read(void *bad)
{
    return read(fd, bad, 2 * PAGE_SIZE);
}
static int call_write(void *bad)
{
    return write(fd, bad, 2 * PAGE_SIZE);
}
static int call_pipe(void *bad)
{
    return pipe(bad);
}
static int call_fstat(void *bad)
{
    return fstat(fd, bad);
}
static int call_open(void *bad)
{
    return open(bad, O_RDONLY);
}
static int call_create(void *bad)
{
    return open(bad, O_CREATE | O_RDWR);
}
static int call_exec(void *bad)
{
    return exec(bad, (char *[]){"x", NULL});
}
static int call_exec_argv(void *bad)
{
    return exec("/echo", bad);
}
static int call_exec_arg(void *bad)
{
    return exec("/echo", (char *[]){"echo", bad, NULL});
}
static int call_chdir(void *bad)
{
    return chdir(bad);
}
static int call_mknod(void *bad)
{
    return mknod(bad, 1, 1);
}
static int call_unlink(void *bad)
{
    return unlink(bad);
}
static int call_link_old(void *bad)
{
    return link(bad, "new");
}
static int call_link_new(void *bad)
{
    return link("file", bad);
}
static int call_mkdir(void *bad)
{
    return mkdir(bad);
}
static int call_verify(void *bad)
{
    return verify(bad);
}
static int call_counters(void *bad)
{
    return counters(bad, 1000);
}
static int call_note(void *bad)
{
    return note(bad);
}

static int (*const calls[])(void *bad) = {
    call_read,     call_write,     call_pipe,     call_fstat,  call_open,     call_create,
    call_exec,     call_exec_argv, call_exec_arg, call_chdir,  call_mknod,    call_unlink,
    call_link_old, call_link_new,  call_mkdir,    call_verify, call_counters, call_note,
};
#define CALL_COUNT (sizeof(calls) / sizeof(calls[0]))

static void try_pointer(unsigned address)
{
    for (unsigned i = 0; i < CALL_COUNT; i++) {
        int result = calls[i]((void *)address);
        if (result != -1)
            printf(2, "usertests: call %d with pointer 0x%x: %d\n", i, address, result);
        CHECK(result == -1);
    }
}

static void open_file(void)
{
    make_file("file", 16, 'f');
    fd = open("file", O_RDWR);
    CHECK(fd >= 0);
}

static void test_bad_pointers(void)
{
    open_file();
    for (unsigned i = 0; i < OUTSIDE_COUNT; i++)
        try_pointer(outside[i]);
    unsigned size = (unsigned)sbrk(0);
    try_pointer(size);
    try_pointer(size + 1);
    try_pointer(size + PAGE_SIZE);
    check_file("file", 16, 'f');
    CHECK(count_entries(".") == 3);
}

/* Structures and strings that begin inside the process and end outside. */
static void test_pointers_across_the_end(void)
{
    open_file();
    CHECK(sbrk((int)(PAGE_SIZE - (unsigned)sbrk(0) % PAGE_SIZE)) != SBRK_FAILED);
    char *end = sbrk(0);
    end[-1] = 'x';
    end[-2] = 'x';
    for (unsigned i = 0; i < CALL_COUNT; i++) {
        CHECK(calls[i](end - 1) == -1);
        CHECK(calls[i](end - 2) == -1);
    }
    check_file("file", 16, 'f');
    CHECK(count_entries(".") == 3);
}

/* The last byte of a process is as good as any other. */
static void test_pointers_up_to_the_end(void)
{
    open_file();
    char *end = sbrk(0);
    memset(end - 16, 'y', 16);
    CHECK(write(fd, end - 16, 16) == 16);
    memcpy(end - 5, "file", 5);
    CHECK(exists(end - 5));
    CHECK(fstat(fd, (struct stat *)(end - sizeof(struct stat))) == 0);
    check_file("file", 16, 'y');
}

static void test_bad_counts(void)
{
    static const int counts[] = {-1, -4096, INT32_MIN, INT32_MAX, 0x40000000};

    open_file();
    for (unsigned i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        CHECK(read(fd, buffer, counts[i]) == -1);
        CHECK(write(fd, buffer, counts[i]) == -1);
    }
    CHECK(read(fd, buffer, 0) == 0);
    CHECK(write(fd, buffer, 0) == 0);
    check_file("file", 16, 'f');
}

static void test_bad_descriptors(void)
{
    static const int bad[] = {-1, 15, 16, 17, 1000, INT32_MAX, INT32_MIN};
    struct stat st;

    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK(read(bad[i], buffer, 1) == -1);
        CHECK(write(bad[i], buffer, 1) == -1);
        CHECK(fstat(bad[i], &st) == -1);
        CHECK(dup(bad[i]) == -1);
        CHECK(close(bad[i]) == -1);
    }
}

static void test_wrong_direction(void)
{
    make_file("file", 16, 'f');
    fd = open("file", O_RDONLY);
    CHECK(write(fd, "x", 1) == -1);
    close(fd);
    fd = open("file", O_WRONLY);
    CHECK(read(fd, buffer, 1) == -1);
    close(fd);
    check_file("file", 16, 'f');
}

static int raw_call(unsigned number)
{
    int result;

    __asm__ volatile("int $64" : "=a"(result) : "a"(number) : "memory");
    return result;
}

static void test_bad_numbers(void)
{
    static const unsigned numbers[] = {0,    22,         31,         63,        100,
                                       1000, 0x7fffffff, 0x80000000, 0xffffffff};

    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
        CHECK(raw_call(numbers[i]) == -1);
}

/* Arguments lie above esp; here esp points where none can be read. */
static int call_with_stack(unsigned number, unsigned stack)
{
    int result;

    __asm__ volatile("movl %%esp, %%ebx\n\t"
                     "movl %2, %%esp\n\t"
                     "int $64\n\t"
                     "movl %%ebx, %%esp"
                     : "=a"(result)
                     : "a"(number), "r"(stack)
                     : "ebx", "memory");
    return result;
}

static void test_bad_stack(void)
{
    static const unsigned with_arguments[] = {4, 5, 7, 8, 9, 10, 15, 16, 17, 18, 19, 20, 21};
    unsigned size = (unsigned)sbrk(0);

    for (unsigned i = 0; i < sizeof(with_arguments) / sizeof(with_arguments[0]); i++) {
        for (unsigned j = 0; j < OUTSIDE_COUNT; j++)
            CHECK(call_with_stack(with_arguments[i], outside[j]) == -1);
        CHECK(call_with_stack(with_arguments[i], size) == -1);
        CHECK(call_with_stack(with_arguments[i], size - 4) == -1);
        CHECK(call_with_stack(with_arguments[i], size - 7) == -1);
    }
}

const struct test argument_tests[] = {
    {"bad-pointers", test_bad_pointers},
    {"pointers-across-end", test_pointers_across_the_end},
    {"pointers-up-to-end", test_pointers_up_to_the_end},
    {"bad-counts", test_bad_counts},
    {"bad-descriptors", test_bad_descriptors},
    {"wrong-direction", test_wrong_direction},
    {"bad-numbers", test_bad_numbers},
    {"bad-stack", test_bad_stack},
    {0},
};
