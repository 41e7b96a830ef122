/* Modes and state of the processor that other kernels than the project's own use, a row each. */
#include "runtime.h"

#define PRESENT_WRITE 3u
#define LARGE         0x80u
#define CR0_TS        8u
#define CR4_PAE       0x20u
#define CR4_FP        0x600u /* OSFXSR, OSXMMEXCPT */
#define CR4_OSXSAVE   (1u << 18)
#define CR4_VME       1u
#define FLAG_VM       0x20000u
#define FLAGS_IOPL_3  0x3000u
#define HPET          0xfed00000u
#define IO_APIC       0xfec00000u

u32 long_mode(u32 root);
u32 real_mode(void);
u32 big_real_mode(const u32 *address);
u32 protected_16(void);

static u64 pml4[512] __attribute__((aligned(4096)));
static u64 pdpt[512] __attribute__((aligned(4096)));
static u64 directories[2][512] __attribute__((aligned(4096)));

static u32 in_long_mode(void)
{
    for (u32 i = 0; i < 512; i++)
        directories[0][i] = (u64)i << 21 | PRESENT_WRITE | LARGE;
    pdpt[0] = (u32)directories[0] | PRESENT_WRITE;
    pml4[0] = pml4[256] = (u32)pdpt | PRESENT_WRITE;
    return long_mode((u32)pml4);
}

/* Two mappings of one address by different directories: the processor has to load the PDPTEs anew
 * with CR3. */
static u32 in_pae(void)
{
    volatile u32 *alias = (u32 *)0x40000000;
    u32 seen = 0;

    for (u32 i = 0; i < 512; i++) {
        directories[0][i] = (u64)i << 21 | PRESENT_WRITE | LARGE;
        directories[1][i] = 0x400000 | PRESENT_WRITE | LARGE;
    }
    *(volatile u32 *)0x400000 = 0x111;
    *(volatile u32 *)0x600000 = 0x222;
    pdpt[0] = (u32)directories[0] | 1;
    pdpt[1] = (u32)directories[1] | 1;
    cr4_write(cr4_read() | CR4_PAE);
    cr3_write((u32)pdpt);
    cr0_write(cr0_read() | 0x80000020); /* NE exits */
    seen |= *alias != 0x111;
    directories[1][0] = 0x600000 | PRESENT_WRITE | LARGE;
    cr3_write((u32)pdpt);
    seen |= (*alias != 0x222) << 1;
    pdpt[1] = (u32)directories[0] | 1;
    cr3_write((u32)pdpt);
    *(volatile u32 *)0x1000 = 0x333;
    seen |= (alias[0x1000 / 4] != 0x333) << 2;
    cr4_write(cr4_read() ^ 0x40); /* MCE exits */
    seen |= (alias[0x1000 / 4] != 0x333) << 3;
    cr0_write(cr0_read() & 0x7fffffdf);
    cr4_write(cr4_read() & ~(CR4_PAE | 0x40));
    return seen;
}

static u32 exec_disable(void)
{
    wrmsr(0xc0000080, rdmsr(0xc0000080) | 1u << 11);
    pdpt[0] = (u32)directories[0] | 1;
    directories[0][3] |= 1ull << 63;
    *(volatile u8 *)0x600000 = 0xc3;
    cr4_write(cr4_read() | CR4_PAE);
    cr3_write((u32)pdpt);
    cr0_write(cr0_read() | 0x80000000);
    ((void (*)(void))0x600000)();
    return 0;
}

static u32 paging_off(void)
{
    cr0_write(cr0_read() & 0x7fffffff);
    cr4_write(cr4_read() & ~CR4_PAE);
    wrmsr(0xc0000080, 0);
    return cr0_read() >> 31;
}

static u32 in_real_mode(void)
{
    return real_mode();
}

static u32 in_big_real_mode(void)
{
    *(volatile u32 *)0x345678 = 0xb16b00;
    return big_real_mode((u32 *)0x345678);
}

static u32 in_protected_16(void)
{
    u32 before = traps_seen[48];

    return protected_16() << 16 | (traps_seen[48] - before);
}

/* Virtual-8086 code at 0x7000 with its stack below; `int 0x31` ends it, AX is the answer. */
static u32 virtual_flags;
static u32 enter_virtual(void)
{
    __asm__ volatile("mov %%esp, tss + 4\n"
                     "push $0\npush $0\npush $0x700\npush $0\npush $0x600\npush $0xff0\n"
                     "push %0\npush $0x700\npush $0\niret"
                     :
                     : "m"(virtual_flags), "a"(0)
                     : "memory");
    return 0;
}
static u32 run_virtual(const u8 *code, u32 bytes, u32 flags)
{
    struct answer answer;

    for (u32 i = 0; i < bytes; i++)
        ((volatile u8 *)0x7000)[i] = code[i];
    *(volatile u32 *)0x7100 = 0;
    virtual_flags = flags | FLAG_VM | 2;
    answer = attempt(enter_virtual);
    return answer.fault ? answer.vector << 16 | *(volatile u16 *)0x7100 : answer.value & 0xffff;
}

/* inc ax; cpuid, which exits, kept around; inc ax; int 0x31 */
static u32 virtual_8086(void)
{
    static const u8 code[] = {0x40, 0x50, 0x0f, 0xa2, 0x58, 0x40, 0xcd, 0x31};

    return run_virtual(code, sizeof(code), FLAGS_IOPL_3);
}

/* With VME, INT goes through the vectors at 0 where the map in the task-state segment has zeroes.
 */
static u32 virtual_redirected(void)
{
    static const u8 code[] = {0xcd, 0x60, 0xcd, 0x60, 0xcd, 0x60, 0xcd, 0x31, 0x40, 0xcf};
    u8 *map = (u8 *)tss + 104 - 32;
    u32 answer;

    *(volatile u32 *)(0x60 * 4) = 0x07000008; /* inc ax; iret */
    map[0x31 / 8] |= 1u << 0x31 % 8;
    cr4_write(cr4_read() | CR4_VME);
    answer = run_virtual(code, sizeof(code), FLAGS_IOPL_3);
    cr4_write(cr4_read() & ~CR4_VME);
    map[0x31 / 8] = 0;
    return answer;
}

/* cli; sti; mov word [0x100], 0x55; hlt: the virtual interrupt flag spares CLI its fault. */
static const u8 virtual_cli[] = {0xfa, 0xfb, 0xc7, 0x06, 0x00, 0x01, 0x55, 0x00, 0xf4};
static u32 virtual_flag(void)
{
    u32 answer;

    cr4_write(cr4_read() | CR4_VME);
    answer = run_virtual(virtual_cli, sizeof(virtual_cli), 0);
    cr4_write(cr4_read() & ~CR4_VME);
    return answer;
}
static u32 virtual_without_vme(void)
{
    return run_virtual(virtual_cli, sizeof(virtual_cli), 0);
}

/* Registers that the hypervisor does not use stay as they are over exits of all kinds. */
static u32 vectors_kept(void)
{
    static u8 before[256] __attribute__((aligned(32))), after[256] __attribute__((aligned(32)));
    u32 wrong = 0;

    cr4_write(cr4_read() | CR4_FP | CR4_OSXSAVE);
    __asm__ volatile("xsetbv" : : "c"(0), "a"(7), "d"(0));
    for (u32 i = 0; i < sizeof(before); i++)
        before[i] = (u8)(i * 37 + 11);
    __asm__ volatile("vmovdqa (%0), %%ymm0\nvmovdqa 32(%0), %%ymm1\nvmovdqa 64(%0), %%ymm2\n"
                     "vmovdqa 96(%0), %%ymm3\nvmovdqa 128(%0), %%ymm4\nvmovdqa 160(%0), %%ymm5\n"
                     "vmovdqa 192(%0), %%ymm6\nvmovdqa 224(%0), %%ymm7"
                     :
                     : "r"(before)
                     : "memory");
    for (u32 i = 0; i < 100; i++) {
        cpuid(i, 0);
        hypercall(2, (u32) "vectors", 7);
        inb(0x2fd);
        rdmsr(0x3a);
    }
    __asm__ volatile("vmovdqa %%ymm0, (%0)\nvmovdqa %%ymm1, 32(%0)\nvmovdqa %%ymm2, 64(%0)\n"
                     "vmovdqa %%ymm3, 96(%0)\nvmovdqa %%ymm4, 128(%0)\nvmovdqa %%ymm5, 160(%0)\n"
                     "vmovdqa %%ymm6, 192(%0)\nvmovdqa %%ymm7, 224(%0)"
                     :
                     : "r"(after)
                     : "memory");
    for (u32 i = 0; i < sizeof(before); i++)
        wrong += before[i] != after[i];
    return wrong;
}

static u32 x87_kept(void)
{
    u32 value = 0;
    u16 control = 0;

    __asm__ volatile("fninit\nfld1\nfldpi" : : : "memory");
    cpuid(1, 0);
    __asm__ volatile("fstp %%st(0)\nfistpl %0\nfnstcw %1" : "=m"(value), "=m"(control));
    return (u32)control << 16 | value;
}

/* Lazy switching of the FPU: TS set, the first use faults. */
static u32 fpu_first_use(void)
{
    cr0_write(cr0_read() | CR0_TS);
    __asm__ volatile("fnop");
    return 0;
}

static u32 fpu_after_clts(void)
{
    __asm__ volatile("clts\nfnop");
    return cr0_read() & CR0_TS;
}

/* Single step over an instruction that exits: the trap comes right behind it. */
static u32 step_end;
static void note_step(const struct trap *trap)
{
    if (step_end == 0)
        step_end = trap->eip;
}
static u32 step_over_exit(void)
{
    u32 behind;

    step_end = 0;
    trap_hook = note_step;
    __asm__ volatile("mov $1f, %0\n"
                     "pushf\norl $0x100, (%%esp)\npopf\n"
                     "cpuid\n"
                     "1: nop\n"
                     "pushf\nandl $~0x100, (%%esp)\npopf\n"
                     : "=&S"(behind)
                     : "a"(0), "c"(0)
                     : "ebx", "edx", "memory");
    return step_end - behind;
}

/* INT1 is a trap: its handler returns behind it. */
static u32 int1_returns(void)
{
    u32 behind;

    step_end = 0;
    __asm__ volatile("mov $1f, %0\n.byte 0xf1\n1: nop\n" : "=&S"(behind) : : "memory");
    return step_end - behind;
}

static u32 hpet_counts(void)
{
    volatile u32 *hpet = (u32 *)HPET;
    u32 before, period = hpet[1];

    hpet[0x10 / 4] |= 1;
    before = hpet[0xf0 / 4];
    for (volatile u32 wait = 0; wait < 100000; wait++)
        ;
    return (hpet[0xf0 / 4] > before && period != 0 && period <= 100000000) ? 1 : 0;
}

/* Timers that can write a message to an address of the guest's choice. */
static u32 hpet_writers(void)
{
    volatile u32 *hpet = (u32 *)HPET;
    u32 timers = (hpet[0] >> 8 & 0x1f) + 1, writers = 0;

    for (u32 i = 0; i < timers; i++)
        writers += hpet[(0x100 + 0x20 * i) / 4] >> 15 & 1;
    return writers;
}

static u32 io_apic_entries(void)
{
    volatile u32 *io_apic = (u32 *)IO_APIC;

    io_apic[0] = 1;
    return io_apic[4] >> 16 & 0xff;
}

static u32 cmos_read(u8 index)
{
    outb(0x70, index);
    return inb(0x71);
}
static u32 rtc_ticks(void)
{
    u32 ticks = 0;

    outb(0x70, 0x0a);
    outb(0x71, 0x26); /* 1024 Hz */
    outb(0x70, 0x0b);
    outb(0x71, 0x42); /* periodic interrupts, which stay pending */
    cmos_read(0x0c);
    while (ticks < 3)
        ticks += cmos_read(0x0c) >> 6 & 1;
    outb(0x70, 0x0b);
    outb(0x71, 0x02);
    return ticks;
}

static u32 tsc_follows_adjust(void)
{
    u64 step = 1ull << 36, before, after;

    if ((cpuid(7, 0).ebx & 2) == 0)
        return 1; /* not on this processor */
    before = rdmsr(0x10);
    wrmsr(0x3b, rdmsr(0x3b) + step);
    after = rdmsr(0x10);
    wrmsr(0x3b, rdmsr(0x3b) - step);
    return after - before >= step && after - before < 2 * step;
}

static u32 apic_timer(void)
{
    volatile u32 *lapic = (u32 *)0xfee00000;

    lapic[0xf0 / 4] = 0x1ff;
    lapic[0x3e0 / 4] = 0xb;
    lapic[0x320 / 4] = 0x10021; /* masked, one shot */
    lapic[0x380 / 4] = 1000000;
    for (volatile u32 wait = 0; wait < 1000; wait++)
        ;
    return lapic[0x390 / 4] < 1000000;
}

static const struct row rows[] = {
    {"real_mode", in_real_mode, "0x1064", KERNEL, ALWAYS},
    {"big_real_mode", in_big_real_mode, "0xb16b00", KERNEL, ALWAYS},
    {"protected_16", in_protected_16, "0xa000a", KERNEL, ALWAYS},
    {"virtual_8086", virtual_8086, "0x2", KERNEL, ALWAYS},
    {"virtual_redirected", virtual_redirected, "0x3", KERNEL, ALWAYS},
    {"virtual_flag", virtual_flag, "0xd0055", KERNEL, ALWAYS},
    {"virtual_without_vme", virtual_without_vme, "0xd0000", KERNEL, ALWAYS},
    {"pae", in_pae, "0x0", KERNEL, UNMIRRORED},
    {"exec_disable", exec_disable, "#PF(0x11)", KERNEL, UNMIRRORED},
    {"paging_off", paging_off, "0x0", KERNEL, UNMIRRORED},
    {"long_mode", in_long_mode, "0x0", KERNEL, UNMIRRORED},
    {"real_mode_again", in_real_mode, "0x1064", KERNEL, ALWAYS},
    {"x87_kept", x87_kept, "0x37f0001", KERNEL, ALWAYS},
    {"vectors_kept", vectors_kept, "0x0", KERNEL, ALWAYS},
    {"fpu_first_use", fpu_first_use, "#NM", KERNEL, ALWAYS},
    {"fpu_after_clts", fpu_after_clts, "0x0", KERNEL, ALWAYS},
    {"step_over_exit", step_over_exit, "0x0", KERNEL, ALWAYS},
    {"int1_returns", int1_returns, "0x0", KERNEL, ALWAYS},
    {"hpet_counts", hpet_counts, "0x1", KERNEL, ALWAYS},
    {"hpet_writers", hpet_writers, "0x0", KERNEL, ALWAYS},
    {"io_apic_entries", io_apic_entries, "0x17", KERNEL, ALWAYS},
    {"rtc_ticks", rtc_ticks, "0x3", KERNEL, ALWAYS},
    {"tsc_follows_adjust", tsc_follows_adjust, "0x1", KERNEL, ALWAYS},
    {"apic_timer", apic_timer, "0x1", KERNEL, ALWAYS},
};

u32 guest_main(const char *command_line)
{
    (void)command_line;
    return rows_failed(rows, COUNT(rows));
}
