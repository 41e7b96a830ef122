#include <hv/platform/pci.h>

#include <hv/cpu/io.h>
#include <hv/log/log.h>

#define ADDRESS_ENABLE  0x80000000u
#define FUNCTIONS       0x10000u /* buses, devices, functions */
#define FUNCTION_SHIFT  8
#define REGISTER_ID     0x00
#define REGISTER_STATUS 0x04 /* and command */
#define REGISTER_CLASS  0x08
#define NO_FUNCTION     0xffffffffu
#define CLASS_BRIDGE    0x06
#define BUS_MASTER      (1u << 2)

u32 pci_config_read(u32 address)
{
    outl(PCI_PORT_ADDRESS, address);
    return inl(PCI_PORT_DATA);
}

/* True when the function could master the bus until now. */
static bool stop_bus_master(u32 function)
{
    u32 command = pci_config_read(function | REGISTER_STATUS);

    if ((command & BUS_MASTER) == 0 ||
        pci_config_read(function | REGISTER_CLASS) >> 24 == CLASS_BRIDGE)
        return false;
    outl(PCI_PORT_ADDRESS, function | REGISTER_STATUS);
    /* The upper half is status bits that a 1 would clear. */
    outl(PCI_PORT_DATA, command & 0xffff & ~BUS_MASTER);
    return true;
}

void pci_stop_bus_masters(void)
{
    unsigned found = 0, stopped = 0;

    for (u32 i = 0; i < FUNCTIONS; i++) {
        u32 function = ADDRESS_ENABLE | i << FUNCTION_SHIFT;

        if (pci_config_read(function | REGISTER_ID) == NO_FUNCTION)
            continue;
        found++;
        stopped += stop_bus_master(function);
    }
    log_event("pci", "functions=%u bus_masters_stopped=%u", found, stopped);
}
