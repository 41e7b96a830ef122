/*
 * Where the entries are. The copy of the return address, or of a trap's frame, may stand in front
 * of the address that the map names, so that jumps pass it by. Then calls and symbols tell where;
 * the checks see to it that all agree.
 */
#include "check.h"

#include <string.h>

static void note_entry(struct program *program, uint32_t index, uint32_t address)
{
    struct address_map *map = program->map;

    /* What is no entry shows when the branch or the symbol itself is checked. */
    if (index != NO_INDEX && address != map->pairs[index].new_addr) {
        map_set_entry(map, index, address);
    }
}

/* The field of a relocated operand, in whichever instruction of the piece has the form of the
 * original. */
static void look_at_operand(struct program *program, uint32_t index, uint32_t field,
                            uint32_t target_index, const struct insn *insn)
{
    uint32_t at = field - program->map->pairs[index].old_addr;
    uint32_t value;

    if (insn->length == program->flows[index].length && at + sizeof(value) <= insn->length) {
        memcpy(&value, insn->bytes + at, sizeof(value));
        note_entry(program, target_index, value);
    }
}

/* Looks at each instruction of a piece: where calls go, or at the operand that has a pointer in the
 * field. */
static void look_at_piece(struct program *program, uint32_t index, uint32_t field,
                          uint32_t target_index)
{
    const struct address_map *map = program->map;
    uint32_t start = map->pairs[index].new_addr;
    uint32_t end = map_piece_end(map, index);
    const uint8_t *code = end > start ? elf_bytes_at(map->translated, start, end - start) : NULL;
    uint32_t count = 0;
    struct insn insn;
    uint32_t target;

    for (uint32_t at = start; code && at < end && count++ < PIECE_MAX; at += insn.length) {
        if (!insn_decode(program->decoder, code + (at - start), end - at, at, &insn)) {
            return;
        }
        if (field) {
            look_at_operand(program, index, field, target_index, &insn);
        } else if (insn.id == X86_INS_CALL && insn_branch_target(&insn, &target)) {
            note_entry(program, target_index, target);
        }
    }
}

/* Fields of data are where the map says; those of instructions, somewhere in the piece. */
static void look_at_pointer(struct program *program, const struct elf_reloc *reloc)
{
    const struct address_map *map = program->map;
    const struct elf_section *section = elf_section_at(map->native, reloc->address);
    const uint8_t *field = elf_bytes_at(map->native, reloc->address, 4);
    uint32_t value;
    uint32_t target;
    uint32_t index;

    if (reloc->type != R_386_32 || !field) {
        return;
    }
    memcpy(&value, field, sizeof(value));
    target = map_pair(map, value);
    if (target == NO_INDEX) {
        return;
    }
    index = map_first_pair(map, reloc->address);
    if (section_is_code(section) && index > 0) {
        look_at_piece(program, index - 1, reloc->address, target);
    } else if (map_address(map, reloc->address, &value)) {
        field = elf_bytes_at(map->translated, value, 4);
        if (field) {
            memcpy(&value, field, sizeof(value));
            note_entry(program, target, value);
        }
    }
}

/* Symbols of code; those of one name are in the same order in both files. */
static void look_at_symbols(struct program *program)
{
    const struct elf_file *native = program->map->native;

    for (uint32_t i = 0; i < native->symbol_count; i++) {
        const struct elf_symbol *symbol = &native->symbols[i];
        uint32_t index = map_pair(program->map, symbol->raw.st_value);
        uint32_t partner = program->map->symbol_partner[i];

        if (partner != NO_INDEX && symbol->raw.st_shndx < SHN_LORESERVE &&
            section_is_code(&native->sections[symbol->raw.st_shndx])) {
            note_entry(program, index, program->map->translated->symbols[partner].raw.st_value);
        }
    }
}

void program_find_entries(struct program *program)
{
    look_at_symbols(program);
    for (uint32_t i = 0; i < program->map->pair_count; i++) {
        if (program->flows[i].kind == FLOW_CALL) {
            look_at_piece(program, i, 0, program->flows[i].target);
        }
    }
    for (uint32_t i = 0; i < program->map->native->reloc_count; i++) {
        look_at_pointer(program, &program->map->native->relocs[i]);
    }
}

bool program_branch_goes_to(const struct program *program, const struct insn *branch,
                            uint32_t target_index, uint32_t new_target)
{
    if (target_index == NO_INDEX) {
        return false;
    }
    if (branch->id == X86_INS_CALL || program->flows[target_index].entry == ENTRY_TRAP) {
        return new_target == program->map->entries[target_index];
    }
    return map_leads_to(program->map, target_index, new_target);
}
