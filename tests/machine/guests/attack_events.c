/* Debug registers, exceptions, interrupts, and windows that lie. */
#include "attack.h"

INSTRUCTION(icebp, ".byte 0xf1")
INSTRUCTION(bound, ".byte 0x62, 0x05\n.long bound_limits\n.pushsection .data\nbound_limits: .long "
                   "1, 2\n.popsection")
INSTRUCTION(divide, "div %%ecx")
INSTRUCTION(into, "mov $0x7fffffff, %%eax\nadd $1, %%eax\ninto")
INSTRUCTION(rdtsc, "rdtsc")
INSTRUCTION(single_step, "pushf\norl $0x100, (%%esp)\npopf\nnop\nnop")
INSTRUCTION(bad_selector, "mov $0x1000, %%eax\nmov %%ax, %%ds")
INSTRUCTION(load_busy_task, "mov $0x28, %%eax\nltr %%ax")

/* Debug registers. */
ATTEMPT(dr7_gd, dr7_write(0x2400); return dr7_read();)
ATTEMPT(dr4_with_de, cr4_write(cr4_read() | 8); __asm__ volatile(".byte 0x0f, 0x21, 0xe0"
                                                                 :
                                                                 :
                                                                 : "eax");)
ATTEMPT(dr4_without_de, cr4_write(cr4_read() & ~8u); __asm__ volatile(".byte 0x0f, 0x21, 0xe0"
                                                                      :
                                                                      :
                                                                      : "eax");)
static u32 watched;
static u32 watchpoint(void)
{
    dr0_write((u32)&watched);
    dr7_write(0xd0401); /* local 0, 4 bytes, writes */
    *(volatile u32 *)&watched = 1;
    __asm__ volatile("nop");
    return 0;
}
ATTEMPT(debug_off, dr7_write(0x400); return dr7_read();)
/* A breakpoint on MOV SS waits until the next instruction is done. */
static u32 mov_ss_watchpoint(void)
{
    static u16 selector = SELECTOR_DATA;

    dr0_write((u32)&selector);
    dr7_write(0x70401); /* local 0, 2 bytes, reads and writes */
    __asm__ volatile("mov %0, %%ss\nnop\nnop" : : "m"(selector));
    return 0;
}

/* Events. */
static u32 interrupt_storm(void)
{
    u32 before = traps_seen[48];

    for (u32 i = 0; i < 20000; i++)
        __asm__ volatile("int $48");
    return traps_seen[48] - before;
}
INSTRUCTION(undefined, "ud2")
static u32 fault_storm(void)
{
    u32 faults = 0;

    for (u32 i = 0; i < 5000; i++)
        faults += attempt(undefined).vector == 6;
    return faults;
}
static volatile u32 *const lapic = (u32 *)0xfee00000;
static u32 nmi_to_self(void)
{
    u32 before = traps_seen[2];

    for (u32 i = 0; i < 3; i++) {
        lapic[0x310 / 4] = lapic[0x20 / 4];
        lapic[0x300 / 4] = 0x4400; /* NMI, physical destination, assert */
        for (volatile u32 wait = 0; wait < 20000; wait++)
            ;
    }
    return traps_seen[2] - before;
}
ATTEMPT(software_nmi, u32 before = traps_seen[2]; __asm__ volatile("int $2");
        return traps_seen[2] - before;)
ATTEMPT(software_mc, __asm__ volatile("int $18");)
ATTEMPT(interrupt_from_user, __asm__ volatile("int $32");)
ATTEMPT(interrupt_beyond_idt, __asm__ volatile("int $200");)
static u32 misaligned(void)
{
    u32 value;

    __asm__ volatile("pushf\norl $0x40000, (%%esp)\npopf\nmov 1(%%esp), %0" : "=r"(value));
    return value;
}
ATTEMPT(tsd_on, cr4_write(cr4_read() | 4);)
ATTEMPT(tsd_off, cr4_write(cr4_read() & ~4u);)
ATTEMPT(alignment_on, cr0_write(cr0_read() | 1u << 18);)
static u32 timer_interrupts;
static void count_interrupt(const struct trap *trap)
{
    timer_interrupts += trap->vector == 32;
    outb(0x20, 0x20);
}
static u32 timer_wakes(void)
{
    static const u8 setup[][2] = {{0x20, 0x11}, {0x21, 32},   {0x21, 4}, {0x21, 1},
                                  {0x21, 0xfe}, {0x43, 0x34}, {0x40, 0}, {0x40, 16}};

    for (u32 i = 0; i < COUNT(setup); i++)
        outb(setup[i][0], setup[i][1]);
    timer_interrupts = 0;
    trap_hook = count_interrupt;
    while (timer_interrupts < 3)
        __asm__ volatile("sti; hlt; cli");
    trap_hook = NULL;
    outb(0x21, 0xff);
    return timer_interrupts;
}
/* Maps of windows that lie: interrupts still arrive, and debug registers are as they were. */
static u32 lying_map[3 + 8192 / 4] __attribute__((aligned(4096)));
static u32 with_windows(u32 maps)
{
    u32 ticks;

    dr0_write(0x1234);
    hypercall(KMV_HC_WINDOWS, maps, 0);
    ticks = timer_wakes();
    hypercall(KMV_HC_WINDOWS, 0, 0);
    return dr0_read() == 0x1234 && ticks >= 3;
}
ATTEMPT(windows_misaligned, return hypercall(KMV_HC_WINDOWS, 0x102002, 0);)
ATTEMPT(windows_nowhere, return with_windows(UNMAPPED);)
ATTEMPT(windows_end, return with_windows(0xfffffffc);)
static u32 windows_everywhere(void)
{
    static u32 maps[2];

    maps[0] = maps[1] = (u32)lying_map;
    for (u32 i = 0; i < COUNT(lying_map); i++)
        lying_map[i] = 0xffffffff;
    lying_map[0] = 0x574d564b;
    lying_map[1] = 0x100000;
    return with_windows((u32)maps);
}
static u32 windows_wrapping(void)
{
    static u32 maps[2];

    maps[0] = maps[1] = 0xfffffff0;
    return with_windows((u32)maps);
}
static u32 virtual_8086(void)
{
    /* GS, FS, DS, ES, SS, ESP, EFLAGS with VM, CS, EIP: 16-bit code at 0x7000 */
    *(volatile u32 *)0x7000 = 0x90f490f4; /* hlt, nop, hlt, nop */
    __asm__ volatile("mov %%esp, tss + 4\n"
                     "push $0\npush $0\npush $0\npush $0\npush $0x600\npush $0xff0\n"
                     "push $0x20002\npush $0x700\npush $0\niret"
                     :
                     :
                     : "memory");
    return 0;
}

static const struct row rows[] = {
    {"icebp", icebp, "#DB", KERNEL, ALWAYS},
    {"single_step", single_step, "#DB", KERNEL, ALWAYS},
    {"watchpoint", watchpoint, "#DB", KERNEL, ALWAYS},
    {"debug_off", debug_off, "0x400", KERNEL, ALWAYS},
    {"dr7_gd", dr7_gd, "#DB", KERNEL, ALWAYS},
    {"debug_off", debug_off, "0x400", KERNEL, ALWAYS},
    {"dr4_with_de", dr4_with_de, "#UD", KERNEL, ALWAYS},
    {"dr4_without_de", dr4_without_de, "0x0", KERNEL, ALWAYS},
    {"mov_ss_watchpoint", mov_ss_watchpoint, "#DB", KERNEL, ALWAYS},
    {"debug_off", debug_off, "0x400", KERNEL, ALWAYS},
    /* exceptions and events */
    {"bound", bound, "#BR", KERNEL, ALWAYS},
    {"divide", divide, "#DE", KERNEL, ALWAYS},
    {"into", into, "#OF", KERNEL, ALWAYS},
    {"bad_selector", bad_selector, "#GP(0x1000)", KERNEL, ALWAYS},
    {"load_busy_task", load_busy_task, "#GP(0x28)", KERNEL, ALWAYS},
    {"tsd_on", tsd_on, "0x0", KERNEL, ALWAYS},
    {"rdtsc", rdtsc, "#GP(0x0)", USER, ALWAYS},
    {"tsd_off", tsd_off, "0x0", KERNEL, ALWAYS},
    {"rdtsc", rdtsc, "0x0", USER, ALWAYS},
    {"alignment_on", alignment_on, "0x0", KERNEL, ALWAYS},
    {"misaligned", misaligned, "#AC(0x0)", USER, ALWAYS},
    {"interrupt_storm", interrupt_storm, "0x4e20", KERNEL, ALWAYS},
    {"fault_storm", fault_storm, "0x1388", KERNEL, ALWAYS},
    {"nmi_to_self", nmi_to_self, "0x3", KERNEL, ALWAYS},
    {"software_nmi", software_nmi, "0x1", KERNEL, ALWAYS},
    {"software_mc", software_mc, "#MC", KERNEL, ALWAYS},
    {"interrupt_from_user", interrupt_from_user, "#GP(0x102)", USER, ALWAYS},
    {"interrupt_beyond_idt", interrupt_beyond_idt, "#GP(0x642)", KERNEL, ALWAYS},
    {"windows_misaligned", windows_misaligned, "0xffffffea", KERNEL, MIRRORED},
    {"windows_nowhere", windows_nowhere, "0x1", KERNEL, MIRRORED},
    {"windows_end", windows_end, "0x1", KERNEL, MIRRORED},
    {"windows_everywhere", windows_everywhere, "0x1", KERNEL, MIRRORED},
    {"windows_wrapping", windows_wrapping, "0x1", KERNEL, MIRRORED},
    {"virtual_8086", virtual_8086, "#GP(0x0)", KERNEL, ALWAYS},
    {"timer_wakes", timer_wakes, "0x3", KERNEL, ALWAYS},
};

const struct attempts attempts_events = {rows, COUNT(rows)};
