/* The checks of what loaders and debuggers read: entry point, program headers, symbols. */
#include "data.h"

/* An entry point may be a physical address where code is linked high and starts with paging off. */
static bool entry_is_right(const struct address_map *map, uint32_t entry, uint32_t found)
{
    const struct elf_file *native = map->native;

    if (map_leads_to(map, map_pair(map, entry), found)) {
        return true;
    }
    for (uint32_t i = 0; i < native->segment_count; i++) {
        const Elf32_Phdr *segment = &native->segments[i];
        uint32_t bias = segment->p_vaddr - segment->p_paddr;

        if (segment->p_type == PT_LOAD && entry - segment->p_paddr < segment->p_memsz &&
            map_leads_to(map, map_pair(map, entry + bias), found + bias)) {
            return true;
        }
    }
    return false;
}

/* The segment that loads this section from the place where its bytes are in the file. */
static const Elf32_Phdr *segment_of(const struct elf_file *file, const struct elf_section *section)
{
    const Elf32_Shdr *header = &section->header;

    for (uint32_t i = 0; i < file->segment_count; i++) {
        const Elf32_Phdr *segment = &file->segments[i];
        uint32_t at = header->sh_addr - segment->p_vaddr;
        uint32_t size = section->bytes ? segment->p_filesz : segment->p_memsz;

        if (segment->p_type == PT_LOAD && header->sh_addr >= segment->p_vaddr && at <= size &&
            header->sh_size <= size - at &&
            (!section->bytes || header->sh_offset - segment->p_offset == at)) {
            return segment;
        }
    }
    return NULL;
}

static void check_segment(struct program *program, const struct elf_section *section,
                          const struct elf_section *partner)
{
    const Elf32_Phdr *before = segment_of(program->map->native, section);
    const Elf32_Phdr *after = segment_of(program->map->translated, partner);

    if (!before || section->header.sh_size == 0) {
        return;
    }
    if (!after) {
        report_add(program->report, "%08x -> %08x: section %s is loaded by no program header",
                   section->header.sh_addr, partner->header.sh_addr, section->name);
    } else if (before->p_flags != after->p_flags ||
               before->p_vaddr - before->p_paddr != after->p_vaddr - after->p_paddr) {
        report_add(program->report,
                   "%08x -> %08x: section %s is loaded with other rights or another bias",
                   section->header.sh_addr, partner->header.sh_addr, section->name);
    }
}

void check_headers(struct program *program)
{
    const struct address_map *map = program->map;

    if (!entry_is_right(map, map->native->header.e_entry, map->translated->header.e_entry)) {
        report_add(program->report, "%08x: the entry point is %08x, not its translation",
                   map->native->header.e_entry, map->translated->header.e_entry);
    }
    for (uint32_t i = 0; i < map->native->section_count; i++) {
        if (section_is_loaded(&map->native->sections[i]) && map->partner[i]) {
            check_segment(program, &map->native->sections[i], map->partner[i]);
        }
    }
}

/* Where a symbol must be now; false for those that the rules leave open. */
static bool map_symbol(const struct address_map *map, const struct elf_symbol *symbol,
                       uint32_t *expected)
{
    uint32_t index = symbol->raw.st_shndx;
    const struct elf_section *section;

    *expected = symbol->raw.st_value;
    if (index == SHN_UNDEF || index >= SHN_LORESERVE) {
        return index != SHN_ABS;
    }
    section = &map->native->sections[index];
    return section_is_loaded(section) &&
           map_in_section(map, section, symbol->raw.st_value, expected);
}

/* An instruction's symbol may be at its entry or behind the entry copy. */
static bool symbol_is_right(const struct address_map *map, const struct elf_symbol *symbol,
                            uint32_t found, uint32_t expected)
{
    uint32_t index = symbol->raw.st_shndx;

    return found == expected ||
           (index < SHN_LORESERVE && section_is_code(&map->native->sections[index]) &&
            map_leads_to(map, map_pair(map, symbol->raw.st_value), found));
}

void check_symbols(struct program *program)
{
    const struct address_map *map = program->map;

    for (uint32_t i = 0; i < map->native->symbol_count; i++) {
        const struct elf_symbol *symbol = &map->native->symbols[i];
        uint32_t partner = map->symbol_partner[i];
        uint32_t expected;
        uint32_t found;

        if (!map_symbol_matters(symbol)) {
            continue;
        }
        if (partner == NO_INDEX) {
            report_add(program->report, "%08x: symbol %s is missing", symbol->raw.st_value,
                       symbol->name);
            return;
        }
        found = map->translated->symbols[partner].raw.st_value;
        if (map_symbol(map, symbol, &expected) && !symbol_is_right(map, symbol, found, expected)) {
            report_add(program->report, "%08x -> %08x: symbol %s is %08x", symbol->raw.st_value,
                       expected, symbol->name, found);
        }
    }
}
