/* Fills guest RAM: kernel, modules, Multiboot information block. Builds for EFI and on the host. */
#ifndef LOADER_GUEST_H
#define LOADER_GUEST_H

#include "config.h"
#include "image.h"

/* The guest's files, in memory; modules in the order of the configuration. */
struct guest_files {
    struct bytes kernel;
    struct bytes modules[CONFIG_MODULES_MAX];
};

/*
 * Zeroes ram and fills it. image is files->kernel as image_read() left it. Modules go page-aligned
 * to the top of ram, the first one highest, clear of the kernel; the information block goes to low
 * memory, *mbi gets its guest-physical address. Returns false with the file at fault and the reason
 * in error.
 */
bool guest_fill(struct guest_ram ram, const struct config *config, const struct guest_files *files,
                const struct image *image, uint32_t *mbi, struct error *error);

#endif
