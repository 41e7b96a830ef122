#include <hv/cpu/io.h>
#include <hv/exit/handlers.h>
#include <hv/lib/string.h>
#include <hv/log/log.h>
#include <hv/platform/pci.h>

#define PORT_KEYBOARD_DATA    0x60
#define PORT_KEYBOARD_COMMAND 0x64
#define KEYBOARD_OUTPUT_PORT  0xd1 /* the next byte of data goes to the output lines */
#define OUTPUT_NOT_RESET      0x01
#define OUTPUT_A20            0x02
#define KEYBOARD_A20_OFF      0xdd
#define KEYBOARD_A20_ON       0xdf
#define KEYBOARD_PULSE_RESET  0xf0 /* 0xf0..0xff pulse output lines; bit 0 clear pulses RESET */
#define PORT_RESET_CONTROL    0xcf9
#define RESET_CONTROL_START   0x04

/* Devices of the PC that are the guest's own. COM2 is the hypervisor's; the keyboard controller's
 * ports exit. */
static const struct {
    u16 first, last;
} passed[] = {
    {0x20, 0x21},   {0xa0, 0xa1},   {0x4d0, 0x4d1}, /* interrupt controllers */
    {0x40, 0x43},   {0x61, 0x61},                   /* timer, speaker gate */
    {0x70, 0x71},                                   /* real-time clock */
    {0x80, 0x80},                                   /* delay */
    {0x1f0, 0x1f7}, {0x3f6, 0x3f6},                 /* IDE, first channel */
    {0x170, 0x177}, {0x376, 0x376},                 /* IDE, second channel */
    {0x3b0, 0x3df},                                 /* VGA */
    {0x3f8, 0x3ff},                                 /* COM1 */
};

static u8 reported[8192];

void io_policy_fill(u8 *bitmap)
{
    memset(bitmap, 0xff, 8192);
    for (size_t i = 0; i < ARRAY_LEN(passed); i++) {
        for (unsigned port = passed[i].first; port <= passed[i].last; port++)
            bitmap[port / 8] &= (u8) ~(1u << port % 8);
    }
}

static void report_once(const struct vcpu *vcpu, const struct io_access *access)
{
    u8 bit = (u8)(1u << access->port % 8);

    if (reported[access->port / 8] & bit)
        return;
    reported[access->port / 8] |= bit;
    log_event("io_denied", "port=0x%x bytes=%u direction=%s rip=0x%lx", access->port, access->bytes,
              access->in ? "in" : "out", vcpu_rip(vcpu));
}

/* Of an IN: writes leave EAX's other bytes alone. */
static void set_result(struct vcpu *vcpu, const struct io_access *access, u32 value)
{
    u64 mask = access->bytes == 4 ? 0xffffffffull : (1ull << access->bytes * 8) - 1;

    u64 kept = access->bytes == 4 ? 0 : vcpu_gpr(vcpu, REG_RAX) & ~mask;

    vcpu_set_gpr(vcpu, REG_RAX, kept | (value & mask));
}

/* Does this byte for the keyboard controller pulse the RESET line? */
static bool pulses_reset(u16 port, u8 value, bool to_output_port)
{
    if (port == PORT_KEYBOARD_COMMAND)
        return value >= KEYBOARD_PULSE_RESET && (value & 1) == 0;
    return to_output_port && (value & OUTPUT_NOT_RESET) == 0;
}

/* A20 stays open: its gate is in front of the hypervisor's memory, too. */
static enum exit_result keyboard(struct vcpu *vcpu, const struct io_access *access)
{
    static bool to_output_port;
    u8 value = (u8)vcpu_gpr(vcpu, REG_RAX);
    bool is_command = access->port == PORT_KEYBOARD_COMMAND;

    if (access->in) {
        set_result(vcpu, access, inb(access->port));
    } else {
        if (pulses_reset(access->port, value, to_output_port))
            return vcpu_stop(vcpu, "guest_reset", "port=0x%x", access->port);
        if (!is_command && to_output_port)
            value |= OUTPUT_A20;
        if (!is_command || (value != KEYBOARD_A20_OFF && value != KEYBOARD_A20_ON))
            outb(access->port, value);
        to_output_port = is_command && value == KEYBOARD_OUTPUT_PORT;
    }
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}

/* The guest may look at PCI functions and change none: it could make one a bus master, or move one
 * over memory. True: answered. */
static bool pci_access(struct vcpu *vcpu, const struct io_access *access)
{
    static u32 address;

    if (access->port == PCI_PORT_ADDRESS && access->bytes == 4) {
        if (access->in)
            set_result(vcpu, access, address);
        else
            address = (u32)vcpu_gpr(vcpu, REG_RAX) & ~3u;
        return true;
    }
    if (!access->in || access->port < PCI_PORT_DATA || access->port > PCI_PORT_DATA + 3)
        return false;
    set_result(vcpu, access, pci_config_read(address) >> 8 * (access->port & 3));
    return true;
}

/* WHY: a port exits when it is not the guest's, or when one of its values would reset the machine
 * under us. */
enum exit_result exit_io(struct vcpu *vcpu, const struct io_access *access)
{
    if (access->string)
        return vcpu_stop(vcpu, "unsupported", "what=\"string I/O on a denied port\" port=0x%x",
                         access->port);
    if ((access->port == PORT_KEYBOARD_DATA || access->port == PORT_KEYBOARD_COMMAND) &&
        access->bytes == 1)
        return keyboard(vcpu, access);
    if (access->port == PORT_RESET_CONTROL && !access->in &&
        (vcpu_gpr(vcpu, REG_RAX) & RESET_CONTROL_START))
        return vcpu_stop(vcpu, "guest_reset", "port=0x%x", access->port);
    if (pci_access(vcpu, access)) {
        vcpu_skip_instruction(vcpu);
        return EXIT_RESUME;
    }
    report_once(vcpu, access);
    /* A port with nothing behind it reads as ones and swallows writes. */
    if (access->in)
        set_result(vcpu, access, ~0u);
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}
