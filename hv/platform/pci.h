/* PCI configuration space by mechanism #1. PCI Local Bus Specification 3.0, 3.2.2.3.2 and 6.2. */
#ifndef HV_PLATFORM_PCI_H
#define HV_PLATFORM_PCI_H

#include <hv/types.h>

#define PCI_PORT_ADDRESS 0xcf8
#define PCI_PORT_DATA    0xcfc

/* The double word that an address for PCI_PORT_ADDRESS names; ones where nothing is. */
u32 pci_config_read(u32 address);

/* Takes bus mastering from every function but bridges: without an IOMMU a device writes wherever it
 * is told to, past the mirror and into the hypervisor. Logs event=pci. */
void pci_stop_bus_masters(void);

#endif
