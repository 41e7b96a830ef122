#include "map.h"

#include <stdlib.h>
#include <string.h>

/* A frame of six dwords, copied with the longest instructions, and the scratch slot. */
#define MAX_ENTRY_COPY 128u

static const char *read_note(struct address_map *map)
{
    const struct elf_section *section = elf_section_named(map->translated, ".note.kmv", 0);
    struct kmv_note_desc descriptor;
    Elf32_Nhdr header;
    const size_t name_size = sizeof(KMV_NOTE_NAME);

    if (!section || section->header.sh_type != SHT_NOTE ||
        section->header.sh_size != sizeof(header) + name_size + sizeof(descriptor)) {
        return "no valid .note.kmv: not made by kmv-translate";
    }
    memcpy(&header, section->bytes, sizeof(header));
    if (header.n_namesz != name_size || header.n_descsz != sizeof(descriptor) ||
        header.n_type != KMV_NOTE_TYPE ||
        memcmp(section->bytes + sizeof(header), KMV_NOTE_NAME, name_size) != 0) {
        return "the note in .note.kmv is not a translator's";
    }
    memcpy(&descriptor, section->bytes + sizeof(header) + name_size, sizeof(descriptor));
    if (descriptor.version != KMV_NOTE_VERSION) {
        return "the note's version is not known";
    }
    map->offset = descriptor.offset;
    return NULL;
}

/* Copies a table section, so that its entries are aligned. The copy is never NULL unless memory is
 * out. */
static void *read_table(const struct elf_file *file, const char *name, size_t entry_size,
                        uint32_t *count)
{
    const struct elf_section *section = elf_section_named(file, name, 0);
    uint32_t size = section && section->bytes ? section->header.sh_size : 0;
    void *copy = malloc(size + entry_size);

    *count = (uint32_t)(size / entry_size);
    if (copy && size) {
        memcpy(copy, section->bytes, size);
    }
    return copy;
}

static const char *read_pairs(struct address_map *map)
{
    map->pairs = read_table(map->translated, ".kmv.addrmap", sizeof(*map->pairs), &map->pair_count);
    if (!map->pairs) {
        return "out of memory";
    }
    if (map->pair_count == 0) {
        return "no .kmv.addrmap";
    }
    for (uint32_t i = 1; i < map->pair_count; i++) {
        if (map->pairs[i - 1].old_addr >= map->pairs[i].old_addr) {
            return ".kmv.addrmap is not sorted";
        }
    }
    return NULL;
}

static const char *start_entries(struct address_map *map)
{
    map->entries = calloc(map->pair_count, sizeof(*map->entries));
    map->called = calloc(map->pair_count, sizeof(*map->called));
    if (!map->entries || !map->called) {
        return "out of memory";
    }
    for (uint32_t i = 0; i < map->pair_count; i++) {
        map->entries[i] = map->pairs[i].new_addr;
    }
    return NULL;
}

static const char *read_windows(struct address_map *map)
{
    map->windows =
        read_table(map->translated, ".kmv.windows", sizeof(*map->windows), &map->window_count);
    if (!map->windows) {
        return "out of memory";
    }
    for (uint32_t i = 0; i < map->window_count; i++) {
        const struct kmv_window *window = &map->windows[i];

        if (window->start >= window->end || (i > 0 && window[-1].end > window->start)) {
            return ".kmv.windows is not sorted";
        }
    }
    return NULL;
}

/* Sections of one name correspond in the order of the file. */
static const char *pair_sections(struct address_map *map)
{
    const struct elf_file *native = map->native;

    map->partner = calloc(native->section_count, sizeof(*map->partner));
    if (!map->partner) {
        return "out of memory";
    }
    for (uint32_t i = 0; i < native->section_count; i++) {
        uint32_t nth = 0;

        for (uint32_t j = 0; j < i; j++) {
            nth += strcmp(native->sections[j].name, native->sections[i].name) == 0;
        }
        map->partner[i] = elf_section_named(map->translated, native->sections[i].name, nth);
    }
    return NULL;
}

bool map_symbol_matters(const struct elf_symbol *symbol)
{
    uint32_t type = ELF32_ST_TYPE(symbol->raw.st_info);

    return type != STT_SECTION && type != STT_FILE && symbol->name[0];
}

static bool same_symbol(const struct elf_symbol *a, const struct elf_symbol *b)
{
    return a->raw.st_info == b->raw.st_info && strcmp(a->name, b->name) == 0;
}

/* Symbols keep their order; the translated file may have more of them. The first one missing ends
 * it. */
static const char *pair_symbols(struct address_map *map)
{
    uint32_t at = 0;

    map->symbol_partner = calloc(map->native->symbol_count + 1, sizeof(*map->symbol_partner));
    if (!map->symbol_partner) {
        return "out of memory";
    }
    for (uint32_t i = 0; i < map->native->symbol_count; i++) {
        map->symbol_partner[i] = NO_INDEX;
        if (!map_symbol_matters(&map->native->symbols[i])) {
            continue;
        }
        while (at < map->translated->symbol_count &&
               !same_symbol(&map->native->symbols[i], &map->translated->symbols[at])) {
            at++;
        }
        map->symbol_partner[i] = at < map->translated->symbol_count ? at++ : NO_INDEX;
    }
    return NULL;
}

const char *map_load(struct address_map *map, const struct elf_file *native,
                     const struct elf_file *translated)
{
    static const char *(*const steps[])(struct address_map *) = {
        read_note, read_pairs, start_entries, read_windows, pair_sections, pair_symbols,
    };
    const char *error = NULL;

    memset(map, 0, sizeof(*map));
    map->native = native;
    map->translated = translated;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !error; i++) {
        error = steps[i](map);
    }
    if (error) {
        map_free(map);
    }
    return error;
}

void map_free(struct address_map *map)
{
    free(map->partner);
    free(map->symbol_partner);
    free(map->pairs);
    free(map->entries);
    free(map->called);
    free(map->windows);
    memset(map, 0, sizeof(*map));
}

uint32_t map_first_pair(const struct address_map *map, uint32_t old_address)
{
    uint32_t low = 0;
    uint32_t high = map->pair_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (map->pairs[middle].old_addr < old_address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t map_pair(const struct address_map *map, uint32_t old_address)
{
    uint32_t index = map_first_pair(map, old_address);

    return index < map->pair_count && map->pairs[index].old_addr == old_address ? index : NO_INDEX;
}

bool map_set_entry(struct address_map *map, uint32_t pair_index, uint32_t address)
{
    uint32_t body = map->pairs[pair_index].new_addr;
    uint32_t before = pair_index > 0 ? map->pairs[pair_index - 1].new_addr : 0;

    if (body - address > MAX_ENTRY_COPY || address < before) {
        return false;
    }
    if (address == body || address == map->entries[pair_index]) {
        return true;
    }
    if (map->entries[pair_index] != body) {
        return false;
    }
    map->entries[pair_index] = address;
    return true;
}

bool map_leads_to(const struct address_map *map, uint32_t pair_index, uint32_t address)
{
    return pair_index != NO_INDEX &&
           (address == map->entries[pair_index] || address == map->pairs[pair_index].new_addr);
}

static const struct elf_section *partner_of(const struct address_map *map,
                                            const struct elf_section *section)
{
    return map->partner[section - map->native->sections];
}

static uint32_t section_end(const struct elf_section *section)
{
    return section->header.sh_addr + section->header.sh_size;
}

/*
 * Bytes of a code section that are no instructions keep their place in front of what follows them:
 * the next instruction's translation or the end of the section.
 */
static bool map_in_code(const struct address_map *map, const struct elf_section *section,
                        uint32_t old_address, uint32_t *new_address)
{
    uint32_t index = map_first_pair(map, old_address);
    uint32_t old_next = section_end(section);
    uint32_t new_next = section_end(partner_of(map, section));

    if (index < map->pair_count && map->pairs[index].old_addr < old_next) {
        old_next = map->pairs[index].old_addr;
        new_next = map->entries[index];
    }
    *new_address = new_next - (old_next - old_address);
    return true;
}

bool map_in_section(const struct address_map *map, const struct elf_section *section,
                    uint32_t old_address, uint32_t *new_address)
{
    const struct elf_section *partner = partner_of(map, section);

    if (!partner || old_address < section->header.sh_addr || old_address > section_end(section)) {
        return false;
    }
    if (section_is_code(section)) {
        return map_in_code(map, section, old_address, new_address);
    }
    *new_address = old_address - section->header.sh_addr + partner->header.sh_addr;
    return true;
}

bool map_address(const struct address_map *map, uint32_t old_address, uint32_t *new_address)
{
    const struct elf_section *section = elf_section_at(map->native, old_address);

    return section && map_in_section(map, section, old_address, new_address);
}

uint32_t map_piece_end(const struct address_map *map, uint32_t pair_index)
{
    const struct kmv_addr_pair *pair = &map->pairs[pair_index];
    const struct elf_section *section = elf_section_at(map->native, pair->old_addr);
    const struct elf_section *partner = section ? partner_of(map, section) : NULL;

    if (pair_index + 1 < map->pair_count && section && pair[1].old_addr < section_end(section)) {
        return map->entries[pair_index + 1];
    }
    return partner ? section_end(partner) : pair->new_addr;
}

bool map_in_window(const struct address_map *map, uint32_t instruction_pointer)
{
    uint32_t low = 0;
    uint32_t high = map->window_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (map->windows[middle].end <= instruction_pointer) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < map->window_count && map->windows[low].start <= instruction_pointer;
}
