/* What this kernel asks of kmemvisor, and how it ends the machine with or without it. */
#ifndef HYPERVISOR_H
#define HYPERVISOR_H

#include <stdbool.h>
#include <stdint.h>

#include "kmv/windows.h"

void hypervisor_detect(void);

bool machine_has_hypervisor(void);
bool machine_is_mirrored(void);

/* OFFSET that this kernel was built for. */
uint32_t mirror_offset(void);

/* Tells the hypervisor where it finds this processor's maps of windows; the kernel's goes in there.
 */
void windows_announce(struct kmv_window_maps *maps);

/* A hypercall (kmv/hypercall.h: enum kmv_hypercall, arguments, result); -1 without the hypervisor.
 */
int hypercall(int number, uint32_t a, uint32_t b);

/* Powers the machine off; `status` 0 to 255. Interrupts may be on or off. */
void machine_poweroff(int status) __attribute__((noreturn));

#endif
