#include <hv/cpu/io.h>
#include <hv/log/log.h>
#include <hv/log/queue.h>
#include <hv/platform/power.h>

#define BOCHS_SHUTDOWN_PORT 0x8900
#define QEMU_PM1A_CNT_PORT  0x604  /* PIIX4 power management as OVMF sets it up */
#define PM1_SLEEP_S5        0x2000 /* SLP_EN with the S5 type of QEMU's PIIX4 */

/* The keyboard controller's way is tried first: after the other one, firmware on Bochs does not
 * come up. */
#define KEYBOARD_COMMAND_PORT 0x64
#define KEYBOARD_PULSE_RESET  0xfe
#define RESET_CONTROL_PORT    0xcf9
#define RESET_CONTROL_HARD    0x06

static bool restart_wanted;

void power_set_restart(bool restart)
{
    restart_wanted = restart;
}

_Noreturn void machine_end(const char *reason)
{
    log_event("policy", "reason=%s action=%s", reason, restart_wanted ? "restart" : "off");
    if (restart_wanted) {
        log_queue_flush();
        outb(KEYBOARD_COMMAND_PORT, KEYBOARD_PULSE_RESET);
        outb(RESET_CONTROL_PORT, RESET_CONTROL_HARD);
    }
    power_off();
}

_Noreturn void power_off(void)
{
    log_queue_flush();
    outsb(BOCHS_SHUTDOWN_PORT, "Shutdown", 8);
    outw(QEMU_PM1A_CNT_PORT, PM1_SLEEP_S5);
    for (;;)
        __asm__ volatile("cli; hlt");
}
