/* Multiboot Specification 0.6.96, 3.3. */
#include "multiboot.h"

#include "console.h"
#include "memlayout.h"
#include "mmu.h"
#include "string.h"

#define LOADER_MAGIC 0x2BADB002
#define INFO_MEMORY  0x001
#define INFO_CMDLINE 0x004
#define INFO_MAP     0x040

#define MAP_AVAILABLE 1

#define RAM_MIN (6u << 20)

struct info {
    uint32_t flags;
    uint32_t mem_lower, mem_upper; /* KiB below 1 MiB, from 1 MiB on */
    uint32_t boot_device, cmdline, mods_count, mods_addr, syms[4];
    uint32_t mmap_length, mmap_addr;
};

struct map_entry {
    uint32_t size; /* of the rest of the entry */
    uint64_t base, length;
    uint32_t type;
} __attribute__((packed));

/* End of the available range that holds 1 MiB; 0: the map doesn't say. */
static uint64_t end_from_map(const struct info *info)
{
    uint32_t at = 0;

    if ((info->flags & INFO_MAP) == 0 || info->mmap_addr + info->mmap_length > LARGE_PGSIZE)
        return 0;
    while (at < info->mmap_length) {
        const struct map_entry *entry = P2V(info->mmap_addr + at);
        if (entry->type == MAP_AVAILABLE && entry->base <= EXTMEM &&
            entry->base + entry->length > EXTMEM)
            return entry->base + entry->length;
        at += entry->size + sizeof(entry->size);
    }
    return 0;
}

/* The boot page directory maps the first 4 MiB. */
static const struct info *find_info(uint32_t magic, uint32_t info_pa)
{
    if (magic != LOADER_MAGIC || info_pa + sizeof(struct info) > LARGE_PGSIZE)
        fatal("not started by a Multiboot loader, or its information lies above 4 MiB");
    return P2V(info_pa);
}

bool multiboot_has_option(uint32_t magic, uint32_t info_pa, const char *option)
{
    const struct info *info = find_info(magic, info_pa);
    size_t bytes = strlen(option);

    if ((info->flags & INFO_CMDLINE) == 0)
        return false;
    for (uint32_t at = info->cmdline; at + bytes < LARGE_PGSIZE; at++) {
        const char *text = P2V(at);
        bool starts = at == info->cmdline || text[-1] == ' ';
        if (starts && memcmp(text, option, bytes) == 0 && (text[bytes] == 0 || text[bytes] == ' '))
            return true;
        if (*text == 0)
            return false;
    }
    return false;
}

uint32_t multiboot_ram_end(uint32_t magic, uint32_t info_pa)
{
    const struct info *info = find_info(magic, info_pa);
    uint64_t end = end_from_map(info);
    if (end == 0 && (info->flags & INFO_MEMORY))
        end = EXTMEM + (uint64_t)info->mem_upper * 1024;
    if (end < RAM_MIN)
        fatal("%u KiB of memory, at least %u KiB needed", (uint32_t)(end / 1024), RAM_MIN / 1024);
    return end > PHYSTOP ? PHYSTOP : PGROUNDDOWN((uint32_t)end);
}
