/*
 * The output file: header, program headers, the loaded sections at their old offsets plus their
 * shift, then the note, the tables, the symbols, the section headers.
 */
#include "debug.h"

#include <stdlib.h>
#include <string.h>

#include "kmv/note.h"
#include "kmv/windows.h"

VEC(window_list, struct kmv_window);

/* A section of the output. */
struct output {
    const char *name;
    Elf32_Shdr header;
    bool in_file;
};

struct writer {
    struct program *program;
    struct sink *file;
    struct output *outputs;
    unsigned count;
    unsigned *index_of; /* input section -> output section, 0: dropped */
    struct bytes symbols;
    struct bytes names; /* of symbols */
    struct bytes note;
    struct window_list windows;
    unsigned first_global;
    uint32_t note_offset;
};

static uint32_t section_shift(const struct section *section)
{
    return section->new_addr - section->header.sh_addr;
}

static unsigned add_output(struct writer *writer, const char *name, Elf32_Shdr header, bool in_file)
{
    writer->outputs[writer->count] = (struct output){name, header, in_file};
    return writer->count++;
}

static int compare_offsets(const void *left, const void *right)
{
    const struct section *a = *(struct section *const *)left, *b = *(struct section *const *)right;
    if (a->header.sh_offset != b->header.sh_offset)
        return a->header.sh_offset < b->header.sh_offset ? -1 : 1;
    return a < b ? -1 : a > b;
}

/* Loaded sections keep their order and their distance from addresses; all others are dropped. */
static bool add_loaded(struct writer *writer)
{
    struct program *program = writer->program;
    struct image *image = &program->image;
    struct section **sorted = xcalloc(image->section_count, sizeof(*sorted));
    unsigned count = 0;
    uint32_t end = 0;
    bool ok = true;
    for (unsigned i = 1; i < image->section_count; i++)
        if (image->sections[i].loaded)
            sorted[count++] = &image->sections[i];
    vec_sort(sorted, count, sizeof(*sorted), compare_offsets);
    for (unsigned i = 0; ok && i < count; i++) {
        const struct section *section = sorted[i];
        Elf32_Shdr header = section->header;
        header.sh_addr = section->new_addr;
        header.sh_offset = section_file_offset(section);
        header.sh_size = section->new_size;
        header.sh_link = header.sh_info = 0;
        writer->index_of[section - image->sections] =
            add_output(writer, section->name, header, section->data != NULL);
        if (section->data == NULL)
            continue;
        if (header.sh_size != 0 && header.sh_offset < end)
            ok = diag_fail(&program->diag,
                           "section %s is not in the order of addresses: change the linker script",
                           section->name);
        end = header.sh_offset + header.sh_size;
    }
    free(sorted);
    return ok;
}

/* A section of size bytes at the end of the file, its contents still to be written. Returns their
 * offset. */
static uint32_t open_table(struct writer *writer, const char *name, Elf32_Word type, size_t size,
                           Elf32_Shdr header)
{
    header.sh_type = type;
    header.sh_offset = (uint32_t)sink_align(writer->file, 4);
    header.sh_size = (uint32_t)size;
    if (header.sh_addralign == 0)
        header.sh_addralign = 4;
    add_output(writer, name, header, true);
    return header.sh_offset;
}

static void append_table(struct writer *writer, const char *name, Elf32_Word type, const void *data,
                         size_t size, Elf32_Shdr header)
{
    sink_put(writer->file, open_table(writer, name, type, size, header), data, size);
}

static void add_note(struct writer *writer)
{
    const struct program *program = writer->program;
    uint32_t base, count;
    bool mapped = program_mapped(program, &base, &count);
    const Elf32_Nhdr header = {sizeof(KMV_NOTE_NAME), sizeof(struct kmv_note_desc), KMV_NOTE_TYPE};
    const struct kmv_note_desc desc = {KMV_NOTE_VERSION,
                                       program->options.identity ? 0 : program->options.offset,
                                       mapped ? program_map_at(base + count) : 0};
    bytes_append(&writer->note, &header, sizeof(header));
    bytes_append(&writer->note, KMV_NOTE_NAME, sizeof(KMV_NOTE_NAME));
    bytes_append(&writer->note, &desc, sizeof(desc));
    append_table(writer, ".note.kmv", SHT_NOTE, writer->note.at, writer->note.count,
                 (Elf32_Shdr){0});
    writer->note_offset = writer->outputs[writer->count - 1].header.sh_offset;
}

static void add_addrmap(struct writer *writer)
{
    const struct program *program = writer->program;
    size_t count = 0;
    for (uint32_t i = 0; i < program->item_count; i++)
        count += program->items[i].kind != ITEM_DATA;
    uint32_t at =
        open_table(writer, ".kmv.addrmap", SHT_PROGBITS, count * sizeof(struct kmv_addr_pair),
                   (Elf32_Shdr){.sh_entsize = sizeof(struct kmv_addr_pair)});
    for (uint32_t i = 0; i < program->item_count; i++) {
        const struct item *item = &program->items[i];
        struct kmv_addr_pair pair = {item->addr, item->new_addr};
        if (item->kind == ITEM_DATA)
            continue;
        sink_put(writer->file, at, &pair, sizeof(pair));
        at += sizeof(pair);
    }
}

static int compare_windows(const void *left, const void *right)
{
    const struct kmv_window *a = left, *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

/* A vector stub runs wholly between the processor's push of the frame and the copy of it. */
static void collect_windows(const struct program *program, struct window_list *list)
{
    for (size_t i = 0; i < program->emitter.windows.count; i++) {
        const struct item_window *window = &program->emitter.windows.at[i];
        uint32_t start = item_entry(&program->items[window->item]);
        struct kmv_window entry = {start + window->start, start + window->end};
        vec_push(list, entry);
    }
    for (unsigned t = 0; t < program->text_count && !program->options.identity; t++)
        for (uint32_t i = program->texts[t].first; i < program->texts[t].end; i++) {
            const struct item *item = &program->items[i];
            uint32_t start = item_entry(item);
            struct kmv_window entry = {start, start + item->chunk_size +
                                                  item_body_size(&program->texts[t], item)};
            if (item->flags & ITEM_STUB)
                vec_push(list, entry);
        }
    vec_sort(list->at, list->count, sizeof(*list->at), compare_windows);
}

/* Windows that touch become one. */
static void join_windows(struct window_list *list)
{
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (kept > 0 && list->at[i].start <= list->at[kept - 1].end) {
            if (list->at[kept - 1].end < list->at[i].end)
                list->at[kept - 1].end = list->at[i].end;
        } else {
            list->at[kept++] = list->at[i];
        }
    }
    list->count = kept;
}

static void add_windows(struct writer *writer)
{
    const struct window_list *list = &writer->windows;
    append_table(writer, ".kmv.windows", SHT_PROGBITS, list->at, list->count * sizeof(*list->at),
                 (Elf32_Shdr){.sh_entsize = sizeof(struct kmv_window)});
}

/* The room behind the last text section that the layout reserved. */
static void add_map(struct writer *writer)
{
    const struct program *program = writer->program;
    const struct window_list *list = &writer->windows;
    uint32_t base, count;
    if (!program_mapped(program, &base, &count))
        return;
    uint32_t size = (uint32_t)sizeof(struct kmv_window_map) + (count + 31) / 32 * 4;
    struct kmv_window_map *map = xcalloc(size, 1);
    *map = (struct kmv_window_map){KMV_WINDOW_MAP_MAGIC, base, count};
    for (size_t i = 0; i < list->count; i++)
        for (uint32_t bit = list->at[i].start - base; bit < list->at[i].end - base; bit++)
            map->bits[bit / 32] |= 1u << bit % 32;
    const struct section *text = program->texts[program->text_count - 1].section;
    uint32_t addr = program_map_at(base + count);
    Elf32_Shdr header = {.sh_type = SHT_PROGBITS,
                         .sh_flags = SHF_ALLOC,
                         .sh_addr = addr,
                         .sh_offset = section_file_offset(text) + (addr - text->new_addr),
                         .sh_size = size,
                         .sh_addralign = 4};
    add_output(writer, ".kmv.map", header, true);
    sink_put(writer->file, header.sh_offset, map, size);
    free(map);
}

static uint32_t map_symbol(const struct program *program, const Elf32_Sym *symbol)
{
    struct meaning meaning = address_meaning(program, symbol, symbol->st_value);
    uint32_t value = symbol->st_value;
    if (meaning.section == NULL)
        return value;
    address_map(program, meaning.section, meaning.addr, meaning.physical ? USE_BRANCH : USE_POINTER,
                &value);
    return value + meaning.addend;
}

static void move_symbol(const struct writer *writer, Elf32_Sym *symbol)
{
    const struct program *program = writer->program;
    Elf32_Sym old = *symbol;
    if (ELF32_ST_TYPE(old.st_info) != STT_TLS)
        symbol->st_value = map_symbol(program, &old);
    if (old.st_shndx == SHN_UNDEF || old.st_shndx >= SHN_LORESERVE)
        return;
    symbol->st_shndx = (uint16_t)writer->index_of[old.st_shndx];
    if (old.st_size != 0 && program->image.sections[old.st_shndx].code) {
        Elf32_Sym end = old;
        end.st_value += old.st_size;
        symbol->st_size = map_symbol(program, &end) - symbol->st_value;
    }
}

static bool is_dropped(const struct writer *writer, const Elf32_Sym *symbol)
{
    return symbol->st_shndx != SHN_UNDEF && symbol->st_shndx < SHN_LORESERVE &&
           writer->index_of[symbol->st_shndx] == 0;
}

static void add_symbols(struct writer *writer)
{
    const struct image *image = &writer->program->image;
    Elf32_Sym none = {0};
    bytes_append(&writer->symbols, &none, sizeof(none));
    bytes_append(&writer->names, "", 1);
    writer->first_global = 1;
    for (unsigned i = 1; i < image->symbol_count; i++) {
        Elf32_Sym symbol = image->symbols[i];
        const char *name = image_symbol_name(image, &symbol);
        if (is_dropped(writer, &symbol))
            continue;
        move_symbol(writer, &symbol);
        symbol.st_name = 0;
        if (name[0] != '\0') {
            symbol.st_name = (uint32_t)writer->names.count;
            bytes_append(&writer->names, name, strlen(name) + 1);
        }
        bytes_append(&writer->symbols, &symbol, sizeof(symbol));
        if (ELF32_ST_BIND(symbol.st_info) == STB_LOCAL)
            writer->first_global = (unsigned)(writer->symbols.count / sizeof(symbol));
    }
    append_table(writer, ".symtab", SHT_SYMTAB, writer->symbols.at, writer->symbols.count,
                 (Elf32_Shdr){.sh_link = writer->count + 1,
                              .sh_info = writer->first_global,
                              .sh_entsize = sizeof(Elf32_Sym)});
    append_table(writer, ".strtab", SHT_STRTAB, writer->names.at, writer->names.count,
                 (Elf32_Shdr){.sh_addralign = 1});
}

static void add_debug(struct writer *writer, const struct debug *debug)
{
    const struct image *image = &writer->program->image;
    for (unsigned i = 1; i < image->section_count; i++) {
        const struct section *section = &image->sections[i];
        const uint8_t *bytes;
        uint32_t size;
        if (!debug_is_kept(section))
            continue;
        debug_contents(debug, i, &bytes, &size);
        append_table(writer, section->name, SHT_PROGBITS, bytes, size,
                     (Elf32_Shdr){.sh_flags = section->header.sh_flags,
                                  .sh_addralign = section->header.sh_addralign,
                                  .sh_entsize = section->header.sh_entsize});
    }
}

static void rewrite_debug(struct writer *writer)
{
    struct debug debug;
    if (debug_rewrite(&debug, writer->program))
        add_debug(writer, &debug);
    debug_free(&debug);
}

static bool section_in_segment(const struct section *section, const Elf32_Phdr *segment)
{
    if (!section->loaded || section->header.sh_size == 0)
        return false;
    if ((section->header.sh_flags & SHF_TLS) && section->header.sh_type == SHT_NOBITS)
        return segment->p_type == PT_TLS;
    uint32_t offset = section->header.sh_addr - segment->p_vaddr;
    return offset < segment->p_memsz && section->header.sh_size <= segment->p_memsz - offset;
}

/* A segment moves with its first section, and ends where its last section does, or as far behind it
 * as before. */
static void move_segment(const struct image *image, Elf32_Phdr *segment)
{
    const struct section *first = NULL, *last = NULL, *last_in_file = NULL;
    for (unsigned i = 0; i < image->section_count; i++) {
        const struct section *section = &image->sections[i];
        if (!section_in_segment(section, segment))
            continue;
        if (first == NULL || section->header.sh_addr < first->header.sh_addr)
            first = section;
        if (last == NULL || section->header.sh_addr > last->header.sh_addr)
            last = section;
        if (section->data != NULL &&
            (last_in_file == NULL || section->header.sh_addr > last_in_file->header.sh_addr))
            last_in_file = section;
    }
    if (first == NULL)
        return;
    uint32_t shift = section_shift(first);
    segment->p_memsz +=
        section_shift(last) - shift + last->new_size + last->tail - last->header.sh_size;
    if (last_in_file != NULL)
        segment->p_filesz += section_shift(last_in_file) - shift + last_in_file->new_size +
                             last_in_file->tail - last_in_file->header.sh_size;
    segment->p_offset += shift;
    segment->p_vaddr += shift;
    segment->p_paddr += shift;
}

/* The program headers stay where they were if one more fits before the first section, else they go
 * to the end. */
static uint32_t place_segments(const struct writer *writer)
{
    const struct image *image = &writer->program->image;
    uint32_t size = (image->segment_count + 1) * sizeof(Elf32_Phdr);
    uint64_t end = (uint64_t)image->header.e_phoff + size;
    bool fits = image->header.e_phoff >= sizeof(Elf32_Ehdr);
    for (unsigned i = 1; i < writer->count; i++)
        if (writer->outputs[i].in_file && writer->outputs[i].header.sh_offset < end &&
            writer->outputs[i].header.sh_size != 0)
            fits = false;
    if (fits && end <= writer->file->end)
        return image->header.e_phoff;
    return (uint32_t)sink_align(writer->file, 4);
}

static uint32_t put_segments(struct writer *writer)
{
    const struct image *image = &writer->program->image;
    uint32_t offset = place_segments(writer);
    for (unsigned i = 0; i < image->segment_count; i++) {
        Elf32_Phdr segment = image->segments[i];
        move_segment(image, &segment);
        sink_put(writer->file, offset + i * sizeof(segment), &segment, sizeof(segment));
    }
    const Elf32_Phdr note = {.p_type = PT_NOTE,
                             .p_offset = writer->note_offset,
                             .p_filesz = (uint32_t)writer->note.count,
                             .p_flags = PF_R,
                             .p_align = 4};
    sink_put(writer->file, offset + image->segment_count * sizeof(note), &note, sizeof(note));
    return offset;
}

/* Section names, then section headers. Returns the headers' offset. */
static uint32_t put_sections(struct writer *writer)
{
    struct bytes names = {0};
    bytes_append(&names, "", 1);
    for (unsigned i = 1; i <= writer->count; i++) {
        const char *name = i < writer->count ? writer->outputs[i].name : ".shstrtab";
        writer->outputs[i].header.sh_name = (uint32_t)names.count;
        bytes_append(&names, name, strlen(name) + 1);
    }
    append_table(
        writer, ".shstrtab", SHT_STRTAB, names.at, names.count,
        (Elf32_Shdr){.sh_addralign = 1, .sh_name = writer->outputs[writer->count].header.sh_name});
    free(names.at);
    uint32_t offset = (uint32_t)sink_align(writer->file, 4);
    for (unsigned i = 0; i < writer->count; i++)
        sink_put(writer->file, offset + i * sizeof(Elf32_Shdr), &writer->outputs[i].header,
                 sizeof(Elf32_Shdr));
    return offset;
}

static void put_header(struct writer *writer, uint32_t segments, uint32_t sections)
{
    const struct program *program = writer->program;
    Elf32_Ehdr header = program->image.header;
    header.e_entry = address_map_entry(program, header.e_entry);
    header.e_phoff = segments;
    header.e_phnum = (uint16_t)(program->image.segment_count + 1);
    header.e_shoff = sections;
    header.e_shnum = (uint16_t)writer->count;
    header.e_shstrndx = (uint16_t)(writer->count - 1);
    sink_put(writer->file, 0, &header, sizeof(header));
}

/* map, note, addrmap, windows, symtab, strtab, shstrtab, and the null section */
#define ADDED_SECTIONS 8

bool program_write(struct program *program)
{
    struct writer writer = {.program = program, .file = &program->sink, .count = 1};
    writer.outputs =
        xcalloc(program->image.section_count + ADDED_SECTIONS, sizeof(*writer.outputs));
    writer.index_of = xcalloc(program->image.section_count, sizeof(*writer.index_of));
    uint64_t headers = sizeof(Elf32_Ehdr) + (program->image.segment_count + 1) * sizeof(Elf32_Phdr);
    if (writer.file->end < headers)
        writer.file->end = headers;
    bool ok = add_loaded(&writer);
    if (ok) {
        collect_windows(program, &writer.windows);
        join_windows(&writer.windows);
        add_map(&writer);
        add_note(&writer);
        add_addrmap(&writer);
        add_windows(&writer);
        rewrite_debug(&writer);
        add_symbols(&writer);
        uint32_t segments = put_segments(&writer);
        put_header(&writer, segments, put_sections(&writer));
    }
    free(writer.outputs);
    free(writer.index_of);
    free(writer.symbols.at);
    free(writer.names.at);
    free(writer.note.at);
    free(writer.windows.at);
    return ok;
}
