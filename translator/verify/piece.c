#include "check.h"

#include <string.h>

/* The same branch, to where the target is now; its displacement may have another size. */
static bool branch_matches(const struct program *program, const struct insn *original,
                           const struct insn *candidate, uint32_t old_target)
{
    uint32_t index = map_pair(program->map, old_target);
    uint32_t target;

    return candidate->id == original->id && candidate->size16 == original->size16 &&
           candidate->addr16 == original->addr16 && candidate->segment == original->segment &&
           candidate->rep == original->rep && candidate->repne == original->repne &&
           insn_branch_target(candidate, &target) &&
           program_branch_goes_to(program, original, index, target);
}

/* Anything else must have the same bytes, but for relocated fields. */
static bool insn_matches(const struct program *program, const struct insn *original,
                         const struct insn *candidate)
{
    uint8_t expected[INSN_MAX_LENGTH];
    uint32_t target;

    if (insn_branch_target(original, &target)) {
        return branch_matches(program, original, candidate, target);
    }
    memcpy(expected, original->bytes, sizeof(expected));
    return candidate->length == original->length &&
           !map_relocate(program->map, original->address, candidate->address, expected,
                         candidate->bytes, original->length) &&
           memcmp(expected, candidate->bytes, original->length) == 0;
}

/* fstp and fistp may be done in two: the store, which pops nothing yet, stands for the original. */
static bool is_store_half(const struct program *program, const struct insn *original,
                          const struct insn *candidate)
{
    uint32_t half = writer_without_pop(original->id);
    struct insn whole = *candidate;
    uint32_t at = 0;

    if (half == original->id || candidate->id != half || candidate->length != original->length) {
        return false;
    }
    /* ModRM is behind the opcode: /2 stores, /3 stores and pops. */
    while (at < whole.length && whole.bytes[at] != whole.opcode) {
        at++;
    }
    if (at + 1 >= whole.length) {
        return false;
    }
    whole.bytes[at + 1] |= 1 << 3;
    return insn_matches(program, original, &whole);
}

/* What stands behind the instruction in the original and is none: data that the translation keeps
 * in the same place. */
static uint32_t gap_behind(const struct program *program, uint32_t index)
{
    const struct kmv_addr_pair *pair = &program->map->pairs[index];
    const struct elf_section *section = elf_section_at(program->map->native, pair->old_addr);
    uint32_t old_end = pair->old_addr + program->flows[index].length;
    uint32_t old_next = section ? section->header.sh_addr + section->header.sh_size : old_end;

    if (index + 1 < program->map->pair_count && pair[1].old_addr < old_next) {
        old_next = pair[1].old_addr;
    }
    return old_next > old_end ? old_next - old_end : 0;
}

static void decode_code(const struct program *program, struct piece *piece)
{
    const struct elf_section *section = elf_section_at(program->map->translated, piece->start);
    uint32_t address = piece->start;

    piece->count = 0;
    piece->complete = section && section_is_code(section) && piece->end >= piece->start &&
                      piece->end - section->header.sh_addr <= section->header.sh_size;
    while (piece->complete && address < piece->end) {
        struct insn *insn = &piece->code[piece->count];

        piece->complete =
            piece->count < PIECE_MAX &&
            insn_decode(program->decoder, section->bytes + (address - section->header.sh_addr),
                        piece->end - address, address, insn);
        if (piece->complete) {
            piece->count++;
            address += insn->length;
        }
    }
}

static void drop_padding(struct piece *piece, bool falls_through)
{
    while (piece->count > 1) {
        const struct insn *last = &piece->code[piece->count - 1];

        if (!insn_is_padding(last) && (falls_through || last->opcode != 0xcc)) {
            return;
        }
        piece->count--;
    }
}

/* Writers are the first match, for behind it comes the mirror; others the last, for all else comes
 * before. */
static void find_match(const struct program *program, struct piece *piece)
{
    bool first =
        writer_rule_of(&piece->original) && writer_rule_of(&piece->original)->kind != WRITES_CALL;

    piece->match = NO_INDEX;
    for (uint32_t i = 0; i < piece->count; i++) {
        if (insn_matches(program, &piece->original, &piece->code[i]) ||
            is_store_half(program, &piece->original, &piece->code[i])) {
            piece->match = i;
            if (first) {
                return;
            }
        }
    }
}

/* A push of a register or a constant: it reads no memory. */
static bool is_plain_push(const struct insn *insn)
{
    return insn->id == X86_INS_PUSH && !insn->size16 && !operand_is(insn, 0, X86_OP_MEM);
}

static uint32_t old_end(const struct program *program, uint32_t index)
{
    return program->map->pairs[index].old_addr + program->flows[index].length;
}

/* Is the next pair a push that control gets to from this one only, and its translation right behind
 * this one's? */
static bool goes_on(const struct program *program, const struct piece *piece, uint32_t index,
                    struct insn *next)
{
    const struct address_map *map = program->map;
    uint32_t at = piece->match + (index + 1 - piece->index);

    return index + 1 < map->pair_count &&
           map->pairs[index + 1].old_addr == old_end(program, index) &&
           !program->flows[index + 1].targeted && program->flows[index + 1].entry == ENTRY_NONE &&
           !program->flows[index + 1].deferred && program_original(program, index + 1, next) &&
           is_plain_push(next) && map->entries[index + 1] == map->pairs[index + 1].new_addr &&
           at < piece->count && piece->code[at].address == map->pairs[index + 1].new_addr &&
           insn_matches(program, next, &piece->code[at]);
}

void piece_group(const struct program *program, struct piece *piece)
{
    struct piece alone = *piece;
    uint32_t last = piece->index;
    struct insn next;

    if (!is_plain_push(&piece->original) || !piece->complete || piece->match == NO_INDEX ||
        program->flows[piece->index].deferred ||
        !insn_matches(program, &piece->original, &piece->code[piece->count - 1])) {
        return;
    }
    /* An entry's copy in front may hold the same push, of a scratch register. */
    piece->match = piece->count - 1;
    do {
        last++;
        if (last >= program->map->pair_count || last - piece->index >= GROUP_MAX) {
            *piece = alone;
            return;
        }
        piece->end = map_piece_end(program->map, last) - gap_behind(program, last);
        decode_code(program, piece);
        drop_padding(piece, true);
        if (!goes_on(program, piece, last - 1, &next)) {
            *piece = alone;
            return;
        }
    } while (piece->match + (last - piece->index) + 1 == piece->count);
    piece->last = last;
}

void piece_load(const struct program *program, uint32_t index, struct piece *piece)
{
    uint8_t kind = program->flows[index].kind;
    uint32_t all;

    piece->index = index;
    piece->last = index;
    piece->start = program->map->entries[index];
    piece->end = map_piece_end(program->map, index) - gap_behind(program, index);
    decode_code(program, piece);
    all = piece->count;
    drop_padding(piece, kind != FLOW_JUMP && kind < FLOW_RETURN);
    find_match(program, piece);
    /* The original may itself be a nop: then one of those that were dropped. */
    while (piece->match == NO_INDEX && insn_is_padding(&piece->original) && piece->count < all) {
        piece->count++;
        find_match(program, piece);
    }
}
