#include <hv/cpu/io.h>
#include <hv/log/queue.h>
#include <hv/platform/power.h>

#define BOCHS_SHUTDOWN_PORT 0x8900
#define QEMU_PM1A_CNT_PORT  0x604  /* PIIX4 power management as OVMF sets it up */
#define PM1_SLEEP_S5        0x2000 /* SLP_EN with the S5 type of QEMU's PIIX4 */

_Noreturn void power_off(void)
{
    log_queue_flush();
    for (const char *c = "Shutdown"; *c != '\0'; c++)
        outb(BOCHS_SHUTDOWN_PORT, (u8)*c);
    outw(QEMU_PM1A_CNT_PORT, PM1_SLEEP_S5);
    for (;;)
        __asm__ volatile("cli; hlt");
}
