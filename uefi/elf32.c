#include "elf32.h"

#include "image.h"

#include <elf.h>

bool elf32_has_magic(struct bytes file)
{
    return file.size >= SELFMAG && memcmp(file.data, ELFMAG, SELFMAG) == 0;
}

bool elf32_check(struct bytes file, struct error *error)
{
    Elf32_Ehdr header;

    if (!bytes_read(file, 0, &header, sizeof(header)))
        return refuse(error, "the ELF header is cut off: truncated file?");
    if (header.e_ident[EI_CLASS] != ELFCLASS32 || header.e_ident[EI_DATA] != ELFDATA2LSB ||
        header.e_machine != EM_386)
        return refuse(error, "not a 32-bit x86 ELF file: build the kernel with -m32");
    if (header.e_type != ET_EXEC)
        return refuse(error, "ELF type %u is not an executable: link it statically", header.e_type);
    if (header.e_phnum == 0)
        return refuse(error, "no program headers");
    if (header.e_phentsize != sizeof(Elf32_Phdr))
        return refuse(error, "program headers of %u bytes: malformed", header.e_phentsize);
    if (!bytes_contain(file, header.e_phoff, (uint64_t)header.e_phnum * sizeof(Elf32_Phdr)))
        return refuse(error, "the program header table is cut off: truncated file?");
    return true;
}

/* The caller passed elf32_check(), so that neither read can fail. */
static Elf32_Ehdr read_header(struct bytes file)
{
    Elf32_Ehdr header;
    memcpy(&header, file.data, sizeof(header));
    return header;
}

static Elf32_Phdr read_program_header(struct bytes file, const Elf32_Ehdr *header, unsigned index)
{
    Elf32_Phdr segment;
    memcpy(&segment, file.data + header->e_phoff + index * sizeof(segment), sizeof(segment));
    return segment;
}

bool elf32_read_segments(struct bytes file, struct image *image, struct error *error)
{
    Elf32_Ehdr header = read_header(file);

    image->entry = header.e_entry;
    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf32_Phdr program = read_program_header(file, &header, i);
        struct segment segment = {program.p_offset, program.p_filesz, program.p_paddr,
                                  program.p_memsz};
        bool empty = program.p_memsz == 0 && program.p_filesz == 0;
        if (program.p_type == PT_LOAD && !empty && !image_add(image, file, segment, error))
            return false;
    }
    return true;
}

static bool is_kmv_note(struct bytes notes, uint64_t name, const Elf32_Nhdr *header)
{
    char text[sizeof(KMV_NOTE_NAME)];
    return header->n_type == KMV_NOTE_TYPE && header->n_namesz == sizeof(text) &&
           bytes_read(notes, name, text, sizeof(text)) &&
           memcmp(text, KMV_NOTE_NAME, sizeof(text)) == 0;
}

static bool read_descriptor(struct bytes notes, uint64_t offset, uint32_t size, struct image *image,
                            struct error *error)
{
    if (size != sizeof(image->note) ||
        !bytes_read(notes, offset, &image->note, sizeof(image->note)))
        return refuse(error, ".note.kmv is malformed: translate the kernel again");
    if (image->note.version != KMV_NOTE_VERSION)
        return refuse(error, ".note.kmv has version %u, wanted is %u: translate the kernel again",
                      image->note.version, KMV_NOTE_VERSION);
    image->translated = true;
    return true;
}

/* Notes follow each other, name and descriptor each padded to 4 bytes. Foreign malformed notes are
 * left alone. */
static bool search_notes(struct bytes notes, struct image *image, struct error *error)
{
    Elf32_Nhdr header;
    uint64_t offset = 0;

    while (!image->translated && bytes_read(notes, offset, &header, sizeof(header))) {
        uint64_t name = offset + sizeof(header);
        uint64_t descriptor = name + (((uint64_t)header.n_namesz + 3) & ~3ull);
        if (is_kmv_note(notes, name, &header) &&
            !read_descriptor(notes, descriptor, header.n_descsz, image, error))
            return false;
        offset = descriptor + (((uint64_t)header.n_descsz + 3) & ~3ull);
    }
    return true;
}

bool elf32_read_note(struct bytes file, struct image *image, struct error *error)
{
    Elf32_Ehdr header = read_header(file);

    for (unsigned i = 0; i < header.e_phnum; i++) {
        Elf32_Phdr program = read_program_header(file, &header, i);
        if (program.p_type != PT_NOTE)
            continue;
        if (!bytes_contain(file, program.p_offset, program.p_filesz))
            return refuse(error, "the notes reach past the end of the file: truncated?");
        struct bytes notes = {file.data + program.p_offset, program.p_filesz};
        if (!search_notes(notes, image, error))
            return false;
    }
    return true;
}
