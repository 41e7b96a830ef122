/* Reads, loads and relocates the hypervisor: an ELF64 x86-64 static-PIE file. Builds for EFI and on
 * the host. */
#ifndef LOADER_ELF64_H
#define LOADER_ELF64_H

#include "bytes.h"
#include "error.h"

#define ELF64_IMAGE_MAX (64ull << 20) /* bytes in memory; a hypervisor is far below */
#define ELF64_ALIGN_MAX (2ull << 20)

struct elf64_image {
    uint64_t
        size; /* bytes in memory with bss, a multiple of 4 KiB; starts at address 0 of the file */
    uint64_t align; /* power of two, 4 KiB to ELF64_ALIGN_MAX */
    uint64_t entry; /* from the image's start */
};

/* Checks file and fills image. Returns false with the reason on anything malformed. */
bool elf64_read(struct bytes file, struct elf64_image *image, struct error *error);

/*
 * Loads the file that elf64_read() checked to out (image->size bytes), relocated to run at address
 * base. Returns false with the reason on relocations that are malformed or other than
 * R_X86_64_RELATIVE.
 */
bool elf64_load(struct bytes file, const struct elf64_image *image, uint8_t *out, uint64_t base,
                struct error *error);

#endif
