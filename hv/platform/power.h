/* Ending the machine. */
#ifndef HV_PLATFORM_POWER_H
#define HV_PLATFORM_POWER_H

/* Powers the machine off (Bochs, QEMU); where neither way exists the processor halts for ever. */
_Noreturn void power_off(void);

#endif
