#include "elf64.h"

#include <elf.h>

#define PAGE 4096ull

static bool check_header(struct bytes file, Elf64_Ehdr *header, struct error *error)
{
    if (!bytes_read(file, 0, header, sizeof(*header)))
        return refuse(error, "the ELF header is cut off: truncated file?");
    if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
        return refuse(error, "not an ELF file");
    if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB ||
        header->e_machine != EM_X86_64)
        return refuse(error, "not a 64-bit x86 ELF file");
    if (header->e_type != ET_DYN)
        return refuse(error, "ELF type %u is not position-independent: link it as static-PIE",
                      header->e_type);
    if (header->e_phnum == 0 || header->e_phentsize != sizeof(Elf64_Phdr))
        return refuse(error, "no program headers of the right size: malformed");
    if (!bytes_contain(file, header->e_phoff, (uint64_t)header->e_phnum * sizeof(Elf64_Phdr)))
        return refuse(error, "the program header table is cut off: truncated file?");
    return true;
}

/* After check_header(), which makes sure that the table is there. */
static Elf64_Phdr read_program_header(struct bytes file, unsigned index)
{
    Elf64_Ehdr header;
    Elf64_Phdr program;
    memcpy(&header, file.data, sizeof(header));
    memcpy(&program, file.data + header.e_phoff + index * sizeof(program), sizeof(program));
    return program;
}

static bool check_segment(struct bytes file, const Elf64_Phdr *program, uint64_t previous_end,
                          struct error *error)
{
    unsigned long long address = program->p_vaddr;

    if (!bytes_contain(file, program->p_offset, program->p_filesz))
        return refuse(error, "the segment at 0x%llx reaches past the end of the file: truncated?",
                      address);
    if (program->p_filesz > program->p_memsz)
        return refuse(error, "the segment at 0x%llx has more bytes in the file than in memory",
                      address);
    if (program->p_vaddr > ELF64_IMAGE_MAX || program->p_memsz > ELF64_IMAGE_MAX - program->p_vaddr)
        return refuse(error, "the segment at 0x%llx reaches past 64 MiB: link it at 0", address);
    if (program->p_vaddr < previous_end)
        return refuse(error, "the segment at 0x%llx overlaps the one before", address);
    if (program->p_align > ELF64_ALIGN_MAX || (program->p_align & (program->p_align - 1)) != 0)
        return refuse(error, "the segment at 0x%llx has an alignment over 2 MiB or no power of two",
                      address);
    return true;
}

static bool contains_entry(const Elf64_Phdr *program, uint64_t entry)
{
    return (program->p_flags & PF_X) && entry >= program->p_vaddr &&
           entry - program->p_vaddr < program->p_filesz;
}

bool elf64_read(struct bytes file, struct elf64_image *image, struct error *error)
{
    Elf64_Ehdr header;
    uint64_t end = 0;
    bool entry_found = false;

    if (!check_header(file, &header, error))
        return false;
    *image = (struct elf64_image){.align = PAGE, .entry = header.e_entry};
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr program = read_program_header(file, i);
        if (program.p_type == PT_INTERP)
            return refuse(error, "it needs a dynamic linker: link it as static-PIE");
        if (program.p_type != PT_LOAD)
            continue;
        if (!check_segment(file, &program, end, error))
            return false;
        end = program.p_vaddr + program.p_memsz;
        entry_found = entry_found || contains_entry(&program, header.e_entry);
        if (program.p_align > image->align)
            image->align = program.p_align;
    }
    if (!entry_found)
        return refuse(error, "the entry point 0x%llx lies in no executable segment",
                      (unsigned long long)header.e_entry);
    image->size = (end + PAGE - 1) & ~(PAGE - 1);
    return true;
}

/* What the dynamic section says of relocations. */
struct relocations {
    uint64_t table, size, entry_size;
};

static bool read_dynamic_entry(const Elf64_Dyn *entry, struct relocations *relocations,
                               struct error *error)
{
    switch (entry->d_tag) {
    case DT_RELA:
        relocations->table = entry->d_un.d_ptr;
        return true;
    case DT_RELASZ:
        relocations->size = entry->d_un.d_val;
        return true;
    case DT_RELAENT:
        relocations->entry_size = entry->d_un.d_val;
        return true;
    case DT_NEEDED:
    case DT_JMPREL:
    case DT_REL:
    case DT_RELR:
    case DT_TEXTREL:
        return refuse(error, "dynamic entry %llu is not supported: link it as static-PIE",
                      (unsigned long long)entry->d_tag);
    default:
        return true;
    }
}

/* Read from the loaded image, where PT_DYNAMIC's and DT_RELA's addresses are offsets. */
static bool read_dynamic(struct bytes file, struct bytes loaded, struct relocations *relocations,
                         struct error *error)
{
    Elf64_Ehdr header;
    memcpy(&header, file.data, sizeof(header));
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr program = read_program_header(file, i);
        if (program.p_type != PT_DYNAMIC)
            continue;
        if (!bytes_contain(loaded, program.p_vaddr, program.p_memsz))
            return refuse(error, "the dynamic section lies outside the image");
        for (uint64_t at = 0; at + sizeof(Elf64_Dyn) <= program.p_memsz; at += sizeof(Elf64_Dyn)) {
            Elf64_Dyn entry;
            memcpy(&entry, loaded.data + program.p_vaddr + at, sizeof(entry));
            if (entry.d_tag == DT_NULL)
                break;
            if (!read_dynamic_entry(&entry, relocations, error))
                return false;
        }
    }
    return true;
}

static bool relocate(const Elf64_Rela *rela, const struct elf64_image *image, uint8_t *out,
                     uint64_t base, struct error *error)
{
    struct bytes loaded = {out, image->size};
    uint64_t value = base + (uint64_t)rela->r_addend;

    if (ELF64_R_TYPE(rela->r_info) == R_X86_64_NONE)
        return true;
    if (ELF64_R_TYPE(rela->r_info) != R_X86_64_RELATIVE)
        return refuse(
            error, "relocation type %u at 0x%llx is not R_X86_64_RELATIVE: link it as static-PIE",
            (unsigned)ELF64_R_TYPE(rela->r_info), (unsigned long long)rela->r_offset);
    if (!bytes_contain(loaded, rela->r_offset, sizeof(value)))
        return refuse(error, "the relocation at 0x%llx lies outside the image",
                      (unsigned long long)rela->r_offset);
    memcpy(out + rela->r_offset, &value, sizeof(value));
    return true;
}

static bool apply_relocations(const struct relocations *relocations,
                              const struct elf64_image *image, uint8_t *out, uint64_t base,
                              struct error *error)
{
    struct bytes loaded = {out, image->size};

    if (relocations->size == 0)
        return true;
    if (relocations->entry_size != sizeof(Elf64_Rela) ||
        relocations->size % sizeof(Elf64_Rela) != 0 ||
        !bytes_contain(loaded, relocations->table, relocations->size))
        return refuse(error, "the relocation table is malformed");
    for (uint64_t at = 0; at < relocations->size; at += sizeof(Elf64_Rela)) {
        Elf64_Rela rela;
        memcpy(&rela, out + relocations->table + at, sizeof(rela));
        if (!relocate(&rela, image, out, base, error))
            return false;
    }
    return true;
}

bool elf64_load(struct bytes file, const struct elf64_image *image, uint8_t *out, uint64_t base,
                struct error *error)
{
    struct relocations relocations = {0, 0, sizeof(Elf64_Rela)};
    struct bytes loaded = {out, image->size};
    Elf64_Ehdr header;

    memset(out, 0, image->size);
    memcpy(&header, file.data, sizeof(header));
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf64_Phdr program = read_program_header(file, i);
        if (program.p_type == PT_LOAD)
            memcpy(out + program.p_vaddr, file.data + program.p_offset, program.p_filesz);
    }
    return read_dynamic(file, loaded, &relocations, error) &&
           apply_relocations(&relocations, image, out, base, error);
}
