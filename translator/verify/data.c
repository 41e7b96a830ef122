#include "data.h"

#include <stdlib.h>
#include <string.h>

/* The Multiboot 1 header: magic, flags, checksum (Multiboot specification 0.6.96, 3.1.1). */
#define MULTIBOOT_MAGIC 0x1badb002u

/* Compares original bytes at an address with the translated ones; relocated fields are moved. */
static void check_bytes(struct program *program, const char *what, uint32_t old_address,
                        uint32_t new_address, uint32_t length)
{
    const struct address_map *map = program->map;
    const uint8_t *old_bytes = elf_bytes_at(map->native, old_address, length);
    const uint8_t *new_bytes = elf_bytes_at(map->translated, new_address, length);
    const struct elf_reloc *failed;
    uint8_t *expected = malloc(length + 1);

    if (!old_bytes || !new_bytes || !expected) {
        report_add(program->report, "%08x -> %08x: %s: its %u bytes are not in the translated file",
                   old_address, new_address, what, length);
        free(expected);
        return;
    }
    memcpy(expected, old_bytes, length);
    failed = map_relocate(map, old_address, new_address, expected, new_bytes, length);
    if (failed) {
        report_add(program->report, "%08x: %s: relocation of type %u has no translation",
                   failed->address, what, failed->type);
    }
    for (uint32_t i = 0; i < length && !failed; i++) {
        if (expected[i] != new_bytes[i]) {
            report_add(program->report, "%08x -> %08x: %s: byte is %02x, must be %02x",
                       old_address + i, new_address + i, what, new_bytes[i], expected[i]);
            break;
        }
    }
    free(expected);
}

static void check_section(struct program *program, uint32_t index)
{
    const struct elf_section *section = &program->map->native->sections[index];
    const struct elf_section *partner = program->map->partner[index];
    const uint32_t flags = SHF_ALLOC | SHF_WRITE | SHF_EXECINSTR;

    if (!partner) {
        report_add(program->report, "%08x: section %s is missing", section->header.sh_addr,
                   section->name);
        return;
    }
    if (((section->header.sh_flags ^ partner->header.sh_flags) & flags) ||
        section->header.sh_type != partner->header.sh_type) {
        report_add(program->report, "%08x -> %08x: section %s has other attributes",
                   section->header.sh_addr, partner->header.sh_addr, section->name);
        return;
    }
    if (section_is_code(section) || section->header.sh_size == 0) {
        return;
    }
    if (section->header.sh_size != partner->header.sh_size) {
        report_add(program->report, "%08x -> %08x: section %s has another size",
                   section->header.sh_addr, partner->header.sh_addr, section->name);
    } else if (section->bytes) {
        check_bytes(program, section->name, section->header.sh_addr, partner->header.sh_addr,
                    section->header.sh_size);
    }
}

void check_sections(struct program *program)
{
    for (uint32_t i = 0; i < program->map->native->section_count; i++) {
        if (section_is_loaded(&program->map->native->sections[i])) {
            check_section(program, i);
        }
    }
}

static bool is_filler(const uint8_t *bytes, uint32_t length)
{
    uint32_t i = 1;

    while (i < length && bytes[i] == bytes[0]) {
        i++;
    }
    return i == length && (bytes[0] == 0 || bytes[0] == 0x90 || bytes[0] == 0xcc);
}

static bool is_multiboot_header(const uint8_t *bytes, uint32_t length)
{
    uint32_t words[3];

    for (uint32_t at = 0; at + sizeof(words) <= length; at++) {
        memcpy(words, bytes + at, sizeof(words));
        if (words[0] == MULTIBOOT_MAGIC && words[0] + words[1] + words[2] == 0) {
            return true;
        }
    }
    return false;
}

static bool is_object(const struct elf_file *file, uint32_t address)
{
    for (uint32_t i = 0; i < file->symbol_count; i++) {
        const Elf32_Sym *symbol = &file->symbols[i].raw;

        if (ELF32_ST_TYPE(symbol->st_info) == STT_OBJECT &&
            address - symbol->st_value < symbol->st_size) {
            return true;
        }
    }
    return false;
}

/* Original text that the map knows nothing of. */
static void check_gap(struct program *program, const struct elf_section *section, uint32_t start,
                      uint32_t end)
{
    const uint8_t *bytes = section->bytes + (start - section->header.sh_addr);
    uint32_t new_address;

    if (!is_filler(bytes, end - start) && !is_multiboot_header(bytes, end - start) &&
        !is_object(program->map->native, start)) {
        report_add(program->report, "%08x: %u bytes of %s are in no instruction of the map", start,
                   end - start, section->name);
        return;
    }
    if (!map_in_section(program->map, section, start, &new_address)) {
        report_add(program->report, "%08x: data in %s has no translation", start, section->name);
        return;
    }
    check_bytes(program, section->name, start, new_address, end - start);
}

static void check_section_coverage(struct program *program, const struct elf_section *section)
{
    const struct address_map *map = program->map;
    uint32_t covered = section->header.sh_addr;
    uint32_t end = covered + section->header.sh_size;
    uint32_t index = map_first_pair(map, covered);

    for (; index < map->pair_count && map->pairs[index].old_addr < end; index++) {
        uint32_t start = map->pairs[index].old_addr;

        if (start < covered) {
            report_add(program->report, "%08x: instructions of the map overlap", start);
        } else if (start > covered) {
            check_gap(program, section, covered, start);
        }
        covered = start + program->flows[index].length;
    }
    if (covered < end) {
        check_gap(program, section, covered, end);
    }
}

void check_coverage(struct program *program)
{
    const struct elf_file *native = program->map->native;

    for (uint32_t i = 0; i < native->section_count; i++) {
        if (section_is_code(&native->sections[i]) && program->map->partner[i]) {
            check_section_coverage(program, &native->sections[i]);
        }
    }
}
