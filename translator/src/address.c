#include "program.h"

/* Absolute symbols below this are taken for numbers, even where code lies. */
#define FIRST_ADDRESS 4096

static bool in_section(const struct section *section, uint32_t addr)
{
    return addr - section->header.sh_addr <= section->header.sh_size;
}

/* The difference of virtual and physical address of the i-th segment; 0: none. */
static uint32_t load_bias(const struct image *image, unsigned i)
{
    const Elf32_Phdr *segment = &image->segments[i];
    return segment->p_type == PT_LOAD && segment->p_memsz != 0 ? segment->p_vaddr - segment->p_paddr
                                                               : 0;
}

/*
 * An absolute symbol is an address if it names a section's start or end, also a physical one; else
 * it is a number, like the size that a linker script computes.
 */
static struct section *section_bounded_by(const struct image *image, uint32_t addr)
{
    struct section *ends = NULL;
    for (unsigned i = 0; i < image->section_count; i++) {
        struct section *section = &image->sections[i];
        if (!section->loaded || section->header.sh_size == 0)
            continue;
        if (section->header.sh_addr == addr)
            return section;
        if (section->header.sh_addr + section->header.sh_size == addr)
            ends = section;
    }
    return ends;
}

static struct section *absolute_section(const struct program *program, uint32_t value)
{
    struct section *section = section_bounded_by(&program->image, value);
    uint32_t item = program_find(program, value);
    if (section == NULL && item != NO_ITEM && value >= FIRST_ADDRESS)
        section = image_section_at(&program->image, value);
    return section;
}

static struct meaning absolute_meaning(const struct program *program, uint32_t symbol,
                                       uint32_t value)
{
    const struct image *image = &program->image;
    uint32_t addend = value - symbol;
    struct section *section = absolute_section(program, symbol);
    if (section != NULL)
        return (struct meaning){section, symbol, addend, false, false};
    for (unsigned i = 0; i < image->segment_count; i++) {
        uint32_t bias = load_bias(image, i);
        section = bias == 0 ? NULL : absolute_section(program, symbol + bias);
        if (section != NULL)
            return (struct meaning){section, symbol + bias, addend - bias, true, false};
    }
    return (struct meaning){NULL, value, 0, false, false};
}

struct meaning address_meaning(const struct program *program, const Elf32_Sym *symbol,
                               uint32_t value)
{
    const struct image *image = &program->image;
    if (symbol->st_shndx == SHN_ABS)
        return absolute_meaning(program, symbol->st_value, value);
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= SHN_LORESERVE ||
        !image->sections[symbol->st_shndx].loaded)
        return (struct meaning){NULL, value, 0, false, false};
    struct section *section = &image->sections[symbol->st_shndx];
    if (in_section(section, value))
        return (struct meaning){section, value, 0, false, false};
    for (unsigned i = 0; i < image->segment_count; i++) {
        uint32_t bias = load_bias(image, i);
        if (bias != 0 && in_section(section, value + bias))
            return (struct meaning){section, value + bias, -bias, true, false};
    }
    bool ambiguous = section->code && ELF32_ST_TYPE(symbol->st_info) == STT_SECTION;
    return (struct meaning){section, symbol->st_value, value - symbol->st_value, false, ambiguous};
}

bool address_map(const struct program *program, const struct section *section, uint32_t addr,
                 enum address_use use, uint32_t *new_addr)
{
    uint32_t offset = addr - section->header.sh_addr;
    *new_addr = addr + (section->new_addr - section->header.sh_addr);
    if (offset > section->header.sh_size) {
        *new_addr = address_map_any(program, addr, use);
        return true;
    }
    if (!section->code)
        return true;
    if (offset == section->header.sh_size) {
        *new_addr = section->new_addr + section->new_size;
        return true;
    }
    uint32_t index = program_covering(program, addr);
    if (index == NO_ITEM)
        return false;
    const struct item *item = &program->items[index];
    *new_addr = (use == USE_BRANCH ? item->new_addr : item_entry(item)) + (addr - item->addr);
    return item->addr == addr || item->kind == ITEM_DATA;
}

uint32_t address_map_any(const struct program *program, uint32_t addr, enum address_use use)
{
    const struct image *image = &program->image;
    const struct section *above = NULL, *below = NULL;
    for (unsigned i = 0; i < image->section_count; i++) {
        const struct section *section = &image->sections[i];
        if (!section->loaded || section->header.sh_size == 0)
            continue;
        uint32_t start = section->header.sh_addr;
        if (addr - start < section->header.sh_size) {
            uint32_t new_addr;
            address_map(program, section, addr, use, &new_addr);
            return new_addr;
        }
        if (start > addr && (above == NULL || start < above->header.sh_addr))
            above = section;
        if (start < addr && (below == NULL || start > below->header.sh_addr))
            below = section;
    }
    if (above != NULL)
        return addr + (above->new_addr - above->header.sh_addr);
    if (below != NULL && below->header.sh_addr + below->header.sh_size == addr)
        return below->new_addr + below->new_size;
    return below == NULL ? addr : addr + (below->new_addr - below->header.sh_addr);
}

uint32_t address_map_entry(const struct program *program, uint32_t addr)
{
    const struct image *image = &program->image;
    if (image_section_at(image, addr) != NULL)
        return address_map_any(program, addr, USE_BRANCH);
    for (unsigned i = 0; i < image->segment_count; i++) {
        uint32_t bias = load_bias(image, i);
        if (bias != 0 && image_section_at(image, addr + bias) != NULL)
            return address_map_any(program, addr + bias, USE_BRANCH) - bias;
    }
    return addr;
}
