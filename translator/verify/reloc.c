/*
 * What a relocated field must hold after translation. i386 uses REL: the linked field holds S + A
 * (R_386_32) or S + A - P (R_386_PC32), so the addend is what is left after the symbol's value.
 */
#include "map.h"

#include <string.h>

uint32_t map_segment_bias(const struct elf_file *file, uint32_t address)
{
    for (uint32_t i = 0; i < file->segment_count; i++) {
        const Elf32_Phdr *segment = &file->segments[i];

        if (segment->p_type == PT_LOAD && address >= segment->p_vaddr &&
            address - segment->p_vaddr < segment->p_memsz) {
            return segment->p_vaddr - segment->p_paddr;
        }
    }
    return 0;
}

static const struct elf_section *section_of(const struct address_map *map,
                                            const struct elf_symbol *symbol)
{
    uint32_t index = symbol->raw.st_shndx;

    return index != SHN_UNDEF && index < SHN_LORESERVE ? &map->native->sections[index] : NULL;
}

/* S + A, moved to where it is now. */
static bool map_target(const struct address_map *map, const struct elf_symbol *symbol,
                       uint32_t target, uint32_t *moved)
{
    const struct elf_section *section = section_of(map, symbol);
    uint32_t start = symbol->raw.st_value;
    uint32_t bias;

    if (!section) {
        *moved = target;
        return symbol->raw.st_shndx == SHN_UNDEF || symbol->raw.st_shndx == SHN_ABS;
    }
    if (map_in_section(map, section, target, moved)) {
        return true;
    }
    /* Addends may lead out of a section: &array[-1], or a biased address. Data moves as a whole. */
    if (!section_is_code(section) || ELF32_ST_TYPE(symbol->raw.st_info) != STT_SECTION) {
        if (!map_in_section(map, section, start, moved)) {
            return false;
        }
        *moved += target - start;
        return true;
    }
    bias = map_segment_bias(map->native, start);
    if (!map_in_section(map, section, target + bias, moved)) {
        return false;
    }
    *moved -= bias;
    return true;
}

bool map_reloc(const struct address_map *map, const struct elf_reloc *reloc, uint32_t value,
               uint32_t new_field_address, uint32_t *new_value)
{
    const struct elf_symbol *symbol = &map->native->symbols[reloc->symbol];

    switch (reloc->type) {
    case R_386_32:
        return map_target(map, symbol, value, new_value);
    case R_386_PC32:
    case R_386_PLT32:
        if (!map_target(map, symbol, value + reloc->address, new_value)) {
            return false;
        }
        *new_value -= new_field_address;
        return true;
    default:
        return false;
    }
}

/* Pointers that are never called, as in jump tables, may go past the entry copy. */
static bool may_be_body(const struct address_map *map, const struct elf_reloc *reloc,
                        uint32_t value, uint32_t actual)
{
    uint32_t index = reloc->type == R_386_32 ? map_pair(map, value) : NO_INDEX;

    return index != NO_INDEX && !map->called[index] && map_leads_to(map, index, actual);
}

const struct elf_reloc *map_relocate(const struct address_map *map, uint32_t old_address,
                                     uint32_t new_address, uint8_t *bytes, const uint8_t *found,
                                     uint32_t length)
{
    const struct elf_file *native = map->native;

    for (uint32_t i = elf_first_reloc(native, old_address);
         i < native->reloc_count && native->relocs[i].address - old_address < length; i++) {
        const struct elf_reloc *reloc = &native->relocs[i];
        uint32_t at = reloc->address - old_address;
        uint32_t value;
        uint32_t actual;

        if (length - at < sizeof(value)) {
            return reloc;
        }
        memcpy(&value, bytes + at, sizeof(value));
        memcpy(&actual, found + at, sizeof(actual));
        if (may_be_body(map, reloc, value, actual)) {
            value = actual;
        } else if (!map_reloc(map, reloc, value, new_address + at, &value)) {
            return reloc;
        }
        memcpy(bytes + at, &value, sizeof(value));
    }
    return NULL;
}
