/*
 * What a program may not do: each attempt ends its process, and nothing else. The kernel tells of
 * each on the console.
 */
#include "usertests.h"

static void read_byte(void *address)
{
    (void)*(volatile char *)address;
}

static void write_byte(void *address)
{
    *(volatile char *)address = 1;
}

static void jump(void *address)
{
    ((void (*)(void))address)();
}

static const unsigned forbidden[] = {
    0x80000000u, 0x80007c00u, 0x80100000u, 0x80400000u, 0x8dfff000u, 0xb8000000u, 0xb8100000u,
    0xc0000000u, 0xe0000000u, 0xfe000000u, 0xfec00000u, 0xfee00000u, 0xfffff000u, 0xffffffffu,
};

static void expect_death(void (*body)(void *), const char *what, unsigned address)
{
    if (survives(body, (void *)address)) {
        printf(2, "usertests: %s at 0x%x was allowed\n", what, address);
        CHECK(false);
    }
}

static void test_kernel_memory(void)
{
    for (unsigned i = 0; i < sizeof(forbidden) / sizeof(forbidden[0]); i++) {
        expect_death(read_byte, "read", forbidden[i]);
        expect_death(write_byte, "write", forbidden[i]);
        expect_death(jump, "jump", forbidden[i]);
    }
}

/* Many megabytes of the kernel's half, a read in each. */
static void test_kernel_memory_sweep(void)
{
    for (unsigned address = 0x80000000u; address < 0x80000000u + 2000000u; address += 50000)
        expect_death(read_byte, "read", address);
}

static void test_beyond_the_end(void)
{
    unsigned end = ((unsigned)sbrk(0) + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;

    expect_death(read_byte, "read", end);
    expect_death(write_byte, "write", end);
    expect_death(write_byte, "write", end + 0x100000);
    expect_death(write_byte, "write", 0x35fff000u);
    expect_death(jump, "jump", end);
}

static __attribute__((noinline)) unsigned recurse(unsigned depth)
{
    volatile char frame[64];

    frame[depth % sizeof(frame)] = (char)depth;
    return depth > 1000000 ? 0 : recurse(depth + 1) + (unsigned)frame[0];
}

static void overflow_stack(void *unused)
{
    (void)unused;
    recurse(0);
}

/* The guard page below the stack keeps a stack that overflows from the program's data. */
static void test_stack_overflow(void)
{
    CHECK(!survives(overflow_stack, NULL));
}

#define ATTEMPT(name, code)                                                                        \
    static void name(void *unused)                                                                 \
    {                                                                                              \
        (void)unused;                                                                              \
        __asm__ volatile(code);                                                                    \
    }

ATTEMPT(do_cli, "cli")
ATTEMPT(do_sti, "sti")
ATTEMPT(do_hlt, "hlt")
ATTEMPT(do_in, "movl $0x71, %edx; inb %dx, %al")
ATTEMPT(do_in_immediate, "inb $0x60, %al")
ATTEMPT(do_out, "movl $0x501, %edx; movb $0, %al; outb %al, %dx")
ATTEMPT(do_out_ide, "movl $0x1f7, %edx; movb $0xe7, %al; outb %al, %dx")
ATTEMPT(do_read_cr0, "movl %cr0, %eax")
ATTEMPT(do_write_cr3, "xorl %eax, %eax; movl %eax, %cr3")
ATTEMPT(do_lgdt, "lgdt 0")
ATTEMPT(do_lidt, "lidt 0")
ATTEMPT(do_ltr, "xorl %eax, %eax; ltr %ax")
ATTEMPT(do_lmsw, "xorl %eax, %eax; lmsw %ax")
ATTEMPT(do_clts, "clts")
ATTEMPT(do_invlpg, "invlpg 0")
ATTEMPT(do_wbinvd, "wbinvd")
ATTEMPT(do_rdmsr, "movl $0x1b, %ecx; rdmsr")
ATTEMPT(do_wrmsr, "movl $0x1b, %ecx; xorl %eax, %eax; xorl %edx, %edx; wrmsr")
ATTEMPT(do_vmcall, "xorl %eax, %eax; vmcall")
ATTEMPT(do_vmcall_poweroff, "movl $6, %eax; vmcall")
ATTEMPT(do_vmxoff, "vmxoff")
ATTEMPT(do_undefined, "ud2")
ATTEMPT(do_divide, "xorl %edx, %edx; xorl %ecx, %ecx; movl $1, %eax; divl %ecx")
ATTEMPT(do_timer_interrupt, "int $32")
ATTEMPT(do_disk_interrupt, "int $46")
ATTEMPT(do_page_fault, "int $14")
ATTEMPT(do_double_fault, "int $8")
ATTEMPT(do_spurious, "int $255")
ATTEMPT(do_kernel_code, "pushl $0x08; pushl $0; lret")
ATTEMPT(do_kernel_data, "movl $0x10, %eax; movl %eax, %ss")
ATTEMPT(do_bad_segment, "movl $0xffff, %eax; movl %eax, %ds")
ATTEMPT(do_iret, "pushfl; pushl $0x08; pushl $0; iret")

static const struct {
    const char *name;
    void (*body)(void *);
} attempts[] = {
    {"cli", do_cli},
    {"sti", do_sti},
    {"hlt", do_hlt},
    {"in", do_in},
    {"in immediate", do_in_immediate},
    {"out", do_out},
    {"out to the disk", do_out_ide},
    {"mov from cr0", do_read_cr0},
    {"mov to cr3", do_write_cr3},
    {"lgdt", do_lgdt},
    {"lidt", do_lidt},
    {"ltr", do_ltr},
    {"lmsw", do_lmsw},
    {"clts", do_clts},
    {"invlpg", do_invlpg},
    {"wbinvd", do_wbinvd},
    {"rdmsr", do_rdmsr},
    {"wrmsr", do_wrmsr},
    {"vmcall", do_vmcall},
    {"vmcall power off", do_vmcall_poweroff},
    {"vmxoff", do_vmxoff},
    {"ud2", do_undefined},
    {"division by zero", do_divide},
    {"int 32", do_timer_interrupt},
    {"int 46", do_disk_interrupt},
    {"int 14", do_page_fault},
    {"int 8", do_double_fault},
    {"int 255", do_spurious},
    {"far return to the kernel", do_kernel_code},
    {"kernel stack segment", do_kernel_data},
    {"bad segment", do_bad_segment},
    {"iret to the kernel", do_iret},
};

static void test_privileged(void)
{
    for (unsigned i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
        if (survives(attempts[i].body, NULL)) {
            printf(2, "usertests: %s was allowed\n", attempts[i].name);
            CHECK(false);
        }
    }
}

/* iopl and the interrupt flag cannot be had by popf: it is ignored, and interrupts still come. */
static void test_flags(void)
{
    unsigned flags;

    __asm__ volatile("pushl $0x3000; popfl; pushfl; popl %0" : "=r"(flags) : : "memory", "cc");
    CHECK((flags & 0x3000) == 0);
    CHECK((flags & 0x200) != 0);
    CHECK(!survives(do_in, NULL));
}

/* A stack pointer that is wild in user mode is the process's own business: the kernel has its own
 * stack. */
static void wild_stack(void *stack)
{
    __asm__ volatile("movl %0, %%esp; pushl $0; hlt" : : "r"(stack) : "memory");
}

static void test_wild_stack(void)
{
    static const unsigned stacks[] = {0,           4,           0x7ffffffc,  0x80000000u,
                                      0x80101000u, 0xb8101000u, 0xfee00004u, 0xfffffffcu};

    for (unsigned i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++)
        expect_death(wild_stack, "stack", stacks[i]);
}

/* Noise: random bytes as a program, many times. Other processes must not notice. */
static void run_noise(void *seed)
{
    void (*volatile noise)(void) =
        (void (*)(void))buffer; /* not a branch that a translator could follow */
    unsigned state = (unsigned)seed;

    for (unsigned i = 0; i < 256; i++) {
        state = state * 1664525 + 1013904223;
        buffer[i] = (char)(state >> 24);
        if (buffer[i] == (char)0xcd)
            buffer[i] = (char)0xf4; /* no system call: it might do what it may */
    }
    noise();
}

static void test_noise(void)
{
    for (unsigned seed = 1; seed <= 40; seed++) {
        int pid = must_fork();
        if (pid == 0) {
            run_noise((void *)seed);
            exit();
        }
        sleep(1);
        kill(pid); /* it may be in a loop */
        CHECK(wait() == pid);
    }
}

const struct test hostile_tests[] = {
    {"kernel-memory", test_kernel_memory},
    {"kernel-sweep", test_kernel_memory_sweep},
    {"beyond-the-end", test_beyond_the_end},
    {"stack-overflow", test_stack_overflow},
    {"privileged", test_privileged},
    {"flags", test_flags},
    {"wild-stack", test_wild_stack},
    {"noise", test_noise},
    {0},
};
