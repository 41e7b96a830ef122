/* Ending the machine. */
#ifndef HV_PLATFORM_POWER_H
#define HV_PLATFORM_POWER_H

#include <hv/types.h>

/* Powers the machine off (Bochs, QEMU); where neither way exists the processor halts for ever. */
_Noreturn void power_off(void);

/* What machine_end does: restart the machine, and with it the guest, or power off. */
void power_set_restart(bool restart);

/* The end after a failure, as the configuration's on_stop says; logs event=policy. */
_Noreturn void machine_end(const char *reason);

#endif
