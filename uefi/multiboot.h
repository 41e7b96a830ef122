/*
 * Multiboot 1 (Multiboot Specification 0.6.96): the header in the kernel's file and the information
 * block that the kernel gets. Builds for EFI and on the host.
 */
#ifndef LOADER_MULTIBOOT_H
#define LOADER_MULTIBOOT_H

#include "bytes.h"
#include "error.h"

#define MULTIBOOT_HEADER_MAGIC  0x1BADB002u
#define MULTIBOOT_HEADER_SEARCH 8192u /* bytes of the file that the header lies in */

#define MULTIBOOT_HEADER_PAGE_ALIGN (1u << 0)  /* modules page-aligned */
#define MULTIBOOT_HEADER_MEMORY     (1u << 1)  /* memory sizes wanted */
#define MULTIBOOT_HEADER_ADDRESSES  (1u << 16) /* the address fields are valid */
#define MULTIBOOT_HEADER_REQUIRED   0xFFFFu    /* a loader must refuse what it can't do of these */

struct multiboot_header {
    uint32_t magic;
    uint32_t flags;
    uint32_t checksum; /* makes the three add up to 0 */
    /* With MULTIBOOT_HEADER_ADDRESSES only: */
    uint32_t header_address;
    uint32_t load_address;
    uint32_t load_end_address; /* 0: to the end of the file */
    uint32_t bss_end_address;  /* 0: no bss */
    uint32_t entry_address;
};
#define MULTIBOOT_HEADER_SHORT_SIZE 12u

#define MULTIBOOT_INFO_MEMORY      (1u << 0)
#define MULTIBOOT_INFO_CMDLINE     (1u << 2)
#define MULTIBOOT_INFO_MODULES     (1u << 3)
#define MULTIBOOT_INFO_MEMORY_MAP  (1u << 6)
#define MULTIBOOT_INFO_LOADER_NAME (1u << 9)

struct multiboot_info {
    uint32_t flags;
    uint32_t mem_lower, mem_upper; /* KiB below 1 MiB, KiB from 1 MiB on */
    uint32_t boot_device;
    uint32_t cmdline;
    uint32_t mods_count, mods_addr;
    uint32_t syms[4];
    uint32_t mmap_length, mmap_addr;
    uint32_t drives_length, drives_addr;
    uint32_t config_table;
    uint32_t boot_loader_name;
    uint32_t apm_table;
    uint32_t vbe[4];
};

struct multiboot_module {
    uint32_t start, end; /* guest-physical, end exclusive */
    uint32_t string;
    uint32_t reserved;
};

#define MULTIBOOT_MEMORY_AVAILABLE 1u
#define MULTIBOOT_MEMORY_RESERVED  2u

struct multiboot_memory {
    uint32_t size; /* of the rest of this entry */
    uint64_t base, length;
    uint32_t type;
} __attribute__((packed));

_Static_assert(sizeof(struct multiboot_info) == 88, "Multiboot 3.3");
_Static_assert(sizeof(struct multiboot_memory) == 24, "Multiboot 3.3");

/* Guest RAM of a PC as the guest sees it. */
#define GUEST_LOW_END  0x9F000u  /* end of low memory; the hypervisor's firmware tables follow */
#define GUEST_HIGH     0x100000u /* memory goes on here */
#define GUEST_MBI_BASE 0x8000u   /* the information block lies in [GUEST_MBI_BASE, GUEST_LOW_END) */

#define MULTIBOOT_LOADER_NAME "kmemvisor"

/*
 * Finds the header in a kernel's file: *header gets it (address fields 0 unless valid), *offset its
 * place in the file. Returns false if there is none or it requires what this loader can't do.
 */
bool multiboot_find_header(struct bytes file, struct multiboot_header *header, uint32_t *offset,
                           struct error *error);

/* A module placed in guest RAM. */
struct placed_module {
    uint32_t start, end;
    const char *string;
};

struct multiboot_input {
    uint64_t ram_size; /* bytes of guest RAM, from 0 */
    const char *cmdline;
    const struct placed_module *modules;
    unsigned module_count;
};

/* Bytes that the information block with its tables and strings takes. */
uint32_t multiboot_info_size(const struct multiboot_input *input);

/* Writes the block to out (multiboot_info_size() bytes), with pointers for its place at
 * guest-physical address. */
void multiboot_info_write(const struct multiboot_input *input, uint8_t *out, uint32_t address);

#endif
