/*
 * Runs each shape of a window (sweep.S) again and again. Each time a page is lost at the next
 * boundary between two instructions: of the context that runs, or of one that was interrupted
 * there, whose handler loses the page and reads it at once. Afterwards the page and its mirror must
 * both be what the shape alone leaves. Prints the count of boundaries and powers off with 1 if one
 * was wrong.
 */
#include "sweep.h"

#include <stdint.h>

#include <kmv/hypercall.h>
#include <kmv/windows.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define PAGE         4096u
#define VECTORS      256
#define COM1         0x3f8
#define GATE         0x8e00
#define VECTOR_DEBUG 1

struct shape {
    void (*code)(void);
    const char *name;
    u8 *page;
};

extern const struct shape shapes[];
extern u8 data_page[], stack_page[];
extern u32 shape_esp;
extern const u8 etext[];

void shape_run(const void *shape, u32 number, u32 first, u32 second);
void gdt_use(const void *pointer);
void on_interrupt(void);
void on_trap(void);
void on_debug(void);
void on_other(void);
void interrupted(void);
void unexpected(void);
void sweep_start(void);

struct descriptor_table {
    u16 limit;
    u32 base;
} __attribute__((packed));

static const u64 gdt[4] = {0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x0000890000000067};
static u64 idt[VECTORS] __attribute__((aligned(8)));
static u8 expected[PAGE];
static u32 expected_esp;
static struct kmv_window_maps maps;
static u64 counters[KMV_COUNTER_COUNT] __attribute__((aligned(8)));

/* What the handler loses. */
static u8 *lost_page;
static u32 lost_side;
static u32 interrupts;

static u32 hypercall(u32 number, u32 first, u32 second)
{
    u32 result;

    __asm__ volatile("vmcall" : "=a"(result) : "a"(number), "b"(first), "c"(second) : "memory");
    return result;
}

static void outb(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static u8 inb(u16 port)
{
    u8 value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void print(const char *text)
{
    for (; *text != '\0'; text++) {
        while ((inb(COM1 + 5) & 0x20) == 0)
            ;
        outb(COM1, (u8)*text);
    }
}

static void print_number(const char *name, u32 value)
{
    char text[12];
    char *at = text + sizeof(text);

    *--at = '\0';
    do
        *--at = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    print(name);
    print(at);
}

static void power_off(u32 status)
{
    hypercall(HC_POWEROFF, status, 0);
}

void unexpected(void)
{
    print("unexpected interrupt or exception\n");
    power_off(99);
}

/* The page goes bad under the interrupted context and is recovered before that goes on. */
void interrupted(void)
{
    u32 offset = lost_side == KMV_POISON_MIRROR ? MIRROR_OFFSET : 0;

    interrupts++;
    hypercall(HC_POISON, (u32)lost_page, lost_side);
    (void)*(volatile u8 *)(lost_page + offset);
}

static void prepare(void)
{
    for (u32 i = 0; i < PAGE / sizeof(u32); i++) {
        ((volatile u32 *)data_page)[i] = 0x9e3779b9u * (i + 1);
        ((volatile u32 *)stack_page)[i] = 0x85ebca6bu * (i + 1);
    }
    for (u32 i = 0; i < sizeof(gdt) / sizeof(gdt[0]); i++)
        ((volatile u64 *)(data_page + GDT_AT))[i] = gdt[i];
}

static u32 poisoned(void)
{
    hypercall(HC_COUNTERS, (u32)counters, sizeof(counters));
    return (u32)counters[KMV_COUNTER_poisoned];
}

/* The first byte of the page that counts: below the stack pointer lies what interrupts left. */
static u32 first_byte(const struct shape *shape)
{
    return shape->page == stack_page ? shape_esp - (u32)stack_page : 0;
}

static int is_right(const struct shape *shape)
{
    const u8 *mirror = shape->page + MIRROR_OFFSET;

    if (shape_esp != expected_esp)
        return 0;
    for (u32 i = 0; i < PAGE; i++) {
        if (shape->page[i] != mirror[i] ||
            (i >= first_byte(shape) && shape->page[i] != expected[i]))
            return 0;
    }
    return 1;
}

/* What the shape leaves when nothing is lost. */
static void learn(const struct shape *shape)
{
    prepare();
    shape_run(shape->code, HC_INTERRUPT_LATER, 0, 0);
    expected_esp = shape_esp;
    for (u32 i = 0; i < PAGE; i++)
        expected[i] = shape->page[i];
}

/* Loses the shape's page at boundary `step`. 0: the shape has fewer boundaries. */
static u32 strike(const struct shape *shape, u32 side, int preempt, u32 step)
{
    u32 order = step << KMV_LATER_SHIFT, before = poisoned();

    prepare();
    lost_page = shape->page;
    lost_side = side;
    if (preempt)
        shape_run(shape->code, HC_INTERRUPT_LATER, VECTOR_INTERRUPT, order);
    else
        shape_run(shape->code, HC_POISON_LATER, (u32)shape->page, side | order);
    return poisoned() - before;
}

static u32 sweep(const struct shape *shape, u32 side, int preempt, u32 *wrong)
{
    u32 step = 0, count = 0;

    while (strike(shape, side, preempt, step) != 0) {
        count++;
        if (!is_right(shape)) {
            (*wrong)++;
            print("wrong ");
            print(shape->name);
            print(side == KMV_POISON_MIRROR ? " mirror" : " native");
            print(preempt ? " preempted" : " running");
            print_number(" boundary ", step);
            print("\n");
        }
        step++;
    }
    return count;
}

static void gate(u32 vector, void (*handler)(void))
{
    u32 at = (u32)handler;

    idt[vector] =
        (u64)(at & 0xffff0000) << 32 | (u64)GATE << 32 | SELECTOR_CODE << 16 | (at & 0xffff);
}

static void machine_start(void)
{
    struct descriptor_table table = {sizeof(gdt) - 1, (u32)data_page + GDT_AT};

    outb(0x21, 0xff);
    outb(0xa1, 0xff);
    prepare();
    gdt_use(&table);
    for (u32 vector = 0; vector < VECTORS; vector++)
        gate(vector, on_other);
    gate(VECTOR_INTERRUPT, on_interrupt);
    gate(VECTOR_TRAP, on_trap);
    gate(VECTOR_DEBUG, on_debug);
    table = (struct descriptor_table){sizeof(idt) - 1, (u32)idt};
    __asm__ volatile("lidt %0" : : "m"(table));
    /* CR0: EM off, MP and NE on; CR4: OSFXSR, OSXMMEXCPT. */
    __asm__ volatile("mov %%cr0, %%eax; and $~0x4, %%eax; or $0x22, %%eax; mov %%eax, %%cr0;"
                     "mov %%cr4, %%eax; or $0x600, %%eax; mov %%eax, %%cr4"
                     :
                     :
                     : "eax");
    outb(COM1 + 3, 0x80);
    outb(COM1, 1);
    outb(COM1 + 1, 0);
    outb(COM1 + 3, 3);
    maps.kernel = ((u32)etext + 3) & ~3u;
    if (*(const u32 *)maps.kernel != KMV_WINDOW_MAP_MAGIC ||
        hypercall(HC_WINDOWS, (u32)&maps, 0) != 0) {
        print("no map of windows\n");
        power_off(98);
    }
    *(volatile u32 *)LAPIC_SPURIOUS = 0x1ff; /* on, vector 255 */
    __asm__ volatile("sti");
}

void sweep_start(void)
{
    u32 wrong = 0, boundaries = 0, count = 0;

    machine_start();
    for (const struct shape *shape = shapes; shape->code != 0; shape++, count++) {
        u32 of_shape = 0;

        learn(shape);
        for (u32 side = KMV_POISON_NATIVE; side <= KMV_POISON_MIRROR; side++) {
            of_shape += sweep(shape, side, 0, &wrong);
            of_shape += sweep(shape, side, 1, &wrong);
        }
        print(shape->name);
        print_number(" boundaries=", of_shape);
        print("\n");
        boundaries += of_shape;
    }
    poisoned();
    print_number("sweep shapes=", count);
    print_number(" boundaries=", boundaries);
    print_number(" interrupts=", interrupts);
    print_number(" windows=", (u32)counters[KMV_COUNTER_windows]);
    print_number(" wrong=", wrong);
    print("\n");
    power_off(wrong != 0);
}
