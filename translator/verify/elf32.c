#include "elf32.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Look-ups walk the sections: a hostile file must not make them long. */
#define MAX_SECTIONS 4096u

/* Room for one section's bytes, or an offset past the end of the file. */
static bool in_image(const struct elf_file *file, uint32_t offset, uint64_t size)
{
    return (uint64_t)offset + size <= file->image_size;
}

static const char *read_image(struct elf_file *file)
{
    FILE *stream = fopen(file->path, "rb");
    long size;

    if (!stream) {
        return "cannot be opened";
    }
    if (fseek(stream, 0, SEEK_END) != 0 || (size = ftell(stream)) < 0 ||
        fseek(stream, 0, SEEK_SET) != 0) {
        fclose(stream);
        return "cannot be read";
    }
    file->image = malloc((size_t)size + 1);
    file->image_size = file->image ? fread(file->image, 1, (size_t)size, stream) : 0;
    fclose(stream);
    if (!file->image) {
        return "out of memory";
    }
    return file->image_size == (size_t)size ? NULL : "cannot be read";
}

static const char *read_header(struct elf_file *file)
{
    static const uint8_t expected[] = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB, EV_CURRENT};

    if (file->image_size < sizeof(file->header)) {
        return "too short for an ELF file";
    }
    memcpy(&file->header, file->image, sizeof(file->header));
    if (memcmp(file->header.e_ident, expected, sizeof(expected)) != 0) {
        return "not a 32-bit little-endian ELF file";
    }
    if (file->header.e_machine != EM_386 || file->header.e_type != ET_EXEC) {
        return "not an executable for i386";
    }
    return NULL;
}

/* A string of a string table, or NULL when it leaves the table or the table is not terminated. */
static const char *string_at(const struct elf_file *file, const Elf32_Shdr *table, uint32_t offset)
{
    const char *start = (const char *)file->image + table->sh_offset;

    if (table->sh_type != SHT_STRTAB || offset >= table->sh_size ||
        !in_image(file, table->sh_offset, table->sh_size) || start[table->sh_size - 1] != 0) {
        return NULL;
    }
    return start + offset;
}

static const char *read_one_section(struct elf_file *file, uint32_t index)
{
    struct elf_section *section = &file->sections[index];
    const Elf32_Shdr *header = &section->header;

    if (header->sh_type != SHT_NOBITS && header->sh_type != SHT_NULL) {
        /* An empty section may lie anywhere: linkers put it where the next page of the file would
         * begin. */
        uint32_t offset = header->sh_size > 0 ? header->sh_offset : 0;
        if (!in_image(file, offset, header->sh_size)) {
            return "a section leaves the file";
        }
        section->bytes = file->image + offset;
    }
    if ((uint64_t)header->sh_addr + header->sh_size > UINT32_MAX) {
        return "a section leaves the address space";
    }
    section->name =
        string_at(file, &file->sections[file->header.e_shstrndx].header, header->sh_name);
    return section->name ? NULL : "a section has no valid name";
}

static const char *read_sections(struct elf_file *file)
{
    uint32_t count = file->header.e_shnum;
    const char *error = NULL;

    if (count > MAX_SECTIONS) {
        return "more sections than any linker makes";
    }
    if (count == 0 || file->header.e_shentsize != sizeof(Elf32_Shdr) ||
        file->header.e_shstrndx >= count ||
        !in_image(file, file->header.e_shoff, (uint64_t)count * sizeof(Elf32_Shdr))) {
        return "no valid section headers";
    }
    file->sections = calloc(count, sizeof(*file->sections));
    if (!file->sections) {
        return "out of memory";
    }
    file->section_count = count;
    for (uint32_t i = 0; i < count; i++) {
        memcpy(&file->sections[i].header,
               file->image + file->header.e_shoff + i * sizeof(Elf32_Shdr), sizeof(Elf32_Shdr));
    }
    for (uint32_t i = 0; i < count && !error; i++) {
        error = read_one_section(file, i);
    }
    return error;
}

static const char *read_segments(struct elf_file *file)
{
    uint32_t count = file->header.e_phnum;

    if (count == 0) {
        return "no program headers";
    }
    if (file->header.e_phentsize != sizeof(Elf32_Phdr) ||
        !in_image(file, file->header.e_phoff, (uint64_t)count * sizeof(Elf32_Phdr))) {
        return "no valid program headers";
    }
    file->segments = calloc(count, sizeof(*file->segments));
    if (!file->segments) {
        return "out of memory";
    }
    memcpy(file->segments, file->image + file->header.e_phoff, count * sizeof(Elf32_Phdr));
    file->segment_count = count;
    return NULL;
}

static const char *read_symbols(struct elf_file *file)
{
    const struct elf_section *table = NULL;
    const Elf32_Shdr *strings;

    for (uint32_t i = 0; i < file->section_count && !table; i++) {
        if (file->sections[i].header.sh_type == SHT_SYMTAB) {
            table = &file->sections[i];
        }
    }
    if (!table || table->header.sh_link >= file->section_count) {
        return "no symbol table";
    }
    strings = &file->sections[table->header.sh_link].header;
    file->symbol_count = table->header.sh_size / sizeof(Elf32_Sym);
    file->symbols = calloc(file->symbol_count + 1, sizeof(*file->symbols));
    if (!file->symbols) {
        return "out of memory";
    }
    for (uint32_t i = 0; i < file->symbol_count; i++) {
        struct elf_symbol *symbol = &file->symbols[i];

        memcpy(&symbol->raw, table->bytes + i * sizeof(Elf32_Sym), sizeof(Elf32_Sym));
        symbol->name = string_at(file, strings, symbol->raw.st_name);
        if (!symbol->name) {
            return "a symbol has no valid name";
        }
        if (symbol->raw.st_shndx < SHN_LORESERVE && symbol->raw.st_shndx >= file->section_count) {
            return "a symbol lies in no section";
        }
    }
    return NULL;
}

/* Does this section hold relocations of a loaded section? */
static bool relocates_loaded(const struct elf_file *file, const Elf32_Shdr *header)
{
    return (header->sh_type == SHT_REL || header->sh_type == SHT_RELA) &&
           header->sh_info < file->section_count &&
           section_is_loaded(&file->sections[header->sh_info]);
}

static const char *read_reloc_section(struct elf_file *file, const struct elf_section *section)
{
    if (section->header.sh_type == SHT_RELA) {
        return "has RELA relocations, which i386 does not use";
    }
    for (uint32_t i = 0; i < section->header.sh_size / sizeof(Elf32_Rel); i++) {
        struct elf_reloc *reloc = &file->relocs[file->reloc_count];
        Elf32_Rel raw;

        memcpy(&raw, section->bytes + i * sizeof(raw), sizeof(raw));
        if (ELF32_R_SYM(raw.r_info) >= file->symbol_count) {
            return "a relocation names no symbol";
        }
        if (ELF32_R_TYPE(raw.r_info) == R_386_NONE) {
            continue;
        }
        reloc->address = raw.r_offset;
        reloc->symbol = ELF32_R_SYM(raw.r_info);
        reloc->type = (uint8_t)ELF32_R_TYPE(raw.r_info);
        file->reloc_count++;
    }
    return NULL;
}

static int by_address(const void *left, const void *right)
{
    const struct elf_reloc *a = left;
    const struct elf_reloc *b = right;

    return (a->address > b->address) - (a->address < b->address);
}

static const char *read_relocs(struct elf_file *file)
{
    uint64_t bytes = 0;
    const char *error = NULL;

    for (uint32_t i = 0; i < file->section_count; i++) {
        if (relocates_loaded(file, &file->sections[i].header)) {
            bytes += file->sections[i].header.sh_size;
        }
    }
    /* Sections that overlap in the file could otherwise multiply it. */
    if (bytes > file->image_size) {
        return "more relocations than the file holds";
    }
    file->relocs = calloc(bytes / sizeof(Elf32_Rel) + 1, sizeof(*file->relocs));
    if (!file->relocs) {
        return "out of memory";
    }
    for (uint32_t i = 0; i < file->section_count && !error; i++) {
        if (relocates_loaded(file, &file->sections[i].header)) {
            error = read_reloc_section(file, &file->sections[i]);
        }
    }
    qsort(file->relocs, file->reloc_count, sizeof(*file->relocs), by_address);
    return error;
}

const char *elf_load(struct elf_file *file, const char *path)
{
    static const char *(*const steps[])(struct elf_file *) = {
        read_image, read_header, read_sections, read_segments, read_symbols, read_relocs,
    };
    const char *error = NULL;

    memset(file, 0, sizeof(*file));
    file->path = path;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !error; i++) {
        error = steps[i](file);
    }
    if (error) {
        elf_free(file);
    }
    return error;
}

void elf_free(struct elf_file *file)
{
    free(file->image);
    free(file->sections);
    free(file->segments);
    free(file->symbols);
    free(file->relocs);
    memset(file, 0, sizeof(*file));
}

bool section_is_loaded(const struct elf_section *section)
{
    return (section->header.sh_flags & SHF_ALLOC) != 0;
}

bool section_is_code(const struct elf_section *section)
{
    return section_is_loaded(section) && (section->header.sh_flags & SHF_EXECINSTR) != 0 &&
           section->header.sh_type == SHT_PROGBITS;
}

const struct elf_section *elf_section_at(const struct elf_file *file, uint32_t address)
{
    for (uint32_t i = 0; i < file->section_count; i++) {
        const struct elf_section *section = &file->sections[i];

        if (section_is_loaded(section) && address >= section->header.sh_addr &&
            address - section->header.sh_addr < section->header.sh_size) {
            return section;
        }
    }
    return NULL;
}

const struct elf_section *elf_section_named(const struct elf_file *file, const char *name,
                                            uint32_t nth)
{
    for (uint32_t i = 0; i < file->section_count; i++) {
        if (strcmp(file->sections[i].name, name) == 0 && nth-- == 0) {
            return &file->sections[i];
        }
    }
    return NULL;
}

const uint8_t *elf_bytes_at(const struct elf_file *file, uint32_t address, uint32_t length)
{
    const struct elf_section *section = elf_section_at(file, address);

    if (!section || !section->bytes ||
        section->header.sh_size - (address - section->header.sh_addr) < length) {
        return NULL;
    }
    return section->bytes + (address - section->header.sh_addr);
}

uint32_t elf_first_reloc(const struct elf_file *file, uint32_t address)
{
    uint32_t low = 0;
    uint32_t high = file->reloc_count;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (file->relocs[middle].address < address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}
