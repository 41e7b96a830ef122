/*
 * Task switches, a row each: calls and jumps to tasks, task gates for interrupts and exceptions,
 * returns, and what goes wrong on the way into a task. The processor leaves them to the hypervisor.
 */
#include "runtime.h"

#define CR0_TS     8u
#define FLAG_IF    0x200u
#define FLAG_NT    0x4000u
#define FLAGS_V86  0x23002u /* VM, IOPL 3 */
#define BUSY(type) ((type) >> 1 & 1)

#define SELECTOR_OTHER    0x50 /* the task of most rows */
#define SELECTOR_HANDLER  0x58 /* the task of exceptions */
#define SELECTOR_TASK16   0x60
#define SELECTOR_LDT      0x68
#define SELECTOR_ABSENT   0x70 /* data */
#define SELECTOR_ABSENT_C 0x78 /* code */
#define SELECTOR_USER_C   0x18
#define SELECTOR_LOCAL    0x04 /* the first of the LDT */

#define VECTOR_NMI   2
#define VECTOR_DF    8
#define VECTOR_GP    13
#define VECTOR_TIMER 32
#define VECTOR_FREE  46      /* open to ring 0 alone */
#define GATE_TASK    0xe500u /* open to ring 3 */
#define UNMAPPED     0x30000000u
#define OFFSET       0x38000000u

struct tss {
    u32 link, esp0, ss0, rest[4];
    u32 cr3, eip, eflags;
    u32 eax, ecx, edx, ebx, esp, ebp, esi, edi;
    u32 es, cs, ss, ds, fs, gs, ldt;
    u32 trap;
};

struct tss16 {
    u16 link, stacks[6], ip, flags;
    u16 ax, cx, dx, bx, sp, bp, si, di;
    u16 es, cs, ss, ds, ldt;
};

/* Alone in their pages, so that nothing but task switches writes there while a row looks. */
static struct {
    struct tss other, handler;
    struct tss16 task16;
} tasks __attribute__((aligned(4096)));

static u8 stacks[2][4096] __attribute__((aligned(16)));
static u64 ldt[2];
static struct tss *const own = (struct tss *)tss;

/* What the body of a task saw. */
static struct {
    u32 count, task, flags, cr0, eax, types[3], value, error;
} seen;
void (*task_body)(void);
u32 task_error, task_eax;

/* Tasks: run their body, return, and do the same when they are entered again. Two take an error
 * code from their stack, before or behind the body. */
void other_entry(void);
void handler_entry(void);
void error_entry(void);
void late_error_entry(void);
void entry16(void);
__asm__("other_entry: mov %eax, task_eax\n call *task_body\n iret\n jmp other_entry\n"
        "error_entry: popl task_error\n"
        "handler_entry: call *task_body\n iret\n jmp error_entry\n"
        "late_error_entry: call *task_body\n add $4, %esp\n iret\n"
        "entry16: movzwl %sp, %esp\n mov %eax, task_eax\n call *task_body\n iret\n jmp entry16\n");

static u8 type_of(u32 selector)
{
    return (u8)(gdt[selector / 8] >> 40) & 15;
}

static u32 flags_now(void)
{
    u32 flags;

    __asm__ volatile("pushf\npop %0" : "=r"(flags));
    return flags;
}

static void look_around(void)
{
    __asm__ volatile("str %0" : "=r"(seen.task));
    seen.count++;
    seen.flags = flags_now();
    seen.cr0 = cr0_read();
    seen.eax = task_eax;
    seen.error = task_error;
    seen.types[0] = type_of(SELECTOR_TSS);
    seen.types[1] = type_of(SELECTOR_OTHER);
    seen.types[2] = type_of(SELECTOR_HANDLER);
}

static u64 descriptor(u32 base, u32 limit, u32 rights)
{
    return (limit & 0xffff) | (u64)(base & 0xffffff) << 16 | (u64)(rights & 0xff) << 40 |
           (u64)(limit >> 16 & 15) << 48 | (u64)(rights >> 12) << 52 | (u64)(base >> 24) << 56;
}

static void gate(u32 vector, u64 value)
{
    struct {
        u16 limit;
        u32 base;
    } __attribute__((packed)) idt;

    __asm__ volatile("sidt %0" : "=m"(idt));
    ((volatile u64 *)idt.base)[vector] = value;
}

static u64 gate_now(u32 vector)
{
    struct {
        u16 limit;
        u32 base;
    } __attribute__((packed)) idt;

    __asm__ volatile("sidt %0" : "=m"(idt));
    return ((volatile u64 *)idt.base)[vector];
}

static struct tss fresh(void (*entry)(void), u32 stack)
{
    return (struct tss){
        .esp0 = (u32)stacks[stack] + 2048,
        .ss0 = SELECTOR_DATA,
        .cr3 = cr3_read(),
        .eip = (u32)entry,
        .eflags = 2,
        .eax = 0xa1a1a1a1,
        .esp = (u32)(stacks[stack] + sizeof(stacks[stack])),
        .es = SELECTOR_DATA,
        .cs = SELECTOR_CODE,
        .ss = SELECTOR_DATA,
        .ds = SELECTOR_DATA,
        .trap = 104u << 16,
    };
}

/* All tasks as before the first switch; the running one is this kernel's. */
static void start_over(void)
{
    tasks.other = fresh(other_entry, 0);
    tasks.handler = fresh(handler_entry, 1);
    gdt[SELECTOR_OTHER / 8] = descriptor((u32)&tasks.other, 103, 0x89);
    gdt[SELECTOR_HANDLER / 8] = descriptor((u32)&tasks.handler, 103, 0x89);
    gdt[SELECTOR_ABSENT / 8] = descriptor(0, 0xfffff, 0xc013);
    gdt[SELECTOR_ABSENT_C / 8] = descriptor(0, 0xfffff, 0xc01b);
    own->cr3 = cr3_read();
    for (u32 i = 0; i < sizeof(seen); i++)
        ((u8 *)&seen)[i] = 0;
    task_body = look_around;
    cr0_write(cr0_read() & ~CR0_TS);
}

#define FAR_TO(instruction, selector)                                                              \
    __asm__ volatile(instruction " %0, $0" : : "i"(selector) : "memory", "cc")

/* Bits for what is wrong with a task that was entered and has returned. */
static u32 wrong_of_nested(u32 selector, u32 count)
{
    u32 wrong = 0;

    wrong |= (seen.count != count) << 0;
    wrong |= (seen.task != selector) << 1;
    wrong |= ((seen.flags & FLAG_NT) == 0) << 2;
    wrong |= ((seen.cr0 & CR0_TS) == 0) << 3;
    wrong |= !BUSY(seen.types[0]) << 4;
    wrong |= !BUSY(type_of(SELECTOR_TSS)) << 6;
    wrong |= BUSY(type_of(selector)) << 7;
    wrong |= ((flags_now() & FLAG_NT) != 0) << 8;
    return wrong;
}

static u32 call_task(void)
{
    u32 wrong, kept = 0x12345678;

    start_over();
    __asm__ volatile("lcall %1, $0" : "+S"(kept) : "i"(SELECTOR_OTHER) : "memory", "cc");
    wrong = wrong_of_nested(SELECTOR_OTHER, 1);
    wrong |= (kept != 0x12345678) << 9;
    wrong |= (seen.eax != 0xa1a1a1a1) << 10;
    wrong |= !BUSY(seen.types[1]) << 11;
    wrong |= ((tasks.other.link & 0xffff) != SELECTOR_TSS) << 12;
    wrong |= ((tasks.other.eflags & FLAG_NT) != 0) << 13; /* IRET clears it */
    return wrong;
}

static u32 call_again(void)
{
    start_over();
    for (u32 i = 0; i < 1000; i++)
        FAR_TO("lcall", SELECTOR_OTHER);
    return wrong_of_nested(SELECTOR_OTHER, 1000);
}

static void jump_back(void)
{
    look_around();
    FAR_TO("ljmp", SELECTOR_TSS);
}

static u32 jump_to_task(void)
{
    start_over();
    task_body = jump_back;
    FAR_TO("ljmp", SELECTOR_OTHER);
    return (seen.flags & FLAG_NT) | (u32)BUSY(seen.types[0]) | BUSY(seen.types[1]) << 1 |
           BUSY(type_of(SELECTOR_TSS)) << 2 | BUSY(type_of(SELECTOR_OTHER)) << 3;
}

static u32 with_gate(u32 vector, void (*act)(void))
{
    u64 before = gate_now(vector);
    u32 value;

    start_over();
    gate(vector, (u64)SELECTOR_HANDLER << 16 | (u64)GATE_TASK << 32);
    act();
    value = wrong_of_nested(SELECTOR_HANDLER, 1);
    gate(vector, before);
    return value;
}

static void interrupt(void)
{
    __asm__ volatile("int %0" : : "i"(VECTOR_FREE) : "memory");
}
static u32 software_interrupt(void)
{
    return with_gate(VECTOR_FREE, interrupt);
}
/* In ring 3; the gate is open to it. */
static u32 from_user(void)
{
    interrupt();
    return seen.count << 8 | (seen.task == SELECTOR_HANDLER);
}
static u32 gate_for_user(void)
{
    struct answer answer;
    u64 before = gate_now(VECTOR_FREE);

    start_over();
    gate(VECTOR_FREE, (u64)SELECTOR_HANDLER << 16 | (u64)GATE_TASK << 32);
    answer = attempt_user(from_user);
    gate(VECTOR_FREE, before);
    return answer.fault ? answer.vector : answer.value;
}

/* A fault with an error code; the handler moves the faulting task on. */
static void skip_fault(void)
{
    look_around();
    seen.value = *(u8 *)own->eip;
    own->eip += 2;
}
static void load_bad_selector(void)
{
    __asm__ volatile("mov %0, %%fs" : : "a"(0x1000)); /* 8e e0 */
}
static u32 fault_gate(void)
{
    u64 before = gate_now(VECTOR_GP);
    u32 wrong;

    start_over();
    tasks.handler.eip = (u32)error_entry;
    task_body = skip_fault;
    gate(VECTOR_GP, (u64)SELECTOR_HANDLER << 16 | (u64)GATE_TASK << 32);
    load_bad_selector();
    gate(VECTOR_GP, before);
    wrong = wrong_of_nested(SELECTOR_HANDLER, 1);
    wrong |= (seen.error != 0x1000) << 9;
    wrong |= (seen.value != 0x8e) << 10;
    return wrong;
}

/* The classic: the stack is lost, and a task of its own tells of it. */
static u32 stack_before;
static void mend_stack(void)
{
    look_around();
    seen.value = own->esp;
    own->esp = stack_before;
    own->eip += 2;
}
static u32 double_fault(void)
{
    u64 before = gate_now(VECTOR_DF);
    u32 wrong;

    start_over();
    tasks.handler.eip = (u32)error_entry;
    task_body = mend_stack;
    gate(VECTOR_DF, (u64)SELECTOR_HANDLER << 16 | (u64)GATE_TASK << 32);
    __asm__ volatile("mov %%esp, %0\nmov %1, %%esp\n.byte 0x6a, 0" /* push $0, 2 bytes */
                     : "=m"(stack_before)
                     : "i"(UNMAPPED)
                     : "memory");
    gate(VECTOR_DF, before);
    wrong = wrong_of_nested(SELECTOR_HANDLER, 1);
    wrong |= (seen.error != 0) << 9;
    wrong |= (seen.value != UNMAPPED) << 10;
    return wrong;
}

/* NMIs stay out of a task that one led to, until it returns. */
static volatile u32 *const lapic = (u32 *)0xfee00000;
static void send_nmi(void)
{
    lapic[0x310 / 4] = lapic[0x20 / 4];
    lapic[0x300 / 4] = 0x4400;
    for (volatile u32 wait = 0; wait < 20000; wait++)
        ;
}
static void nmi_body(void)
{
    static u32 depth;

    look_around();
    seen.value += depth;
    depth++;
    if (seen.count == 1)
        send_nmi();
    depth--;
}
static u32 nmi_gate(void)
{
    u64 before = gate_now(VECTOR_NMI);
    u32 wrong;

    start_over();
    tasks.handler.eip = (u32)other_entry;
    task_body = nmi_body;
    gate(VECTOR_NMI, (u64)SELECTOR_HANDLER << 16 | (u64)GATE_TASK << 32);
    send_nmi();
    wrong = wrong_of_nested(SELECTOR_HANDLER, 2);
    send_nmi();
    gate(VECTOR_NMI, before);
    return wrong | wrong_of_nested(SELECTOR_HANDLER, 3) | seen.value << 16;
}

static void timer_body(void)
{
    look_around();
    outb(0x20, 0x20);
}
static void wait_for_timer(void)
{
    static const u8 setup[][2] = {{0x20, 0x11}, {0x21, 32},   {0x21, 4}, {0x21, 1},
                                  {0x21, 0xfe}, {0x43, 0x30}, {0x40, 0}, {0x40, 16}};

    tasks.handler.eip = (u32)other_entry;
    task_body = timer_body;
    for (u32 i = 0; i < COUNT(setup); i++)
        outb(setup[i][0], setup[i][1]);
    while (*(volatile u32 *)&seen.count == 0)
        __asm__ volatile("sti; hlt; cli" : : : "memory");
    outb(0x21, 0xff);
}
static u32 timer_gate(void)
{
    return with_gate(VECTOR_TIMER, wait_for_timer) | (seen.flags & FLAG_IF);
}

/* Other memory and other segments in the new task. */
static u32 other_directory[1024] __attribute__((aligned(4096)));
static void read_window(void)
{
    seen.value = *(volatile u32 *)UNMAPPED;
}
static u32 other_root(void)
{
    start_over();
    for (u32 i = 0; i < 1024; i++)
        other_directory[i] = page_directory[i];
    other_directory[UNMAPPED >> 22] = 0x400000 | PDE_LARGE_USER;
    *(volatile u32 *)0x400000 = 0x600d;
    tasks.other.cr3 = (u32)other_directory;
    task_body = read_window;
    FAR_TO("lcall", SELECTOR_OTHER);
    return seen.value | (cr3_read() != (u32)page_directory) << 16;
}

/* The same with PAE: the processor has to load the four entries of the new root. */
static u64 pae_roots[2][4] __attribute__((aligned(4096)));
static u64 pae_directories[2][512] __attribute__((aligned(4096)));
static void map_pae(void)
{
    for (u32 i = 0; i < 512; i++)
        pae_directories[0][i] = pae_directories[1][i] = (u64)i << 21 | PDE_LARGE_USER;
    pae_directories[1][UNMAPPED >> 21] = 0x400000 | PDE_LARGE_USER;
    for (u32 i = 0; i < 2; i++)
        pae_roots[i][0] = (u32)pae_directories[i] | 1;
}
static void paging_with(u32 root, bool pae)
{
    cr0_write(cr0_read() & 0x7fffffff);
    cr4_write(pae ? cr4_read() | 0x20 : cr4_read() & ~0x20u);
    cr3_write(root);
    cr0_write(cr0_read() | 0x80000000);
}
static u32 pae_root(void)
{
    u32 seen_root;

    map_pae();
    paging_with((u32)pae_roots[0], true);
    start_over();
    *(volatile u32 *)0x400000 = 0x9ae;
    tasks.other.cr3 = (u32)pae_roots[1];
    task_body = read_window;
    FAR_TO("lcall", SELECTOR_OTHER);
    seen_root = cr3_read();
    paging_with((u32)page_directory, false);
    return seen.value | (seen_root != (u32)pae_roots[0]) << 16;
}

static void read_local(void)
{
    u32 value;

    __asm__ volatile("mov %%fs:0, %0" : "=r"(value));
    seen.value = value;
}
static u32 local_segment(void)
{
    static u32 target = 0x10ca1;

    start_over();
    ldt[0] = descriptor((u32)&target, 3, 0x4092); /* the processor marks it accessed */
    gdt[SELECTOR_LDT / 8] = descriptor((u32)ldt, sizeof(ldt) - 1, 0x82);
    tasks.other.ldt = SELECTOR_LDT;
    tasks.other.fs = SELECTOR_LOCAL;
    task_body = read_local;
    FAR_TO("lcall", SELECTOR_OTHER);
    return seen.value | (u32)(ldt[0] >> 40 & 1) << 20;
}

static u32 task_16(void)
{
    u32 wrong;

    start_over();
    tasks.task16 = (struct tss16){
        .ip = 0x7000,
        .flags = 2,
        .ax = 0xa1a1,
        .sp = 0x6ff0,
        .es = SELECTOR_DATA,
        .cs = SELECTOR_CODE,
        .ss = SELECTOR_DATA16,
        .ds = SELECTOR_DATA,
    };
    /* The task's code lies beyond 64 KiB, so it starts at a jump there. What the upper halves of
     * registers hold differs between processors. */
    *(volatile u8 *)0x7000 = 0xe9;
    *(volatile u32 *)0x7001 = (u32)entry16 - 0x7005;
    gdt[SELECTOR_TASK16 / 8] = descriptor((u32)&tasks.task16, 43, 0x81);
    FAR_TO("lcall", SELECTOR_TASK16);
    wrong = wrong_of_nested(SELECTOR_TASK16, 1);
    wrong |= ((seen.eax & 0xffff) != 0xa1a1) << 9;
    wrong |= (tasks.task16.link != SELECTOR_TSS) << 10;
    wrong |= (tasks.task16.sp != 0x6ff0) << 11;
    return wrong;
}

/* A task whose state is bad faults in itself, and a handler's task, which can stand on its own,
 * tells it. This kernel goes on where it called. */
static u32 bad_vector;
#define HANDLE(vector)                                                                             \
    static void handle_##vector(void)                                                              \
    {                                                                                              \
        bad_vector = vector;                                                                       \
        look_around();                                                                             \
        seen.value = tasks.other.eip == (u32)other_entry;                                          \
        gdt[SELECTOR_TSS / 8] &= ~(2ull << 40);                                                    \
        FAR_TO("ljmp", SELECTOR_TSS);                                                              \
    }
HANDLE(10)
HANDLE(11)
HANDLE(12)
HANDLE(13)
static u32 enter_bad(u32 vector)
{
    static void (*const bodies[])(void) = {handle_10, handle_11, handle_12, handle_13};
    u64 before = gate_now(vector);

    tasks.handler.eip = (u32)error_entry;
    task_body = bodies[vector - 10];
    bad_vector = 0;
    gate(vector, (u64)SELECTOR_HANDLER << 16 | (u64)GATE_TASK << 32);
    FAR_TO("lcall", SELECTOR_OTHER);
    gate(vector, before);
    return bad_vector << 16 | seen.error | (seen.value == 0) << 31;
}
#define BAD(name, vector, change)                                                                  \
    static u32 name(void)                                                                          \
    {                                                                                              \
        start_over();                                                                              \
        change;                                                                                    \
        return enter_bad(vector);                                                                  \
    }
BAD(code_null, 10, tasks.other.cs = 0)
BAD(code_is_data, 10, tasks.other.cs = SELECTOR_DATA)
BAD(code_absent, 11, tasks.other.cs = SELECTOR_ABSENT_C)
BAD(code_of_ring3, 10, tasks.other.cs = SELECTOR_USER_C)
BAD(stack_null, 10, tasks.other.ss = 0)
BAD(stack_is_code, 10, tasks.other.ss = SELECTOR_CODE)
BAD(stack_absent, 12, tasks.other.ss = SELECTOR_ABSENT)
BAD(stack_rpl, 10, tasks.other.ss = SELECTOR_DATA | 3)
BAD(data_beyond, 10, tasks.other.ds = 0x1000)
BAD(data_absent, 11, tasks.other.es = SELECTOR_ABSENT)
BAD(data_is_task, 10, tasks.other.gs = SELECTOR_TSS)
BAD(local_without_ldt, 10, tasks.other.fs = SELECTOR_LOCAL)
BAD(ldt_is_data, 10, tasks.other.ldt = SELECTOR_DATA)

/* Refused before anything has changed: the faults are the caller's. */
static u32 call_self(void)
{
    start_over();
    FAR_TO("lcall", SELECTOR_TSS);
    return 0;
}
static u32 call_short(void)
{
    start_over();
    gdt[SELECTOR_OTHER / 8] = descriptor((u32)&tasks.other, 102, 0x89);
    FAR_TO("lcall", SELECTOR_OTHER);
    return 0;
}
static u32 call_absent(void)
{
    start_over();
    gdt[SELECTOR_OTHER / 8] = descriptor((u32)&tasks.other, 103, 0x09);
    FAR_TO("lcall", SELECTOR_OTHER);
    return 0;
}
static u32 return_to_idle(void)
{
    start_over();
    own->link = SELECTOR_OTHER;
    __asm__ volatile("pushf\norl $0x4000, (%%esp)\npopf\niret" : : : "memory", "cc");
    return 0;
}
static u32 call_unmapped(void)
{
    start_over();
    gdt[SELECTOR_OTHER / 8] = descriptor(UNMAPPED, 103, 0x89);
    FAR_TO("lcall", SELECTOR_OTHER);
    return 0;
}
static u32 call_unmapped_left(void)
{
    return BUSY(type_of(SELECTOR_TSS)) << 1 | BUSY(type_of(SELECTOR_OTHER)) | cr2_read();
}

/* The trap of the new task's segment. */
static void note_debug(const struct trap *trap)
{
    seen.value = (dr6_read() & 0x8000) | (trap->eip == (u32)other_entry);
    dr6_write(0);
}
static u32 debug_trap(void)
{
    start_over();
    tasks.other.trap |= 1;
    trap_hook = note_debug;
    FAR_TO("lcall", SELECTOR_OTHER);
    trap_hook = NULL;
    return seen.value;
}
static u32 breakpoints_go(void)
{
    u32 left;

    start_over();
    dr7_write(0x403); /* breakpoint 0, at an instruction, local and global */
    dr0_write(UNMAPPED);
    FAR_TO("lcall", SELECTOR_OTHER);
    left = dr7_read();
    dr7_write(0x400);
    return left;
}

/* 16-bit code of ring 3 at 0x7000: it counts in AX and comes out by an interrupt. */
static void leave_virtual(const struct trap *trap)
{
    trap_hook = NULL;
    seen.value = trap->eax << 16 | (trap->eflags >> 17 & 1) | (trap->cs == 0x700) << 1;
    gdt[SELECTOR_TSS / 8] &= ~(2ull << 40);
    FAR_TO("ljmp", SELECTOR_TSS);
}
static u32 virtual_8086(void)
{
    static const u8 code[] = {0x40, 0x40, 0xa3, 0x00, 0x01, 0xcd, 0x2e};
    u64 before = gate_now(VECTOR_FREE);

    start_over();
    for (u32 i = 0; i < sizeof(code); i++)
        ((volatile u8 *)0x7000)[i] = code[i];
    tasks.other.cs = tasks.other.ds = 0x700;
    tasks.other.ss = tasks.other.es = 0x600;
    tasks.other.eip = 0;
    tasks.other.esp = 0xff0;
    tasks.other.eax = 1;
    tasks.other.eflags = FLAGS_V86;
    gate(VECTOR_FREE, before | 0x6000ull << 32); /* open to ring 3 */
    trap_hook = leave_virtual;
    FAR_TO("lcall", SELECTOR_OTHER);
    gate(VECTOR_FREE, before);
    return seen.value | (*(volatile u16 *)0x7100 != 3) << 2;
}

/* What task switches write reaches the mirror; this kernel itself has not mirrored it. */
static u32 differing(const void *start, u32 bytes)
{
    u32 count = 0;

    for (u32 at = (u32)start; at < (u32)start + bytes; at += 4)
        count += *(volatile u32 *)at != *(volatile u32 *)(at + OFFSET);
    return count;
}
static void copy_out(const void *start, u32 bytes)
{
    for (u32 at = (u32)start; at < (u32)start + bytes; at += 4)
        *(volatile u32 *)(at + OFFSET) = *(volatile u32 *)at;
}
static void compare_copies(void)
{
    seen.value = differing(&tasks, sizeof(tasks)) + differing(tss, sizeof(struct tss)) +
                 differing(gdt, SELECTOR_FREE + 128);
    seen.value += differing(stacks[1] + sizeof(stacks[1]) - 4, 4);
    own->eip += 2;
}
static u32 both_copies(void)
{
    u64 before = gate_now(VECTOR_GP);
    u32 inside;

    start_over();
    tasks.handler.eip = (u32)late_error_entry;
    task_body = compare_copies;
    gate(VECTOR_GP, (u64)SELECTOR_HANDLER << 16 | (u64)GATE_TASK << 32);
    copy_out(&tasks, sizeof(tasks));
    copy_out(tss, sizeof(struct tss));
    copy_out(gdt, SELECTOR_FREE + 128);
    load_bad_selector();
    gate(VECTOR_GP, before);
    inside = seen.value;
    copy_out(&own->eip, 4);
    return inside << 16 | (differing(&tasks, sizeof(tasks)) + differing(tss, sizeof(struct tss)) +
                           differing(gdt, SELECTOR_FREE + 128));
}

static const struct row rows[] = {
    {"call_task", call_task, "0x0", KERNEL, ALWAYS},
    {"call_again", call_again, "0x0", KERNEL, ALWAYS},
    {"jump_to_task", jump_to_task, "0x6", KERNEL, ALWAYS},
    {"software_interrupt", software_interrupt, "0x0", KERNEL, ALWAYS},
    {"gate_for_user", gate_for_user, "0x101", KERNEL, ALWAYS},
    {"fault_gate", fault_gate, "0x0", KERNEL, ALWAYS},
    {"double_fault", double_fault, "0x0", KERNEL, ALWAYS},
    {"nmi_gate", nmi_gate, "0x0", KERNEL, ALWAYS},
    {"timer_gate", timer_gate, "0x0", KERNEL, ALWAYS},
    {"other_root", other_root, "0x600d", KERNEL, ALWAYS},
    {"pae_root", pae_root, "0x9ae", KERNEL, UNMIRRORED},
    {"local_segment", local_segment, "0x110ca1", KERNEL, ALWAYS},
    {"task_16", task_16, "0x0", KERNEL, ALWAYS},
    {"code_null", code_null, "0xa0000", KERNEL, ALWAYS},
    {"code_is_data", code_is_data, "0xa0010", KERNEL, ALWAYS},
    {"code_absent", code_absent, "0xb0078", KERNEL, ALWAYS},
    {"code_of_ring3", code_of_ring3, "0xa0018", KERNEL, ALWAYS},
    {"stack_null", stack_null, "0xa0000", KERNEL, ALWAYS},
    {"stack_is_code", stack_is_code, "0xa0008", KERNEL, ALWAYS},
    {"stack_absent", stack_absent, "0xc0070", KERNEL, ALWAYS},
    {"stack_rpl", stack_rpl, "0xa0010", KERNEL, ALWAYS},
    {"data_beyond", data_beyond, "0xa1000", KERNEL, ALWAYS},
    {"data_absent", data_absent, "0xb0070", KERNEL, ALWAYS},
    {"data_is_task", data_is_task, "0xa0028", KERNEL, ALWAYS},
    {"local_without_ldt", local_without_ldt, "0xa0004", KERNEL, ALWAYS},
    {"ldt_is_data", ldt_is_data, "0xa0010", KERNEL, ALWAYS},
    {"call_self", call_self, "#GP(0x28)", KERNEL, ALWAYS},
    {"call_short", call_short, "#TS(0x50)", KERNEL, ALWAYS},
    {"call_absent", call_absent, "#NP(0x50)", KERNEL, ALWAYS},
    {"return_to_idle", return_to_idle, "#TS(0x50)", KERNEL, ALWAYS},
    {"call_unmapped", call_unmapped, "#PF(0x2)", KERNEL, ALWAYS},
    {"call_unmapped_left", call_unmapped_left, "0x30000002", KERNEL, ALWAYS},
    {"debug_trap", debug_trap, "0x8001", KERNEL, ALWAYS},
    {"breakpoints_go", breakpoints_go, "0x402", KERNEL, ALWAYS},
    {"virtual_8086", virtual_8086, "0x30003", KERNEL, ALWAYS},
    {"both_copies", both_copies, "0x0", KERNEL, MIRRORED},
};

u32 guest_main(const char *command_line)
{
    (void)command_line;
    paging_start();
    return rows_failed(rows, COUNT(rows));
}
