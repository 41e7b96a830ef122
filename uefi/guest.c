#include "guest.h"

#include "multiboot.h"

#define PAGE 4096ull

static bool place_module(struct guest_ram ram, struct ranges *taken, struct bytes module,
                         struct placed_module *placed, struct error *error)
{
    uint64_t room = module.size != 0 ? module.size : 1; /* an empty module has an address, too */
    uint64_t start;

    if (!ranges_fit_down(taken, GUEST_HIGH, ram.size, room, PAGE, &start) ||
        !ranges_add(taken, start, start + room))
        return refuse(error, "its %llu KiB find no place in %llu MiB of guest RAM: raise memory",
                      (unsigned long long)(module.size + 1023) / 1024,
                      (unsigned long long)ram.size >> 20);
    if (module.size != 0)
        memcpy(ram.base + start, module.data, module.size);
    placed->start = (uint32_t)start;
    placed->end = (uint32_t)(start + module.size);
    return true;
}

static bool place_info(struct guest_ram ram, const struct ranges *taken,
                       const struct multiboot_input *input, uint32_t *mbi, struct error *error)
{
    uint64_t address;

    if (!ranges_fit_up(taken, GUEST_MBI_BASE, GUEST_LOW_END, multiboot_info_size(input),
                       sizeof(uint64_t), &address))
        return refuse(error,
                      "the kernel leaves no room for the Multiboot information in 0x%x..0x%x",
                      GUEST_MBI_BASE, GUEST_LOW_END);
    multiboot_info_write(input, ram.base + address, (uint32_t)address);
    *mbi = (uint32_t)address;
    return true;
}

/* What kernels look for in the BIOS data area of a PC: where low memory ends, in KiB, and the
 * segment of the BIOS's own part behind it. */
#define BDA_EBDA_SEGMENT 0x40Eu
#define BDA_LOW_KIB      0x413u
static void fill_bios_data(struct guest_ram ram)
{
    const uint16_t segment = GUEST_LOW_END >> 4, kib = GUEST_LOW_END / 1024;

    memcpy(ram.base + BDA_EBDA_SEGMENT, &segment, sizeof(segment));
    memcpy(ram.base + BDA_LOW_KIB, &kib, sizeof(kib));
}

bool guest_fill(struct guest_ram ram, const struct config *config, const struct guest_files *files,
                const struct image *image, uint32_t *mbi, struct error *error)
{
    struct ranges taken = {.count = 0};
    struct placed_module placed[CONFIG_MODULES_MAX];
    struct multiboot_input input = {ram.size, config->cmdline, placed, config->module_count};

    memset(ram.base, 0, ram.size);
    fill_bios_data(ram);
    error->file = config->kernel;
    if (!image_load(image, files->kernel, ram, &taken, error))
        return false;
    for (unsigned i = 0; i < config->module_count; i++) {
        error->file = config->modules[i].path;
        placed[i].string = config->modules[i].string;
        if (!place_module(ram, &taken, files->modules[i], &placed[i], error))
            return false;
    }
    error->file = config->kernel;
    return place_info(ram, &taken, &input, mbi, error);
}
