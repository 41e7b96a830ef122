/*
 * An input ELF32 executable, checked: every offset and index in these structures lies inside the
 * file or the table that it points into.
 */
#ifndef TRANSLATOR_IMAGE_H
#define TRANSLATOR_IMAGE_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "diag.h"

struct section {
    const char *name;
    Elf32_Shdr header;
    const uint8_t *data; /* header.sh_size bytes; NULL for SHT_NOBITS */
    bool loaded;         /* SHF_ALLOC */
    bool code;           /* 32-bit code: to be translated */
    bool code16;         /* 16-bit code: left alone */
    uint32_t new_addr;   /* set by the layout */
    uint32_t new_size;
    uint32_t tail; /* bytes of the map of windows behind it, alignment included */
};

struct reloc {
    uint32_t addr;    /* address of the field */
    uint32_t symbol;  /* index into the symbol table */
    uint16_t section; /* section of the field */
    uint8_t type;     /* R_386_* */
};

struct image {
    const uint8_t *file;
    size_t size;
    Elf32_Ehdr header;
    struct section *sections;
    unsigned section_count;
    Elf32_Phdr *segments;
    unsigned segment_count;
    Elf32_Sym *symbols;
    unsigned symbol_count;
    const char *symbol_names; /* ends with a NUL */
    uint32_t *by_addr;        /* indices of named symbols of loaded sections, sorted by address */
    unsigned by_addr_count;
    struct reloc *relocs; /* of loaded sections, sorted by address */
    size_t reloc_count;
};

/*
 * Reads an executable from memory, which must outlive the image. Returns false with a message in
 * diag when the file is malformed, or is not a static ELF32 i386 executable linked with
 * --emit-relocs. Call image_free in both cases.
 */
bool image_read(struct image *image, const uint8_t *file, size_t size, struct diag *diag);
void image_free(struct image *image);

/* Bytes of the field that a relocation of this type fills; 0: unknown type. */
unsigned reloc_field_size(unsigned type);

/* The name of a symbol; "" if it has none. */
const char *image_symbol_name(const struct image *image, const Elf32_Sym *symbol);

/* The nearest named symbol at or below an address; of several the one that comes last in the table.
 * NULL: none. */
const Elf32_Sym *image_symbol_at(const struct image *image, uint32_t addr);

/* The loaded section that holds an address, or NULL. */
struct section *image_section_at(const struct image *image, uint32_t addr);

#endif
