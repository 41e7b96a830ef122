/*
 * Runs a freestanding 32-bit program on this processor, with its mirror mapped: every writable
 * segment and the stack exist twice, OFFSET apart. Usage: runner [--step | --time | --threads] FILE
 * [ARGUMENT]. Calls the entry point as uint32_t entry(uint32_t argument) and prints "result=HEX
 * pages=N differ=N": the return value, the pages that exist twice, those that end up unequal; with
 * --step what was found before each instruction, with --time what the call took in nanoseconds, by
 * the clock and of the processor; --threads makes the call on two threads at a time. All memory is
 * there before the program starts. Lies at an address of its own (see part.mk), so that programs
 * may be linked low.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum {
    OFFSET = 0x38000000,
    PAGE = 4096,
    STACK_BASE = 0x10000000,
    STACK_SIZE = 0x100000,
    STACK_SLACK = 0x1000 + 4, /* the stack is a multiple of 16 where the argument lies */
    MAX_AREAS = 16,
    THREADS = 2,
};

static struct area {
    uint32_t start;
    uint32_t size;
} areas[MAX_AREAS];
static unsigned area_count;

struct window {
    uint32_t start;
    uint32_t end;
};

static const struct window *windows;
static uint32_t window_count;
static unsigned steps, inside, torn;

static void die(const char *what)
{
    perror(what);
    exit(3);
}

/* Maps zeroed memory at an address, and its mirror. */
static void map_twice(uint32_t start, uint32_t end)
{
    start &= ~(PAGE - 1u);
    end = (end + PAGE - 1) & ~(PAGE - 1u);
    for (unsigned copy = 0; copy < 2; copy++) {
        void *want = (void *)(start + copy * OFFSET);
        void *got = mmap(want, end - start, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE, -1, 0);
        if (got != want)
            die("mmap");
    }
    if (area_count == MAX_AREAS)
        die("too many segments");
    areas[area_count++] = (struct area){start, end - start};
}

static void find_windows(const uint8_t *file)
{
    const Elf32_Ehdr *header = (const Elf32_Ehdr *)file;
    const Elf32_Shdr *sections = (const Elf32_Shdr *)(file + header->e_shoff);
    const char *names = (const char *)file + sections[header->e_shstrndx].sh_offset;
    for (unsigned i = 0; i < header->e_shnum; i++)
        if (strcmp(names + sections[i].sh_name, ".kmv.windows") == 0) {
            windows = (const struct window *)(file + sections[i].sh_offset);
            window_count = sections[i].sh_size / sizeof(*windows);
        }
}

static uint32_t load(const char *path)
{
    static _Alignas(8) uint8_t file[4 << 20];
    int fd = open(path, O_RDONLY);
    ssize_t size = fd < 0 ? -1 : read(fd, file, sizeof(file));
    if (size < (ssize_t)sizeof(Elf32_Ehdr))
        die(path);
    const Elf32_Ehdr *header = (const Elf32_Ehdr *)file;
    const Elf32_Phdr *segments = (const Elf32_Phdr *)(file + header->e_phoff);
    for (unsigned i = 0; i < header->e_phnum; i++) {
        const Elf32_Phdr *segment = &segments[i];
        if (segment->p_type != PT_LOAD || segment->p_memsz == 0)
            continue;
        map_twice(segment->p_vaddr, segment->p_vaddr + segment->p_memsz);
        for (unsigned copy = 0; copy < 2; copy++)
            memcpy((void *)(segment->p_vaddr + copy * OFFSET), file + segment->p_offset,
                   segment->p_filesz);
    }
    close(fd);
    find_windows(file);
    return header->e_entry;
}

/* Calls entry(argument) on another stack. The program may use every register; where the own stack
 * is stands there behind the argument, for the way back. */
uint32_t call_on_stack(uint32_t entry, uint32_t *stack);
__asm__(".text\n"
        "call_on_stack:\n"
        "    pushl %ebp; pushl %ebx; pushl %esi; pushl %edi\n"
        "    movl 20(%esp), %eax\n"
        "    movl 24(%esp), %edx\n"
        "    movl %esp, 8(%edx)\n"
        "    movl %esp, 0x38000008(%edx)\n"
        "    movl %edx, %esp\n"
        "    jmp *%eax\n"
        "come_back:\n"
        "    movl 4(%esp), %esp\n"
        "    cld\n"
        "    popl %edi; popl %esi; popl %ebx; popl %ebp\n"
        "    ret\n"
        ".text\n");
extern const uint8_t come_back[];

static unsigned count_unequal(void)
{
    unsigned differ = 0;
    for (unsigned i = 0; i < area_count; i++)
        for (uint32_t at = areas[i].start; at < areas[i].start + areas[i].size; at += PAGE)
            differ += memcmp((void *)at, (void *)(at + OFFSET), PAGE) != 0;
    return differ;
}

static int in_program(uint32_t ip)
{
    for (unsigned i = 0; i < area_count; i++)
        if (ip - areas[i].start < areas[i].size)
            return 1;
    return 0;
}

static int in_window(uint32_t ip)
{
    for (uint32_t i = 0; i < window_count; i++)
        if (ip >= windows[i].start && ip < windows[i].end)
            return 1;
    return 0;
}

#define TRAP_FLAG 0x100

static void on_step(int number, siginfo_t *info, void *context)
{
    (void)number, (void)info;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    uint32_t ip = (uint32_t)registers[REG_EIP];
    if (ip == (uint32_t)come_back) {
        registers[REG_EFL] &= ~TRAP_FLAG;
        return;
    }
    if (!in_program(ip))
        return;
    steps++;
    if (in_window(ip))
        inside++;
    else
        torn += count_unequal() != 0;
}

static void start_stepping(void)
{
    static uint8_t stack[65536];
    const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof(stack)};
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    if (sigaltstack(&alternate, NULL) != 0 || sigaction(SIGTRAP, &action, NULL) != 0)
        die("sigaction");
    __asm__ volatile("pushfl; orl %0, (%%esp); popfl" : : "i"(TRAP_FLAG) : "memory", "cc");
}

static uint64_t nanoseconds(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static void print_outcome(uint32_t result)
{
    unsigned pages = 0;
    for (unsigned i = 0; i < area_count; i++)
        pages += areas[i].size / PAGE;
    printf("result=%08x pages=%u differ=%u", result, pages, count_unequal());
}

/* The stack of the n-th thread, with the argument on it. */
static uint32_t *make_stack(unsigned thread, uint32_t argument)
{
    uint32_t base = STACK_BASE + thread * 2 * STACK_SIZE;
    map_twice(base, base + STACK_SIZE);
    uint32_t *stack = (uint32_t *)(base + STACK_SIZE - STACK_SLACK);
    stack[0] = (uint32_t)come_back;
    stack[1] = argument;
    memcpy((uint8_t *)stack + OFFSET, stack, 8);
    return stack;
}

static uint32_t entry;

static void *run_thread(void *stack)
{
    return (void *)call_on_stack(entry, stack);
}

/* Returns the sum of results. */
static uint32_t run_threads(uint32_t argument)
{
    pthread_t threads[THREADS];
    uint32_t sum = 0;
    for (unsigned i = 0; i < THREADS; i++)
        if (pthread_create(&threads[i], NULL, run_thread, make_stack(i, argument)) != 0)
            die("pthread_create");
    for (unsigned i = 0; i < THREADS; i++) {
        void *result;
        pthread_join(threads[i], &result);
        sum += (uint32_t)result;
    }
    return sum;
}

static uint32_t run_timed(uint32_t argument, bool stepping, uint64_t *wall, uint64_t *used)
{
    uint32_t *stack = make_stack(0, argument);
    *wall = nanoseconds(CLOCK_MONOTONIC);
    *used = nanoseconds(CLOCK_PROCESS_CPUTIME_ID);
    if (stepping)
        start_stepping();
    uint32_t result = call_on_stack(entry, stack);
    *used = nanoseconds(CLOCK_PROCESS_CPUTIME_ID) - *used;
    *wall = nanoseconds(CLOCK_MONOTONIC) - *wall;
    return result;
}

int main(int argc, char **argv)
{
    const char *mode = argc > 1 && strncmp(argv[1], "--", 2) == 0 ? argv[1] : "";
    int first = 1 + (*mode != '\0');
    if (argc <= first)
        return 2;
    entry = load(argv[first]);
    uint32_t argument = argc > first + 1 ? (uint32_t)strtoul(argv[first + 1], NULL, 0) : 0;
    uint64_t wall = 0, used = 0;
    if (strcmp(mode, "--threads") == 0)
        print_outcome(run_threads(argument));
    else
        print_outcome(run_timed(argument, strcmp(mode, "--step") == 0, &wall, &used));
    if (strcmp(mode, "--step") == 0)
        printf(" steps=%u inside=%u torn=%u", steps, inside, torn);
    if (strcmp(mode, "--time") == 0)
        printf(" wall=%" PRIu64 " processor=%" PRIu64, wall, used);
    putchar('\n');
    return 0;
}
