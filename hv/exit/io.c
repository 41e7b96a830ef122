#include <hv/cpu/io.h>
#include <hv/exit/handlers.h>
#include <hv/lib/string.h>
#include <hv/log/log.h>

#define PORT_KEYBOARD_COMMAND 0x64
#define KEYBOARD_PULSE_RESET  0xf0 /* 0xf0..0xff pulse output lines; bit 0 clear pulses RESET */
#define PORT_RESET_CONTROL    0xcf9
#define RESET_CONTROL_START   0x04

/* Devices of the PC that are the guest's own. COM2 is the hypervisor's, PCI configuration space is
 * nobody's. */
static const struct {
    u16 first, last;
} passed[] = {
    {0x20, 0x21},   {0xa0, 0xa1},   {0x4d0, 0x4d1}, /* interrupt controllers */
    {0x40, 0x43},   {0x61, 0x61},                   /* timer, speaker gate */
    {0x60, 0x60},                                   /* keyboard data; its command port exits */
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
    log_event("io_denied", "port=0x%x bytes=%u direction=%s rip=0x%llx", access->port,
              access->bytes, access->in ? "in" : "out", (unsigned long long)vcpu_rip(vcpu));
}

/* A port with nothing behind it reads as ones and swallows writes. */
static void read_ones(struct vcpu *vcpu, unsigned bytes)
{
    u64 mask = bytes == 4 ? 0xffffffffull : (1ull << bytes * 8) - 1;

    vcpu_set_gpr(vcpu, REG_RAX, vcpu_gpr(vcpu, REG_RAX) | mask);
}

static enum exit_result keyboard_command(struct vcpu *vcpu, const struct io_access *access)
{
    u8 command = (u8)vcpu_gpr(vcpu, REG_RAX);

    if (access->in) {
        vcpu_set_gpr(vcpu, REG_RAX,
                     (vcpu_gpr(vcpu, REG_RAX) & ~0xffull) | inb(PORT_KEYBOARD_COMMAND));
    } else if (command >= KEYBOARD_PULSE_RESET && (command & 1) == 0) {
        return vcpu_stop(vcpu, "guest_reset", "port=0x%x", access->port);
    } else {
        outb(PORT_KEYBOARD_COMMAND, command);
    }
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}

/* WHY: a port exits when it is not the guest's, or when one of its values would reset the machine
 * under us. */
enum exit_result exit_io(struct vcpu *vcpu, const struct io_access *access)
{
    if (access->string)
        return vcpu_stop(vcpu, "unsupported", "what=\"string I/O on a denied port\" port=0x%x",
                         access->port);
    if (access->port == PORT_KEYBOARD_COMMAND && access->bytes == 1)
        return keyboard_command(vcpu, access);
    if (access->port == PORT_RESET_CONTROL && !access->in &&
        (vcpu_gpr(vcpu, REG_RAX) & RESET_CONTROL_START))
        return vcpu_stop(vcpu, "guest_reset", "port=0x%x", access->port);
    report_once(vcpu, access);
    if (access->in)
        read_ones(vcpu, access->bytes);
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}
