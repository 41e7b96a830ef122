/*
 * An ELF32 little-endian x86 executable, read into tables whose every offset, index and string has
 * been checked: the rest of the program uses them without further tests. Written for hostile input:
 * nothing in the file is trusted.
 */
#ifndef KMV_VERIFY_ELF32_H
#define KMV_VERIFY_ELF32_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct elf_section {
    Elf32_Shdr header;
    const char *name;
    const uint8_t *bytes; /* sh_size bytes of the file; NULL for SHT_NOBITS */
};

struct elf_symbol {
    Elf32_Sym raw;
    const char *name;
};

struct elf_reloc {
    uint32_t address; /* where the relocated field is, in the program's address space */
    uint32_t symbol;  /* index into symbols */
    uint8_t type;     /* R_386_* */
};

struct elf_file {
    const char *path;
    uint8_t *image;
    size_t image_size;
    Elf32_Ehdr header;
    struct elf_section *sections;
    uint32_t section_count;
    Elf32_Phdr *segments;
    uint32_t segment_count;
    struct elf_symbol *symbols;
    uint32_t symbol_count;
    struct elf_reloc *relocs; /* of loaded sections only, by ascending address */
    uint32_t reloc_count;
};

/* Reads the file. Returns NULL, or a static text saying what is wrong; then *file holds nothing to
 * free. */
const char *elf_load(struct elf_file *file, const char *path);
void elf_free(struct elf_file *file);

bool section_is_loaded(const struct elf_section *section);
bool section_is_code(const struct elf_section *section);

/* The loaded section that holds the address, or NULL. */
const struct elf_section *elf_section_at(const struct elf_file *file, uint32_t address);

/* The nth (from 0) section of that name, or NULL. */
const struct elf_section *elf_section_named(const struct elf_file *file, const char *name,
                                            uint32_t nth);

/* Pointer to `length` bytes of the file loaded at `address` inside one section, or NULL. */
const uint8_t *elf_bytes_at(const struct elf_file *file, uint32_t address, uint32_t length);

/* First relocation at or after the address; index reloc_count if none. */
uint32_t elf_first_reloc(const struct elf_file *file, uint32_t address);

#endif
