/* The hypervisor's view of host-physical memory. On hardware it is mapped one to one; on the host
 * tests give an arena. */
#ifndef HV_MM_PHYS_H
#define HV_MM_PHYS_H

#include <hv/types.h>

/* Pointer to host-physical memory; valid up to the end of the 4 KiB page that `hpa` lies in. Never
 * NULL. */
void *phys_ptr(hpa_t hpa);

#endif
