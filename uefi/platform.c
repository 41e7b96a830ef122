#include "firmware.h"

#include "mptable.h"

#define IO_APIC_BASE 0xFEC00000ull

/* UEFI 2.10, 4.6.1. */
static const EFI_GUID acpi_2_guid = {
    0x8868e871, 0xe4f1, 0x11d3, {0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81}};
static const EFI_GUID acpi_1_guid = {
    0xeb9d2d30, 0x2d88, 0x11d3, {0x9a, 0x16, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d}};

void *protocol_of(EFI_HANDLE handle, EFI_GUID guid)
{
    EFI_BOOT_SERVICES *services = firmware->BootServices;
    void *interface = NULL;
    EFI_STATUS status = handle != NULL ? services->HandleProtocol(handle, &guid, &interface)
                                       : services->LocateProtocol(&guid, NULL, &interface);
    return status == EFI_SUCCESS ? interface : NULL;
}

/* The protocol of multiprocessor services, as far as it is used: PI 1.7, vol. 2, 13.3. */
static const EFI_GUID mp_services_guid = {
    0x3fdda605, 0xa76e, 0x4f46, {0xad, 0x29, 0x12, 0xf4, 0x53, 0x1b, 0x3d, 0x08}};

struct processor_information {
    UINT64 processor_id; /* of its local APIC */
    UINT32 flags;
    UINT32 location[9]; /* and what later versions append */
};

enum { PROCESSOR_BOOT = 1, PROCESSOR_USABLE = 6 /* enabled, healthy */ };

struct mp_services {
    EFI_STATUS(EFIAPI *count)(struct mp_services *self, UINTN *all, UINTN *enabled);
    EFI_STATUS(EFIAPI *information)
    (struct mp_services *self, UINTN number, struct processor_information *information);
};

static uint64_t configuration_table(const EFI_GUID *guid)
{
    for (UINTN i = 0; i < firmware->NumberOfTableEntries; i++) {
        const EFI_CONFIGURATION_TABLE *table = &firmware->ConfigurationTable[i];
        if (memcmp(&table->VendorGuid, guid, sizeof(*guid)) == 0)
            return (uint64_t)table->VendorTable;
    }
    return 0;
}

uint64_t platform_rsdp(void)
{
    uint64_t rsdp = configuration_table(&acpi_2_guid);
    return rsdp != 0 ? rsdp : configuration_table(&acpi_1_guid);
}

void platform_framebuffer(struct kmv_framebuffer *framebuffer)
{
    EFI_GUID guid = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GRAPHICS_OUTPUT_PROTOCOL *graphics = protocol_of(NULL, guid);

    memset(framebuffer, 0, sizeof(*framebuffer));
    if (graphics == NULL || graphics->Mode == NULL || graphics->Mode->Info == NULL)
        return;
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *mode = graphics->Mode->Info;
    if (mode->PixelFormat != PixelBlueGreenRedReserved8BitPerColor &&
        mode->PixelFormat != PixelRedGreenBlueReserved8BitPerColor)
        return;
    framebuffer->base = graphics->Mode->FrameBufferBase;
    framebuffer->width = mode->HorizontalResolution;
    framebuffer->height = mode->VerticalResolution;
    framebuffer->pixels_per_line = mode->PixelsPerScanLine;
    framebuffer->pixel_is_bgr = mode->PixelFormat == PixelBlueGreenRedReserved8BitPerColor;
}

/* The one that calls comes first, whatever its number. */
static void add_processor(struct kmv_bootinfo *info, const struct processor_information *processor)
{
    bool first = (processor->flags & PROCESSOR_BOOT) != 0;

    if (first)
        info->cpu_apic[0] = (uint32_t)processor->processor_id;
    else if ((processor->flags & PROCESSOR_USABLE) == PROCESSOR_USABLE &&
             info->cpu_count < KMV_CPUS_MAX)
        info->cpu_apic[info->cpu_count++] = (uint32_t)processor->processor_id;
}

void platform_processors(struct kmv_bootinfo *info)
{
    struct mp_services *services = protocol_of(NULL, mp_services_guid);
    struct processor_information processor;
    UINTN all = 0, enabled;

    info->cpu_count = 1;
    if (services == NULL || services->count(services, &all, &enabled) != EFI_SUCCESS)
        return;
    for (UINTN number = 0; number < all; number++) {
        memset(&processor, 0, sizeof(processor));
        if (services->information(services, number, &processor) == EFI_SUCCESS)
            add_processor(info, &processor);
    }
}

static uint32_t io_apic_read(uint32_t index)
{
    volatile uint32_t *registers = (volatile uint32_t *)IO_APIC_BASE; /* IOREGSEL and IOWIN */

    registers[0] = index;
    return registers[4];
}

void platform_mptable(const struct kmv_bootinfo *info)
{
    struct mptable_input input = {
        .cpu_apic = info->cpu_apic,
        .cpu_count = info->cpu_count,
        .io_apic_id = io_apic_read(0),
        .io_apic_version = io_apic_read(1),
    };
    uint32_t ebx, ecx;

    __asm__("cpuid"
            : "=a"(input.cpu_signature), "=b"(ebx), "=c"(ecx), "=d"(input.cpu_features)
            : "a"(1), "c"(0));
    mptable_write(&input, (uint8_t *)info->guest_base + MPTABLE_ADDRESS);
}
