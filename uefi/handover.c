#include "firmware.h"

/*
 * The map's key goes stale when an event handler allocates between the two calls, hence the second
 * try. After a failed first one only memory services are allowed (UEFI 2.10, 7.4.6): nothing may be
 * printed in between.
 */
static EFI_STATUS exit_boot_services(void)
{
    EFI_STATUS status = EFI_SUCCESS;
    UINTN key;

    for (int attempt = 0; attempt < 2; attempt++) {
        status = memory_map_read(&key);
        if (status != EFI_SUCCESS)
            return status;
        status = firmware->BootServices->ExitBootServices(loader_handle, key);
        if (status != EFI_INVALID_PARAMETER)
            return status;
    }
    return status;
}

EFI_STATUS hand_over(hypervisor_entry entry, struct kmv_bootinfo *bootinfo)
{
    EFI_STATUS status = exit_boot_services();
    if (status != EFI_SUCCESS)
        return status;
    __asm__ volatile("cli; cld" : : : "memory");
    entry(bootinfo);
    for (;;)
        __asm__ volatile("hlt");
}
