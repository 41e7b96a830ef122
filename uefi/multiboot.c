#include "multiboot.h"

#define MEMORY_ENTRIES 3u

static bool is_header(const struct multiboot_header *header)
{
    return header->magic == MULTIBOOT_HEADER_MAGIC &&
           header->magic + header->flags + header->checksum == 0;
}

static bool check_header(struct bytes file, struct multiboot_header *header, uint32_t offset,
                         struct error *error)
{
    uint32_t known = MULTIBOOT_HEADER_PAGE_ALIGN | MULTIBOOT_HEADER_MEMORY;
    uint32_t unknown = header->flags & MULTIBOOT_HEADER_REQUIRED & ~known;

    if (unknown != 0)
        return refuse(error, "the Multiboot header requires features this loader lacks, flags 0x%x",
                      unknown);
    if ((header->flags & MULTIBOOT_HEADER_ADDRESSES) &&
        !bytes_read(file, offset, header, sizeof(*header)))
        return refuse(error, "the Multiboot header's address fields are cut off");
    return true;
}

bool multiboot_find_header(struct bytes file, struct multiboot_header *header, uint32_t *offset,
                           struct error *error)
{
    memset(header, 0, sizeof(*header));
    for (*offset = 0; *offset + MULTIBOOT_HEADER_SHORT_SIZE <= MULTIBOOT_HEADER_SEARCH;
         *offset += 4) {
        if (!bytes_read(file, *offset, header, MULTIBOOT_HEADER_SHORT_SIZE))
            break;
        if (is_header(header))
            return check_header(file, header, *offset, error);
    }
    return refuse(error, "no Multiboot 1 header in the first 8 KiB: not a Multiboot kernel");
}

/* Where each part of the block lies, in bytes from its start. */
struct layout {
    uint32_t memory, modules, cmdline, name, strings, size;
};

static struct layout lay_out(const struct multiboot_input *input)
{
    struct layout at;
    at.memory = sizeof(struct multiboot_info);
    at.modules = at.memory + MEMORY_ENTRIES * (uint32_t)sizeof(struct multiboot_memory);
    at.cmdline = at.modules + input->module_count * (uint32_t)sizeof(struct multiboot_module);
    at.name = at.cmdline + (uint32_t)strlen(input->cmdline) + 1;
    at.strings = at.name + sizeof(MULTIBOOT_LOADER_NAME);
    at.size = at.strings;
    for (unsigned i = 0; i < input->module_count; i++)
        at.size += (uint32_t)strlen(input->modules[i].string) + 1;
    return at;
}

uint32_t multiboot_info_size(const struct multiboot_input *input)
{
    return lay_out(input).size;
}

static void write_memory_map(uint64_t ram_size, uint8_t *out)
{
    const uint32_t rest = sizeof(struct multiboot_memory) - sizeof(uint32_t);
    const struct multiboot_memory map[MEMORY_ENTRIES] = {
        {rest, 0, GUEST_LOW_END, MULTIBOOT_MEMORY_AVAILABLE},
        {rest, GUEST_LOW_END, GUEST_HIGH - GUEST_LOW_END, MULTIBOOT_MEMORY_RESERVED},
        {rest, GUEST_HIGH, ram_size - GUEST_HIGH, MULTIBOOT_MEMORY_AVAILABLE},
    };
    memcpy(out, map, sizeof(map));
}

static void write_modules(const struct multiboot_input *input, const struct layout *at,
                          uint8_t *out, uint32_t address)
{
    uint32_t string = at->strings;

    for (unsigned i = 0; i < input->module_count; i++) {
        const struct placed_module *placed = &input->modules[i];
        struct multiboot_module module = {placed->start, placed->end, address + string, 0};
        memcpy(out + at->modules + i * sizeof(module), &module, sizeof(module));
        size_t size = strlen(placed->string) + 1;
        memcpy(out + string, placed->string, size);
        string += (uint32_t)size;
    }
}

void multiboot_info_write(const struct multiboot_input *input, uint8_t *out, uint32_t address)
{
    struct layout at = lay_out(input);
    struct multiboot_info info = {
        .flags = MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_CMDLINE | MULTIBOOT_INFO_MODULES |
                 MULTIBOOT_INFO_MEMORY_MAP | MULTIBOOT_INFO_LOADER_NAME,
        .mem_lower = GUEST_LOW_END / 1024,
        .mem_upper = (uint32_t)((input->ram_size - GUEST_HIGH) / 1024),
        .cmdline = address + at.cmdline,
        .mods_count = input->module_count,
        .mods_addr = address + at.modules,
        .mmap_length = MEMORY_ENTRIES * sizeof(struct multiboot_memory),
        .mmap_addr = address + at.memory,
        .boot_loader_name = address + at.name,
    };
    memcpy(out, &info, sizeof(info));
    write_memory_map(input->ram_size, out + at.memory);
    memcpy(out + at.cmdline, input->cmdline, strlen(input->cmdline) + 1);
    memcpy(out + at.name, MULTIBOOT_LOADER_NAME, sizeof(MULTIBOOT_LOADER_NAME));
    write_modules(input, &at, out, address);
}
