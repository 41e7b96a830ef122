/* Ports and PCI configuration. */
#include "attack.h"

static u32 in32(u16 port)
{
    u32 value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static u32 in16(u16 port)
{
    u32 value = 0;

    __asm__ volatile("inw %1, %w0" : "+a"(value) : "Nd"(port));
    return value;
}
static void out32(u16 port, u32 value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}
#define READ_PORT(name, port) ATTEMPT(name, return inb(port);)
READ_PORT(port_com2, 0x2fd)
READ_PORT(port_e9, 0xe9)
READ_PORT(port_debug, 0x402)
READ_PORT(port_bochs, 0x8900)
READ_PORT(port_dma, 0x08)
READ_PORT(port_dma_page, 0x87)
READ_PORT(port_dma16, 0xd0)
READ_PORT(port_floppy, 0x3f4)
READ_PORT(port_a20, 0x92)
READ_PORT(port_smi, 0xb2)
READ_PORT(port_fwcfg, 0x511)
READ_PORT(port_bmide, 0xc002)
READ_PORT(port_reset, 0xcf9)
ATTEMPT(port_com2_wide, return in32(0x2f8);)
ATTEMPT(port_straddle, return in16(0x3ff);)
ATTEMPT(port_wrap, return in32(0xffff);)
ATTEMPT(com2_write, for (u32 i = 0; i < 64; i++) outb(0x2f8, 'X');)
ATTEMPT(bochs_shutdown, for (const char *c = "Shutdown"; *c != '\0'; c++) outb(0x8900, (u8)*c);)
ATTEMPT(acpi_off, out32(0x604, 0x2000); out32(0xb004, 0x2000);)
ATTEMPT(a20_off, outb(0x92, 0);)
static void keyboard_send(u16 port, u8 value)
{
    while (inb(0x64) & 2)
        ;
    outb(port, value);
}
/* The keyboard controller can gate A20 for the whole machine, the hypervisor included. */
static u32 a20_is_off(void)
{
    volatile u32 *low = (u32 *)0x7000;
    volatile u32 *high = (u32 *)0x107000;
    u32 saved = *high;
    u32 off;

    *low = 0x11111111;
    *high = 0x22222222;
    off = *low != 0x11111111;
    *high = saved;
    return off;
}
ATTEMPT(a20_by_keyboard, keyboard_send(0x64, 0xd1); keyboard_send(0x60, 0xdd); return a20_is_off();)
ATTEMPT(a20_by_command, keyboard_send(0x64, 0xdd); return a20_is_off();)
static u32 out_string(u16 port, u32 count)
{
    const void *from = (void *)0x100000;

    __asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(port) : "memory");
    return count;
}
static u32 in_string(u16 port, u32 count)
{
    void *to = (void *)0x300000;

    __asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(port) : "memory");
    return count;
}
ATTEMPT(outs_delay, return out_string(0x80, 1000000);)
ATTEMPT(outs_to_fault, const void *from = (void *)(ram_bytes - 16); u32 count = 64;
        __asm__ volatile("rep outsb"
                         : "+S"(from), "+c"(count)
                         : "d"(0x80)
                         : "memory");
        return count;)
ATTEMPT(ins_rtc, return in_string(0x71, 4096);)

/* PCI configuration: reads are answered, nothing can be changed; bus mastering is off everywhere.
 */
static u32 pci_read(u32 device, u32 offset)
{
    out32(0xcf8, 0x80000000 | device << 11 | offset);
    return in32(0xcfc);
}
static u32 pci_masters(void)
{
    u32 masters = 0;

    for (u32 device = 0; device < 32; device++) {
        bool is_bridge = pci_read(device, 8) >> 24 == 6;

        if (pci_read(device, 0) != 0xffffffff && !is_bridge)
            masters += pci_read(device, 4) >> 2 & 1;
    }
    return masters;
}
static u32 pci_enable_masters(void)
{
    for (u32 device = 0; device < 32; device++) {
        u32 command = pci_read(device, 4);

        out32(0xcfc, command | 4);
    }
    return pci_masters();
}
static u32 pci_move_bar(void)
{
    u32 before = pci_read(2, 0x10);

    out32(0xcfc, 0x00100000);
    return pci_read(2, 0x10) ^ before;
}
ATTEMPT(pci_host_bridge, return pci_read(0, 0);)

static const struct row rows[] = {
    {"port_com2", port_com2, "0xff", KERNEL, ALWAYS},
    {"port_e9", port_e9, "0xff", KERNEL, ALWAYS},
    {"port_debug", port_debug, "0xff", KERNEL, ALWAYS},
    {"port_bochs", port_bochs, "0xff", KERNEL, ALWAYS},
    {"port_dma", port_dma, "0xff", KERNEL, ALWAYS},
    {"port_dma_page", port_dma_page, "0xff", KERNEL, ALWAYS},
    {"port_dma16", port_dma16, "0xff", KERNEL, ALWAYS},
    {"port_floppy", port_floppy, "0xff", KERNEL, ALWAYS},
    {"port_a20", port_a20, "0xff", KERNEL, ALWAYS},
    {"port_smi", port_smi, "0xff", KERNEL, ALWAYS},
    {"port_fwcfg", port_fwcfg, "0xff", KERNEL, ALWAYS},
    {"port_bmide", port_bmide, "0xff", KERNEL, ALWAYS},
    {"port_reset", port_reset, "0xff", KERNEL, ALWAYS},
    {"port_com2_wide", port_com2_wide, "0xffffffff", KERNEL, ALWAYS},
    {"port_straddle", port_straddle, "0xffff", KERNEL, ALWAYS},
    {"port_wrap", port_wrap, "0xffffffff", KERNEL, ALWAYS},
    {"com2_write", com2_write, "0x0", KERNEL, ALWAYS},
    {"bochs_shutdown", bochs_shutdown, "0x0", KERNEL, ALWAYS},
    {"acpi_off", acpi_off, "0x0", KERNEL, ALWAYS},
    {"a20_off", a20_off, "0x0", KERNEL, ALWAYS},
    {"a20_by_keyboard", a20_by_keyboard, "0x0", KERNEL, ALWAYS},
    {"a20_by_command", a20_by_command, "0x0", KERNEL, ALWAYS},
    {"outs_delay", outs_delay, "0x0", KERNEL, ALWAYS},
    {"outs_to_fault", outs_to_fault, "#PF(0x0)", KERNEL, ALWAYS},
    {"ins_rtc", ins_rtc, "0x0", KERNEL, ALWAYS},
    {"pci_host_bridge", pci_host_bridge, "0x12378086", KERNEL, ALWAYS},
    {"pci_masters", pci_masters, "0x0", KERNEL, ALWAYS},
    {"pci_enable_masters", pci_enable_masters, "0x0", KERNEL, ALWAYS},
    {"pci_move_bar", pci_move_bar, "0x0", KERNEL, ALWAYS},
};

const struct attempts attempts_ports = {rows, COUNT(rows)};
