/* The checks of what loaders and debuggers read: entry point, program headers, symbols. */
#include "data.h"

#include <string.h>

/* An entry point may be a physical address where code is linked high and starts with paging off. */
static bool map_entry(const struct address_map *map, uint32_t entry, uint32_t *moved)
{
    const struct elf_file *native = map->native;

    if (map_instruction(map, entry, moved)) {
        return true;
    }
    for (uint32_t i = 0; i < native->segment_count; i++) {
        const Elf32_Phdr *segment = &native->segments[i];
        uint32_t bias = segment->p_vaddr - segment->p_paddr;

        if (segment->p_type == PT_LOAD && entry - segment->p_paddr < segment->p_memsz &&
            map_instruction(map, entry + bias, moved)) {
            *moved -= bias;
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
    uint32_t expected;

    if (!map_entry(map, map->native->header.e_entry, &expected)) {
        report_add(program->report, "%08x: the entry point is no instruction of the map",
                   map->native->header.e_entry);
    } else if (map->translated->header.e_entry != expected) {
        report_add(program->report, "%08x -> %08x: the entry point is %08x",
                   map->native->header.e_entry, expected, map->translated->header.e_entry);
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

static bool same_symbol(const struct elf_symbol *a, const struct elf_symbol *b)
{
    return a->raw.st_info == b->raw.st_info && strcmp(a->name, b->name) == 0;
}

/* Symbols keep their order; the translated file may have more of them. */
void check_symbols(struct program *program)
{
    const struct elf_file *native = program->map->native;
    const struct elf_file *translated = program->map->translated;
    uint32_t at = 0;

    for (uint32_t i = 0; i < native->symbol_count; i++) {
        const struct elf_symbol *symbol = &native->symbols[i];
        uint32_t expected;

        while (at < translated->symbol_count && !same_symbol(symbol, &translated->symbols[at])) {
            at++;
        }
        if (at == translated->symbol_count) {
            report_add(program->report, "%08x: symbol %s is missing", symbol->raw.st_value,
                       symbol->name);
            return;
        }
        if (map_symbol(program->map, symbol, &expected) &&
            translated->symbols[at].raw.st_value != expected) {
            report_add(program->report, "%08x -> %08x: symbol %s is %08x", symbol->raw.st_value,
                       expected, symbol->name, translated->symbols[at].raw.st_value);
        }
        at++;
    }
}
