#include "image.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "vec.h"

VEC(reloc_vec, struct reloc);

static bool inside(size_t size, uint64_t offset, uint64_t length)
{
    return offset <= size && length <= size - offset;
}

/* Files give tables at any offset: copy instead of pointing at what may be misaligned. */
static bool read_table(const struct image *image, uint64_t offset, uint64_t count,
                       size_t entry_size, void **table)
{
    if (!inside(image->size, offset, count * entry_size))
        return false;
    *table = xmalloc(count * entry_size);
    memcpy(*table, image->file + offset, count * entry_size);
    return true;
}

static bool read_header(struct image *image, struct diag *diag)
{
    if (image->size < sizeof(Elf32_Ehdr) || memcmp(image->file, ELFMAG, SELFMAG) != 0)
        return diag_fail(diag, "not an ELF file: give a linked executable");
    memcpy(&image->header, image->file, sizeof(image->header));
    const Elf32_Ehdr *header = &image->header;
    if (header->e_ident[EI_CLASS] != ELFCLASS32 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_386)
        return diag_fail(diag, "not an ELF32 i386 file: build with gcc -m32");
    if (header->e_type != ET_EXEC)
        return diag_fail(diag, "not a static executable: link with -static -no-pie");
    if (header->e_shnum == 0 || header->e_shentsize != sizeof(Elf32_Shdr))
        return diag_fail(diag, "no usable section table: do not strip the input");
    if (header->e_phnum == 0 || header->e_phentsize != sizeof(Elf32_Phdr))
        return diag_fail(diag, "no usable program headers: link it first");
    return true;
}

static bool read_segments(struct image *image, struct diag *diag)
{
    void *table;
    image->segment_count = image->header.e_phnum;
    if (!read_table(image, image->header.e_phoff, image->segment_count, sizeof(Elf32_Phdr), &table))
        return diag_fail(diag, "program headers lie outside the file: it is truncated");
    image->segments = table;
    for (unsigned i = 0; i < image->segment_count; i++) {
        const Elf32_Phdr *segment = &image->segments[i];
        if (segment->p_type == PT_DYNAMIC || segment->p_type == PT_INTERP)
            return diag_fail(diag, "dynamically linked: link with -static -no-pie");
        if (!inside(image->size, segment->p_offset, segment->p_filesz))
            return diag_fail(diag, "segment %u lies outside the file: it is truncated", i);
        if (segment->p_type == PT_LOAD &&
            (segment->p_filesz > segment->p_memsz ||
             (uint64_t)segment->p_vaddr + segment->p_memsz > UINT32_MAX))
            return diag_fail(diag, "segment %u has impossible sizes: the file is damaged", i);
    }
    return true;
}

static bool is_code16(const char *name)
{
    return strncmp(name, ".code16", 7) == 0 || strncmp(name, ".boot16", 7) == 0;
}

static bool check_section(struct image *image, struct section *section, unsigned index,
                          struct diag *diag)
{
    const Elf32_Shdr *header = &section->header;
    if (header->sh_type != SHT_NOBITS) {
        if (!inside(image->size, header->sh_offset, header->sh_size))
            return diag_fail(diag, "section %u lies outside the file: it is truncated", index);
        section->data = image->file + header->sh_offset;
    }
    section->loaded = (header->sh_flags & SHF_ALLOC) != 0;
    if (!section->loaded)
        return true;
    if ((uint64_t)header->sh_addr + header->sh_size > UINT32_MAX)
        return diag_fail(diag, "section %u wraps around the address space: the file is damaged",
                         index);
    if ((header->sh_addralign & (header->sh_addralign - 1)) != 0 ||
        header->sh_addralign > (1u << 22))
        return diag_fail(
            diag, "section %u has an alignment of %" PRIu32 ": at most 4 MiB, a power of two",
            index, header->sh_addralign);
    return true;
}

static bool name_sections(struct image *image, struct diag *diag)
{
    unsigned index = image->header.e_shstrndx;
    if (index >= image->section_count || image->sections[index].header.sh_type != SHT_STRTAB)
        return diag_fail(diag, "no section names: the file is damaged");
    const struct section *names = &image->sections[index];
    uint32_t size = names->header.sh_size;
    if (size == 0 || names->data[size - 1] != '\0')
        return diag_fail(diag, "section names do not end: the file is damaged");
    for (unsigned i = 0; i < image->section_count; i++) {
        struct section *section = &image->sections[i];
        if (section->header.sh_name >= size)
            return diag_fail(diag, "section %u has no name: the file is damaged", i);
        section->name = (const char *)names->data + section->header.sh_name;
        bool executable = section->loaded && (section->header.sh_flags & SHF_EXECINSTR) != 0 &&
                          section->header.sh_type == SHT_PROGBITS;
        section->code16 = executable && is_code16(section->name);
        section->code = executable && !section->code16 && section->header.sh_size > 0;
    }
    return true;
}

/* The zeroed part of a thread's storage has addresses that other sections have as well. */
static bool takes_addresses(const struct section *section)
{
    bool tbss = (section->header.sh_flags & SHF_TLS) != 0 && section->header.sh_type == SHT_NOBITS;
    return section->loaded && !tbss && section->header.sh_size != 0;
}

static bool check_overlaps(const struct image *image, struct diag *diag)
{
    for (unsigned i = 0; i < image->section_count; i++) {
        const struct section *a = &image->sections[i];
        if (!takes_addresses(a))
            continue;
        for (unsigned j = i + 1; j < image->section_count; j++) {
            const struct section *b = &image->sections[j];
            if (takes_addresses(b) && a->header.sh_addr < b->header.sh_addr + b->header.sh_size &&
                b->header.sh_addr < a->header.sh_addr + a->header.sh_size)
                return diag_fail(diag, "sections %s and %s overlap: link them apart", a->name,
                                 b->name);
        }
    }
    return true;
}

/* Far more than a linker makes; bounds the quadratic overlap check on hostile input. */
#define MAX_SECTIONS 4096

static bool read_sections(struct image *image, struct diag *diag)
{
    void *table;
    unsigned count = image->header.e_shnum;
    if (count > MAX_SECTIONS)
        return diag_fail(diag, "%u sections: at most %d are supported", count, MAX_SECTIONS);
    if (!read_table(image, image->header.e_shoff, count, sizeof(Elf32_Shdr), &table))
        return diag_fail(diag, "section headers lie outside the file: it is truncated");
    image->sections = xcalloc(count, sizeof(*image->sections));
    image->section_count = count;
    for (unsigned i = 0; i < count; i++)
        image->sections[i].header = ((Elf32_Shdr *)table)[i];
    free(table);
    for (unsigned i = 0; i < count; i++)
        if (!check_section(image, &image->sections[i], i, diag))
            return false;
    return name_sections(image, diag) && check_overlaps(image, diag);
}

static const struct section *find_section_type(const struct image *image, uint32_t type)
{
    for (unsigned i = 0; i < image->section_count; i++)
        if (image->sections[i].header.sh_type == type)
            return &image->sections[i];
    return NULL;
}

struct sort_key {
    uint32_t value;
    uint32_t index;
};

static int compare_keys(const void *left, const void *right)
{
    const struct sort_key *a = left, *b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return a->index < b->index ? -1 : a->index > b->index;
}

static void sort_symbols(struct image *image)
{
    struct sort_key *keys = xcalloc(image->symbol_count, sizeof(*keys));
    unsigned count = 0;
    for (unsigned i = 0; i < image->symbol_count; i++) {
        const Elf32_Sym *symbol = &image->symbols[i];
        if (symbol->st_name != 0 && symbol->st_shndx != SHN_UNDEF &&
            symbol->st_shndx < SHN_LORESERVE && image->sections[symbol->st_shndx].loaded &&
            ELF32_ST_TYPE(symbol->st_info) != STT_TLS)
            keys[count++] = (struct sort_key){symbol->st_value, i};
    }
    vec_sort(keys, count, sizeof(*keys), compare_keys);
    image->by_addr = xcalloc(count, sizeof(*image->by_addr));
    image->by_addr_count = count;
    for (unsigned i = 0; i < count; i++)
        image->by_addr[i] = keys[i].index;
    free(keys);
}

static bool read_symbols(struct image *image, struct diag *diag)
{
    void *table;
    const struct section *section = find_section_type(image, SHT_SYMTAB);
    if (section == NULL || section->header.sh_link >= image->section_count)
        return diag_fail(diag, "no symbol table: do not strip the input");
    const struct section *names = &image->sections[section->header.sh_link];
    uint32_t size = names->header.sh_size;
    if (names->header.sh_type != SHT_STRTAB || size == 0 || names->data[size - 1] != '\0')
        return diag_fail(diag, "symbol names do not end: the file is damaged");
    image->symbol_names = (const char *)names->data;
    image->symbol_count = section->header.sh_size / sizeof(Elf32_Sym);
    if (!read_table(image, section->header.sh_offset, image->symbol_count, sizeof(Elf32_Sym),
                    &table))
        return diag_fail(diag, "the symbol table lies outside the file: it is truncated");
    image->symbols = table;
    for (unsigned i = 0; i < image->symbol_count; i++) {
        const Elf32_Sym *symbol = &image->symbols[i];
        if (symbol->st_name >= size)
            return diag_fail(diag, "symbol %u has no name: the file is damaged", i);
        if (symbol->st_shndx >= image->section_count && symbol->st_shndx < SHN_LORESERVE)
            return diag_fail(diag, "symbol %u is in no section: the file is damaged", i);
    }
    sort_symbols(image);
    return true;
}

unsigned reloc_field_size(unsigned type)
{
    switch (type) {
    case R_386_16:
    case R_386_PC16:
        return 2;
    case R_386_8:
    case R_386_PC8:
        return 1;
    case R_386_32:
    case R_386_PC32:
    case R_386_PLT32:
        return 4;
    default:
        return 0;
    }
}

static bool read_reloc(const struct image *image, const Elf32_Rel *entry, unsigned index,
                       struct reloc_vec *relocs, struct diag *diag)
{
    const Elf32_Shdr *target = &image->sections[index].header;
    struct reloc reloc = {entry->r_offset, ELF32_R_SYM(entry->r_info), (uint16_t)index,
                          ELF32_R_TYPE(entry->r_info)};
    if (reloc.type == R_386_NONE)
        return true;
    unsigned size = reloc_field_size(reloc.type);
    if (size == 0)
        return diag_fail(
            diag, "relocation type %u at 0x%08" PRIx32 " is not supported: build without -fPIC",
            reloc.type, reloc.addr);
    if (reloc.symbol >= image->symbol_count)
        return diag_fail(diag, "relocation at 0x%08" PRIx32 " names no symbol: the file is damaged",
                         reloc.addr);
    if (reloc.addr < target->sh_addr || reloc.addr - target->sh_addr > target->sh_size ||
        target->sh_size - (reloc.addr - target->sh_addr) < size)
        return diag_fail(
            diag, "relocation at 0x%08" PRIx32 " lies outside its section: the file is damaged",
            reloc.addr);
    vec_push(relocs, reloc);
    return true;
}

static bool read_reloc_section(const struct image *image, const struct section *section,
                               struct reloc_vec *relocs, struct diag *diag)
{
    uint32_t index = section->header.sh_info;
    if (index == 0 || index >= image->section_count)
        return diag_fail(diag, "relocation section %s has no target: the file is damaged",
                         section->name);
    if (!image->sections[index].loaded || image->sections[index].header.sh_type == SHT_NOBITS)
        return true;
    uint32_t count = section->header.sh_size / sizeof(Elf32_Rel);
    for (uint32_t i = 0; i < count; i++) {
        Elf32_Rel entry;
        memcpy(&entry, section->data + i * sizeof(entry), sizeof(entry));
        if (!read_reloc(image, &entry, index, relocs, diag))
            return false;
    }
    return true;
}

static int compare_relocs(const void *left, const void *right)
{
    const struct reloc *a = left, *b = right;
    return a->addr < b->addr ? -1 : a->addr > b->addr;
}

static bool read_relocs(struct image *image, struct diag *diag)
{
    struct reloc_vec relocs = {0};
    bool ok = true;
    for (unsigned i = 0; ok && i < image->section_count; i++) {
        const struct section *section = &image->sections[i];
        if (section->header.sh_type == SHT_RELA)
            ok = diag_fail(diag, "section %s has RELA relocations: i386 uses REL", section->name);
        else if (section->header.sh_type == SHT_REL)
            ok = read_reloc_section(image, section, &relocs, diag);
    }
    image->relocs = relocs.at;
    image->reloc_count = relocs.count;
    if (ok && relocs.count == 0)
        return diag_fail(diag, "no relocations: link with --emit-relocs");
    vec_sort(relocs.at, relocs.count, sizeof(*relocs.at), compare_relocs);
    for (size_t i = 1; ok && i < relocs.count; i++)
        if (relocs.at[i].addr < relocs.at[i - 1].addr + reloc_field_size(relocs.at[i - 1].type))
            ok = diag_fail(diag, "two relocations at 0x%08" PRIx32 ": the file is damaged",
                           relocs.at[i].addr);
    return ok;
}

static bool refuse_translated(const struct image *image, struct diag *diag)
{
    for (unsigned i = 0; i < image->section_count; i++)
        if (strcmp(image->sections[i].name, ".note.kmv") == 0)
            return diag_fail(diag, "already translated: give the original");
    return true;
}

bool image_read(struct image *image, const uint8_t *file, size_t size, struct diag *diag)
{
    memset(image, 0, sizeof(*image));
    image->file = file;
    image->size = size;
    return read_header(image, diag) && read_segments(image, diag) && read_sections(image, diag) &&
           refuse_translated(image, diag) && read_symbols(image, diag) && read_relocs(image, diag);
}

void image_free(struct image *image)
{
    free(image->sections);
    free(image->segments);
    free(image->symbols);
    free(image->by_addr);
    free(image->relocs);
    memset(image, 0, sizeof(*image));
}

const char *image_symbol_name(const struct image *image, const Elf32_Sym *symbol)
{
    return image->symbol_names + symbol->st_name;
}

const Elf32_Sym *image_symbol_at(const struct image *image, uint32_t addr)
{
    unsigned low = 0, high = image->by_addr_count;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (image->symbols[image->by_addr[middle]].st_value <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NULL : &image->symbols[image->by_addr[low - 1]];
}

struct section *image_section_at(const struct image *image, uint32_t addr)
{
    for (unsigned i = 0; i < image->section_count; i++) {
        struct section *section = &image->sections[i];
        if (section->loaded && addr >= section->header.sh_addr &&
            addr - section->header.sh_addr < section->header.sh_size)
            return section;
    }
    return NULL;
}
