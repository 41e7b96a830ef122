/* Asks a hypervisor built for tests to break in the way that the command line numbers,
 * then reads the time. With "triple" it takes itself down, once: a note in the CMOS RAM outlives a
 * restart of the machine. */
#include "runtime.h"

#define TEST_FAULT_BASE 0x4b4d5600u
#define CMOS_NOTE       0x5e
#define RESTARTED       0xa7

static u8 cmos_read(u8 index)
{
    outb(0x70, index);
    return inb(0x71);
}

static void cmos_write(u8 index, u8 value)
{
    outb(0x70, index);
    outb(0x71, value);
}

static u32 triple_fault_once(void)
{
    static const u16 no_idt[3];

    if (cmos_read(CMOS_NOTE) == RESTARTED) {
        print("restarted\n");
        return 0;
    }
    cmos_write(CMOS_NOTE, RESTARTED);
    __asm__ volatile("lidt %0\nud2" : : "m"(no_idt));
    return 1;
}

u32 guest_main(const char *command_line)
{
    if (text_equal(command_line, "triple"))
        return triple_fault_once();
    hypercall(TEST_FAULT_BASE + (u32)(*command_line - '0'), 0, 0);
    __asm__ volatile("rdtsc" : : : "eax", "edx");
    print("survived\n");
    return 1;
}
