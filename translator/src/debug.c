#include "debug.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[DEBUG_KINDS] = {
    ".debug_info",   ".debug_abbrev", ".debug_line",     ".debug_addr",     ".debug_aranges",
    ".debug_ranges", ".debug_loc",    ".debug_rnglists", ".debug_loclists", ".debug_frame",
};

bool debug_fail(struct debug *debug, enum debug_kind kind, size_t offset, const char *what)
{
    return diag_fail(&debug->program->warning,
                     "debug information is dropped: %s+0x%zx: %s: build without -g to "
                     "silence this",
                     names[kind], offset, what);
}

/* .gdb_index and the like are caches of addresses: debuggers do without. */
bool debug_is_kept(const struct section *section)
{
    return !section->loaded && section->data != NULL && section->header.sh_type == SHT_PROGBITS &&
           strncmp(section->name, ".debug_", strlen(".debug_")) == 0;
}

void debug_contents(const struct debug *debug, unsigned section, const uint8_t **bytes,
                    uint32_t *size)
{
    const struct section *input = &debug->program->image.sections[section];
    *bytes = input->data;
    *size = input->header.sh_size;
    for (unsigned kind = 0; kind < DEBUG_KINDS; kind++) {
        const struct debug_section *one = &debug->sections[kind];
        const struct bytes *new = one->grown.count != 0 ? &one->grown : &one->patched;
        if (one->index != section)
            continue;
        *bytes = new->at;
        *size = (uint32_t) new->count;
    }
}

static const struct text *text_of_item(const struct program *program, uint32_t item)
{
    const struct text *text = program->texts;
    while (item >= text->end)
        text++;
    return text;
}

/* The new address behind a byte; padding that follows it belongs to nothing. False: the byte is not
 * the program's. */
static bool behind(const struct program *program, uint32_t addr, uint32_t *result)
{
    uint32_t index = program_covering(program, addr);
    if (index != NO_ITEM) {
        const struct item *item = &program->items[index];
        *result = item_entry(item) + item->chunk_size +
                  item_body_size(text_of_item(program, index), item);
        return true;
    }
    const struct section *section = image_section_at(&program->image, addr);
    if (section != NULL)
        *result = addr + 1 + (section->new_addr - section->header.sh_addr);
    return section != NULL;
}

/* An address outside the program, like the 0 of code that the linker left out, stays. */
uint32_t debug_start(const struct debug *debug, uint32_t addr)
{
    const struct program *program = debug->program;
    uint32_t item = program_covering(program, addr), result = addr;
    if (item != NO_ITEM)
        return item_entry(&program->items[item]);
    const struct section *section = image_section_at(&program->image, addr);
    if (section != NULL)
        return addr + (section->new_addr - section->header.sh_addr);
    behind(program, addr - 1, &result);
    return result;
}

uint32_t debug_end(const struct debug *debug, uint32_t start, uint32_t end)
{
    uint32_t result;
    if (end <= start || !behind(debug->program, end - 1, &result))
        return debug_start(debug, start) + (end - start);
    return result;
}

uint32_t debug_address(const struct debug *debug, uint32_t table, uint64_t index)
{
    const struct debug_section *section = &debug->sections[DEBUG_ADDR];
    uint64_t at = index > section->size ? UINT32_MAX : table + 4 * index;
    struct cursor cursor = cursor_make(section->bytes, section->size, at, SIZE_MAX);
    return cursor_u32(&cursor);
}

void debug_note_moved(struct debug_section *section, size_t old)
{
    struct moved moved = {(uint32_t)old, (uint32_t)section->grown.count};
    vec_push(&section->moved, moved);
}

uint32_t debug_moved(const struct debug_section *section, uint32_t old)
{
    size_t low = 0, high = section->moved.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (section->moved.at[middle].old <= old)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return old;
    return section->moved.at[low - 1].new + (old - section->moved.at[low - 1].old);
}

void debug_put32(struct bytes *bytes, size_t at, uint32_t value)
{
    memcpy(bytes->at + at, &value, sizeof(value));
}

void debug_push32(struct bytes *bytes, uint32_t value)
{
    bytes_append(bytes, &value, sizeof(value));
}

void debug_push_uleb(struct bytes *bytes, uint64_t value)
{
    do {
        uint8_t byte = (value & 0x7f) | (value > 0x7f ? 0x80 : 0);
        vec_push(bytes, byte);
        value >>= 7;
    } while (value != 0);
}

static bool find_sections(struct debug *debug)
{
    const struct image *image = &debug->program->image;
    for (unsigned i = 1; i < image->section_count; i++) {
        const struct section *section = &image->sections[i];
        for (unsigned kind = 0; kind < DEBUG_KINDS && debug_is_kept(section); kind++) {
            struct debug_section *one = &debug->sections[kind];
            if (strcmp(section->name, names[kind]) != 0)
                continue;
            if (one->index != 0 || (section->header.sh_flags & SHF_COMPRESSED) != 0)
                return debug_fail(debug, kind, 0,
                                  one->index != 0 ? "there are two" : "it is compressed");
            one->index = i;
            one->bytes = section->data;
            one->size = section->header.sh_size;
            bytes_append(&one->patched, section->data, section->header.sh_size);
        }
    }
    return true;
}

static enum debug_kind kind_of(const struct debug *debug, unsigned index)
{
    unsigned kind = 0;
    while (kind < DEBUG_KINDS && (index == 0 || debug->sections[kind].index != index))
        kind++;
    return kind;
}

/* What a field is that a relocation fills: an address of the program, or an offset into a section
 * of debug information. */
enum field { FIELD_ADDRESS, FIELD_OFFSET };

/* An address follows what it names, an offset the bytes there. */
static uint32_t relocated(const struct debug *debug, const Elf32_Sym *symbol, enum field wanted,
                          uint32_t value)
{
    const struct image *image = &debug->program->image;
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= SHN_LORESERVE ||
        image->sections[symbol->st_shndx].loaded != (wanted == FIELD_ADDRESS))
        return value;
    if (wanted == FIELD_ADDRESS)
        return debug_start(debug, value);
    enum debug_kind kind = kind_of(debug, symbol->st_shndx);
    return kind == DEBUG_KINDS ? value : debug_moved(&debug->sections[kind], value);
}

static bool patch_section(struct debug *debug, enum debug_kind kind, const struct section *relocs,
                          enum field wanted)
{
    const struct image *image = &debug->program->image;
    struct debug_section *section = &debug->sections[kind];
    for (uint32_t i = 0; i < relocs->header.sh_size / sizeof(Elf32_Rel); i++) {
        Elf32_Rel entry;
        memcpy(&entry, relocs->data + i * sizeof(entry), sizeof(entry));
        uint32_t symbol = ELF32_R_SYM(entry.r_info), value;
        if (ELF32_R_TYPE(entry.r_info) != R_386_32)
            continue;
        if (entry.r_offset > section->size || section->size - entry.r_offset < sizeof(value) ||
            symbol >= image->symbol_count)
            return debug_fail(debug, kind, entry.r_offset, "a relocation is damaged");
        memcpy(&value, section->bytes + entry.r_offset, sizeof(value));
        uint32_t moved = relocated(debug, &image->symbols[symbol], wanted, value);
        if (moved != value)
            debug_put32(&section->patched, entry.r_offset, moved);
    }
    return true;
}

static bool patch_fields(struct debug *debug, enum field wanted)
{
    const struct image *image = &debug->program->image;
    bool ok = true;
    for (unsigned i = 1; ok && i < image->section_count; i++) {
        const struct section *section = &image->sections[i];
        if (section->header.sh_type != SHT_REL)
            continue;
        enum debug_kind kind = kind_of(debug, section->header.sh_info);
        if (kind != DEBUG_KINDS)
            ok = patch_section(debug, kind, section, wanted);
    }
    return ok;
}

/* Address ranges of whole units (DWARF 5, 6.1.2). */
static bool write_aranges(struct debug *debug)
{
    struct debug_section *section = &debug->sections[DEBUG_ARANGES];
    for (size_t unit = 0, end; unit < section->size; unit = end) {
        struct cursor cursor = cursor_make(section->bytes, section->size, unit, SIZE_MAX);
        end = unit + 4 + (size_t)cursor_u32(&cursor);
        uint16_t version = cursor_u16(&cursor);
        cursor_u32(&cursor);
        uint8_t address_size = cursor_u8(&cursor), segment_size = cursor_u8(&cursor);
        if (cursor.bad || end > section->size || version != 2 || address_size != 4 ||
            segment_size != 0)
            return debug_fail(debug, DEBUG_ARANGES, unit, "the unit is damaged, or not for i386");
        /* Pairs are aligned to their size. */
        for (size_t at = unit + 16; at + 8 <= end; at += 8) {
            cursor = cursor_make(section->bytes, section->size, at, end);
            uint32_t start = cursor_u32(&cursor), size = cursor_u32(&cursor);
            uint32_t new_start = debug_start(debug, start);
            debug_put32(&section->patched, at, new_start);
            debug_put32(&section->patched, at + 4,
                        debug_end(debug, start, start + size) - new_start);
        }
    }
    return true;
}

bool debug_rewrite(struct debug *debug, struct program *program)
{
    *debug = (struct debug){.program = program};
    bool ok = find_sections(debug) && patch_fields(debug, FIELD_ADDRESS) &&
              debug_write_lines(debug) && debug_write_frames(debug) && debug_walk_info(debug) &&
              debug_write_lists(debug) && write_aranges(debug) && patch_fields(debug, FIELD_OFFSET);
    if (ok)
        debug_grow_info(debug);
    return ok;
}

void debug_free(struct debug *debug)
{
    for (unsigned kind = 0; kind < DEBUG_KINDS; kind++) {
        free(debug->sections[kind].patched.at);
        free(debug->sections[kind].grown.at);
        free(debug->sections[kind].moved.at);
        free(debug->lists[kind].at);
    }
    free(debug->growths.at);
}
