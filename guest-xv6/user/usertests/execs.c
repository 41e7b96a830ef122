/* exec: arguments, refusals, malformed programs. */
#include "usertests.h"

/* Runs a program with its output in the file "out". */
static void run(const char *path, char **argv)
{
    if (must_fork() == 0) {
        close(1);
        CHECK(open("out", O_CREATE | O_WRONLY | O_TRUNC) == 1);
        exec(path, argv);
        printf(1, "exec failed");
        exit();
    }
    reap(1);
}

static void check_output(const char *wanted)
{
    int fd = open("out", O_RDONLY);
    int bytes = read(fd, buffer, sizeof(buffer) - 1);

    CHECK(bytes >= 0);
    buffer[bytes] = '\0';
    CHECK(strcmp(buffer, wanted) == 0);
    close(fd);
    CHECK(unlink("out") == 0);
}

static void test_exec(void)
{
    run("/echo", (char *[]){"echo", "one", "two", "", "three", NULL});
    check_output("one two  three\n");
    run("/echo", (char *[]){"echo", NULL});
    check_output("\n");
}

static void test_refused(void)
{
    char *argv[] = {"x", NULL};

    make_file("text", 100, 't');
    make_file("empty", 0, 't');
    CHECK(exec("missing", argv) == -1);
    CHECK(exec("", argv) == -1);
    CHECK(exec("text", argv) == -1);
    CHECK(exec("empty", argv) == -1);
    CHECK(exec(".", argv) == -1);
    CHECK(exec("/console", argv) == -1);
}

/* 31 arguments and the null pointer are the most; a program with more is not started. */
static void test_many_arguments(void)
{
    static char *argv[ARGS_MAX + 8];

    for (int i = 0; i < ARGS_MAX - 1; i++)
        argv[i] = i == 0 ? "echo" : "x";
    run("/echo", argv);
    int fd = open("out", O_RDONLY);
    CHECK(read(fd, buffer, sizeof(buffer)) == 2 * (ARGS_MAX - 2));
    close(fd);
    unlink("out");
    for (int i = ARGS_MAX - 1; i < ARGS_MAX + 7; i++)
        argv[i] = "x";
    CHECK(exec("/echo", argv) == -1);
}

/* Arguments share the new program's stack page: those that do not fit are refused. */
static void test_large_arguments(void)
{
    static char large[5000];

    memset(large, 'l', 2000);
    run("/echo", (char *[]){"echo", large, NULL});
    large[2000] = '\n';
    check_output(large);
}

static void test_too_large_arguments(void)
{
    static char large[5000];
    static char *argv[ARGS_MAX] = {"echo"};

    memset(large, 'l', sizeof(large) - 1);
    CHECK(exec("/echo", (char *[]){"echo", large, NULL}) == -1);
    large[400] = '\0';
    for (int i = 1; i < ARGS_MAX - 1; i++)
        argv[i] = large;
    CHECK(exec("/echo", argv) == -1);
}

struct elf_header {
    unsigned magic;
    unsigned char ident[12];
    unsigned short type, machine;
    unsigned version, entry, phoff, shoff, flags;
    unsigned short ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct program_header {
    unsigned type, offset, vaddr, paddr, filesz, memsz, flags, align;
};

#define PT_LOAD    1
#define PT_NOTE    4
#define NOTE_BYTES 64

struct program {
    struct elf_header elf;
    struct program_header load, note;
    char code[16];
    char note_bytes[NOTE_BYTES];
};

static struct program good_program = {
    .elf = {.magic = 0x464c457f,
            .ident = {1, 1, 1},
            .type = 2,
            .machine = 3,
            .version = 1,
            .phoff = sizeof(struct elf_header),
            .ehsize = sizeof(struct elf_header),
            .phentsize = sizeof(struct program_header),
            .phnum = 2},
    .load = {.type = PT_LOAD,
             .offset = offsetof(struct program, code),
             .filesz = 16,
             .memsz = 16,
             .flags = 7,
             .align = 4096},
    .code = {(char)0xb8, 2, 0, 0, 0, (char)0xcd, 64}, /* mov $SYS_exit, %eax; int $64 */
};

static void skip(int fd, unsigned bytes)
{
    while (bytes > 0) {
        int chunk = bytes < BUFFER_BYTES ? (int)bytes : BUFFER_BYTES;
        CHECK(read(fd, buffer, chunk) == chunk);
        bytes -= (unsigned)chunk;
    }
}

static void copy_note_bytes(const struct program_header *note)
{
    int fd = open("/usertests", O_RDONLY);

    CHECK(note->filesz <= NOTE_BYTES);
    skip(fd, note->offset);
    CHECK(read(fd, good_program.note_bytes, (int)note->filesz) == (int)note->filesz);
    close(fd);
    good_program.note = *note;
    good_program.note.offset = offsetof(struct program, note_bytes);
}

/*
 * A mirrored machine runs translated programs only. The program writes no memory, so it is its own
 * translation, and may carry the note that kmv-translate gave this one; without a note, its second
 * header stays empty.
 */
static void take_over_note(void)
{
    struct elf_header elf;
    struct program_header header;
    int fd = open("/usertests", O_RDONLY);

    CHECK(read(fd, &elf, sizeof(elf)) == sizeof(elf));
    CHECK(elf.phoff >= sizeof(elf));
    skip(fd, elf.phoff - sizeof(elf));
    for (unsigned i = 0; i < elf.phnum; i++) {
        CHECK(read(fd, &header, sizeof(header)) == sizeof(header));
        if (header.type == PT_NOTE)
            copy_note_bytes(&header);
    }
    close(fd);
}

/* exec in a child; true when it was refused there. */
static bool refused(const struct program *program)
{
    int fd = open("program", O_CREATE | O_RDWR | O_TRUNC);
    int fds[2];
    char byte = 'r';

    CHECK(write(fd, program, sizeof(*program)) == sizeof(*program));
    close(fd);
    CHECK(pipe(fds) == 0);
    if (must_fork() == 0) {
        exec("program", (char *[]){"program", NULL});
        write(fds[1], &byte, 1);
        exit();
    }
    close(fds[1]);
    bool result = read(fds[0], &byte, 1) == 1;
    close(fds[0]);
    reap(1);
    CHECK(unlink("program") == 0);
    return result;
}

/* Each field that can lie, lying. */
static void test_malformed_programs(void)
{
    static const struct {
        unsigned offset, value;
    } lies[] = {
        {offsetof(struct program, elf.magic), 0x464c457e},
        {offsetof(struct program, load.filesz), 17},
        {offsetof(struct program, load.memsz), 15},
        {offsetof(struct program, load.memsz), 0xffffffff},
        {offsetof(struct program, load.memsz), 0x80000000},
        {offsetof(struct program, load.vaddr), 1},
        {offsetof(struct program, load.vaddr), 0x80000000},
        {offsetof(struct program, load.vaddr), 0x80100000},
        {offsetof(struct program, load.vaddr), 0xfffff000},
        {offsetof(struct program, load.offset), 0x7fffffff},
        {offsetof(struct program, load.offset), 0xffffffff},
    };

    take_over_note();
    CHECK(!refused(&good_program));
    for (unsigned i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        static struct program program; /* the stack is a single page */
        program = good_program;
        memcpy((char *)&program + lies[i].offset, &lies[i].value, sizeof(unsigned));
        if (!refused(&program)) {
            printf(2, "usertests: malformed program %d was started\n", i);
            CHECK(false);
        }
    }
}

/* Headers said to lie anywhere: whatever happens, it happens to that process alone. */
static void test_wild_headers(void)
{
    static const unsigned wild[] = {0, 1, 100, 1000, 0x7fffffff, 0xffffffe0, 0xffffffff};

    take_over_note();
    for (unsigned i = 0; i < sizeof(wild) / sizeof(wild[0]); i++) {
        static struct program program;
        program = good_program;
        program.elf.phoff = wild[i];
        refused(&program);
        program = good_program;
        program.elf.entry = wild[i];
        refused(&program);
        program = good_program;
        program.elf.phnum = (unsigned short)wild[i];
        refused(&program);
    }
}

/* exec keeps descriptors and the directory, and starts with fresh memory. */
static void test_exec_keeps(void)
{
    CHECK(mkdir("d") == 0);
    make_file("d/file", 3, 'k');
    if (must_fork() == 0) {
        close(0);
        CHECK(open("d/file", O_RDONLY) == 0);
        close(1);
        CHECK(open("out", O_CREATE | O_WRONLY) == 1);
        exec("/cat", (char *[]){"cat", NULL});
        exit();
    }
    reap(1);
    check_output("kkk");
    CHECK(unlink("d/file") == 0 && unlink("d") == 0);
}

const struct test exec_tests[] = {
    {"exec", test_exec},
    {"exec-refused", test_refused},
    {"exec-many-arguments", test_many_arguments},
    {"exec-large-arguments", test_large_arguments},
    {"exec-too-large", test_too_large_arguments},
    {"exec-malformed", test_malformed_programs},
    {"exec-wild-headers", test_wild_headers},
    {"exec-keeps", test_exec_keeps},
    {0},
};
