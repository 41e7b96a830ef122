/*
 * Attempts that end the guest, one a boot: the command line names it. What the hypervisor has to
 * say is in test_attack.py. Powers off with status 1 if the guest survives.
 */
#include "runtime.h"

#define WINDOW          0x30000000u /* a virtual address that paging_start leaves free */
#define PDE_LARGE_WRITE 0xe3u

static volatile u32 *map(u32 to)
{
    page_directory[WINDOW >> 22] = (to & 0xffc00000) | PDE_LARGE_WRITE;
    cr3_write(cr3_read());
    return (u32 *)(WINDOW + (to & 0x3fffff));
}

static void read_beyond_ram(void)
{
    (void)*map(ram_bytes);
}

static void write_beyond_ram(void)
{
    *map(ram_bytes) = 0xdeadbeef;
}

static void read_spare_pool(void)
{
    (void)*map(0xd0000000);
}

static void write_tables_window(void)
{
    *map(0xe0000000) = 0xffffffff;
}

static void write_shadow_root(void)
{
    /* Paging off: guest-physical addresses are written as they are. */
    cr0_write(cr0_read() & 0x7fffffff);
    *(volatile u32 *)0xe0001000 = 0xffffffff;
}

static void run_device(void)
{
    ((void (*)(void))0xfee00000)();
}

static void conflict(void)
{
    page_directory[0x38000000 >> 22] = PDE_LARGE_WRITE;
    cr3_write(cr3_read());
}

static void root_beyond_ram(void)
{
    cr3_write(ram_bytes);
}

static void table_beyond_ram(void)
{
    page_directory[WINDOW >> 22] = ram_bytes | 7;
    cr3_write(cr3_read());
    (void)*(volatile u32 *)WINDOW;
}

static void wrapped_large_page(void)
{
    /* PSE-36: bits 20:13 of the entry are address bits 39:32. */
    page_directory[WINDOW >> 22] = PDE_LARGE_WRITE | 1u << 13;
    cr3_write(cr3_read());
    (void)*(volatile u32 *)WINDOW;
}

static void triple_fault(void)
{
    static const u16 no_idt[3];

    __asm__ volatile("lidt %0\nud2" : : "m"(no_idt));
}

static void stack_lost(void)
{
    __asm__ volatile("mov $0x30000000, %%esp\npush $0" : : : "memory");
}

static void keyboard_reset(void)
{
    outb(0x64, 0xfe);
}

static void output_port_reset(void)
{
    outb(0x64, 0xd1);
    while (inb(0x64) & 2)
        ;
    outb(0x60, 0xde);
}

static void reset_control(void)
{
    outb(0xcf9, 6);
}

static void pae(void)
{
    cr4_write(cr4_read() | 0x20);
}

static void string_on_denied_port(void)
{
    __asm__ volatile("rep insb" : : "c"(0xffffffff), "d"(0x2f8), "D"(0x300000) : "memory");
}

static void lost_page(void)
{
    hypercall(3, 0x400000, 0x100);
    hypercall(3, 0x400000, 0x101);
    (void)*(volatile u32 *)0x400000;
}

static const struct {
    const char *name;
    void (*run)(void);
} rows[] = {
    {"read_beyond_ram", read_beyond_ram},
    {"write_beyond_ram", write_beyond_ram},
    {"read_spare_pool", read_spare_pool},
    {"write_tables_window", write_tables_window},
    {"write_shadow_root", write_shadow_root},
    {"run_device", run_device},
    {"conflict", conflict},
    {"root_beyond_ram", root_beyond_ram},
    {"table_beyond_ram", table_beyond_ram},
    {"wrapped_large_page", wrapped_large_page},
    {"triple_fault", triple_fault},
    {"stack_lost", stack_lost},
    {"keyboard_reset", keyboard_reset},
    {"output_port_reset", output_port_reset},
    {"reset_control", reset_control},
    {"pae", pae},
    {"string_on_denied_port", string_on_denied_port},
    {"lost_page", lost_page},
};

u32 guest_main(const char *command_line)
{
    paging_start();
    for (u32 i = 0; i < COUNT(rows); i++) {
        if (!text_equal(rows[i].name, command_line))
            continue;
        rows[i].run();
        print("survived\n");
        return 1;
    }
    print("no such attempt\n");
    return 2;
}
