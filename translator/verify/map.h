/*
 * Where things of the original program are in the translated one: instructions by the table that
 * the translator left
 * (.kmv.addrmap), loaded data by section. Also the other two things it left: the note and the
 * window table.
 */
#ifndef KMV_VERIFY_MAP_H
#define KMV_VERIFY_MAP_H

#include "elf32.h"
#include "report.h"

#include <kmv/note.h>

#define NO_INDEX UINT32_MAX

struct address_map {
    const struct elf_file *native;
    const struct elf_file *translated;
    const struct elf_section **partner; /* of each native section: its translation, NULL if none */
    uint32_t *symbol_partner;           /* of each native symbol: its translation, or NO_INDEX */
    struct kmv_addr_pair *pairs;        /* by ascending old_addr */
    uint32_t pair_count;
    uint32_t
        *entries;    /* one a pair: where calls and pointers to it go, new_addr or shortly before */
    uint8_t *called; /* one a pair: pointers to it must go to the entry */
    struct kmv_window *windows; /* by ascending start */
    uint32_t window_count;
    uint32_t offset; /* from the note: mirror(x) = x + offset; 0: identity */
};

/* Reads and checks the tables. Returns NULL, or a static text saying what is wrong; then nothing is
 * to be freed. */
const char *map_load(struct address_map *map, const struct elf_file *native,
                     const struct elf_file *translated);
void map_free(struct address_map *map);

/* Index of the first pair at or after the old address; pair_count if none. */
uint32_t map_first_pair(const struct address_map *map, uint32_t old_address);

/* Index of the pair of the instruction at this old address, or NO_INDEX. */
uint32_t map_pair(const struct address_map *map, uint32_t old_address);

/*
 * Moves an entry: an entry copy stands directly in front of the translation that its pair names.
 * Calls and pointers go there, jumps may go to either. False: too far away, or the pair has another
 * entry already.
 */
bool map_set_entry(struct address_map *map, uint32_t pair_index, uint32_t address);

/* May this be the translation of a jump or pointer to the instruction? */
bool map_leads_to(const struct address_map *map, uint32_t pair_index, uint32_t address);

/* Not one of a section or file, which may come and go. */
bool map_symbol_matters(const struct elf_symbol *symbol);

/* New address of a byte, or of the end, of this loaded section of the original; of an instruction,
 * its entry. */
bool map_in_section(const struct address_map *map, const struct elf_section *section,
                    uint32_t old_address, uint32_t *new_address);

/* New address of the byte at this old address, whatever section it is in. */
bool map_address(const struct address_map *map, uint32_t old_address, uint32_t *new_address);

/* New end of a piece: the entry of the next instruction, or the end of the section. */
uint32_t map_piece_end(const struct address_map *map, uint32_t pair_index);

/* Is this (new) instruction pointer inside a window? */
bool map_in_window(const struct address_map *map, uint32_t instruction_pointer);

/* New value of a relocated field that held `value`; false if the rules give none (unknown kind,
 * target not mapped). */
bool map_reloc(const struct address_map *map, const struct elf_reloc *reloc, uint32_t value,
               uint32_t new_field_address, uint32_t *new_value);

/*
 * Changes a copy of original bytes [old_address, old_address + length) into what they must be at
 * new_address, given what is there (`found`, for pointers that may have two values). Returns NULL,
 * or the relocation that can't be followed.
 */
const struct elf_reloc *map_relocate(const struct address_map *map, uint32_t old_address,
                                     uint32_t new_address, uint8_t *bytes, const uint8_t *found,
                                     uint32_t length);

/* Load address and link address of what is at this address differ by that much: kernels linked high
 * use both. */
uint32_t map_segment_bias(const struct elf_file *file, uint32_t address);

#endif
