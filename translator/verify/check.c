#include "check.h"

#include <stdlib.h>
#include <string.h>

/* The common case: nothing written, nothing inserted. */
static bool is_unchanged(const struct program *program, const struct piece *piece)
{
    bool writes = program->map->offset != 0 && writer_rule_of(&piece->original) &&
                  writer_rule_of(&piece->original)->kind != WRITES_CALL;
    bool entry = program->map->offset != 0 && program->flows[piece->index].entry >= ENTRY_REQUIRED;

    return piece->match == 0 && piece->count == 1 && !writes && !entry;
}

/* Padding may be another padding, or none. */
static bool is_padding_for_padding(const struct piece *piece)
{
    bool padding = piece->complete && insn_is_padding(&piece->original);

    for (uint32_t i = 0; i < piece->count && padding; i++) {
        padding = insn_is_padding(&piece->code[i]);
    }
    return padding;
}

static const char *check_piece(const struct program *program, const struct piece *piece)
{
    const struct writer_rule *rule = writer_rule_of(&piece->original);
    bool at_end = piece->match != NO_INDEX && piece->match + 1 == piece->count;

    if (program->flows[piece->index].entry < ENTRY_REQUIRED && is_padding_for_padding(piece)) {
        return NULL;
    }
    if (!piece->complete || piece->count == 0) {
        return "its translation can't be decoded";
    }
    if (rule && rule->kind == WRITES_UNKNOWN) {
        return "writes memory in a way that can't be judged";
    }
    if (is_unchanged(program, piece)) {
        return NULL;
    }
    /* Branches that have short forms only may have been expanded. */
    if (piece->match == NO_INDEX && !insn_is_counted(&piece->original)) {
        return "the original instruction is not in its translation";
    }
    if ((!rule || rule->kind == WRITES_CALL) && piece->match != NO_INDEX && !at_end) {
        return "something is inserted behind it";
    }
    if (program->map->offset == 0 && piece->match != NO_INDEX) {
        return "something is inserted, though the note says that nothing is mirrored";
    }
    return piece_run(program, piece);
}

/* Returns how many pairs it was about. */
static uint32_t check_pair(struct program *program, uint32_t index, struct piece *piece,
                           struct totals *totals)
{
    const struct kmv_addr_pair *pair = &program->map->pairs[index];
    const char *error;
    uint32_t count;
    bool writes;

    if (!program_original(program, index, &piece->original)) {
        return 1;
    }
    piece_load(program, index, piece);
    if (program->map->offset != 0) {
        piece_group(program, piece);
    }
    count = piece->last - piece->index + 1;
    writes = writer_rule_of(&piece->original) != NULL;
    error = check_piece(program, piece);
    totals->instructions += count;
    totals->writers += writes ? count : 0;
    totals->mirrored += writes && !error && program->map->offset != 0 ? count : 0;
    if (error) {
        report_add(program->report, "%08x -> %08x: %s: %s", pair->old_addr, pair->new_addr,
                   insn_name(program->decoder, &piece->original), error);
    }
    return count;
}

bool check_instructions(struct program *program, struct totals *totals)
{
    struct piece *piece = malloc(sizeof(*piece));

    memset(totals, 0, sizeof(*totals));
    if (!piece) {
        return false;
    }
    for (uint32_t i = 0; i < program->map->pair_count;) {
        i += check_pair(program, i, piece, totals);
    }
    free(piece);
    return true;
}
