#include "program.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint32_t get32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof(value));
    return value;
}

static void put32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

static const uint8_t *original_field(const struct program *program, const struct reloc *reloc)
{
    const struct section *section = &program->image.sections[reloc->section];
    return section->data + (reloc->addr - section->header.sh_addr);
}

/* The value that a relocated field has in the output. A branch target has no call's mirror to pass.
 */
static bool new_value(struct program *program, uint32_t index, uint32_t value, uint32_t *result)
{
    const struct reloc *reloc = &program->image.relocs[index];
    struct meaning meaning =
        address_meaning(program, &program->image.symbols[reloc->symbol], value);
    *result = value;
    if (meaning.section == NULL)
        return true;
    if (meaning.ambiguous)
        return diag_fail(&program->diag,
                         "relocation at 0x%08" PRIx32
                         " is a biased address of a local label: make it global",
                         reloc->addr);
    enum address_use use = meaning.physical || program->jump_only[index] ? USE_BRANCH : USE_POINTER;
    if (!address_map(program, meaning.section, meaning.addr, use, result))
        return diag_fail(&program->diag,
                         "relocation at 0x%08" PRIx32 " names 0x%08" PRIx32
                         ", inside an instruction: it cannot be moved",
                         reloc->addr, meaning.addr);
    *result += meaning.addend;
    return true;
}

/* Narrow fields reach only what stays where it is. */
static bool check_narrow(struct program *program, const struct reloc *reloc)
{
    const struct image *image = &program->image;
    const Elf32_Sym *symbol = &image->symbols[reloc->symbol];
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_shndx >= SHN_LORESERVE)
        return true;
    const struct section *to = &image->sections[symbol->st_shndx],
                         *from = &image->sections[reloc->section];
    bool relative = reloc->type == R_386_PC16 || reloc->type == R_386_PC8;
    if (!to->loaded ||
        (!to->code && (to->new_addr == to->header.sh_addr || (relative && to == from))))
        return true;
    return diag_fail(&program->diag,
                     "relocation at 0x%08" PRIx32
                     " is too narrow for an address that moves: use 32 bits",
                     reloc->addr);
}

/* Fills one field at `field`, whose new address is `place`. */
static bool apply(struct program *program, uint32_t index, uint8_t *field, uint32_t place)
{
    const struct reloc *reloc = &program->image.relocs[index];
    uint32_t value;
    switch (reloc->type) {
    case R_386_32:
        if (!new_value(program, index, get32(original_field(program, reloc)), &value))
            return false;
        put32(field, value);
        return true;
    case R_386_PC32:
    case R_386_PLT32:
        if (!new_value(program, index, get32(original_field(program, reloc)) + reloc->addr, &value))
            return false;
        put32(field, value - place);
        return true;
    default:
        return check_narrow(program, reloc);
    }
}

/*
 * All relocations of [addr, addr + size), copied to `to`, whose new address is `place`. *next walks
 * along the relocations: ranges come in the order of addresses.
 */
static bool apply_range(struct program *program, uint32_t *next, uint32_t addr, uint32_t size,
                        uint8_t *to, uint32_t place)
{
    const struct image *image = &program->image;
    while (*next < image->reloc_count && image->relocs[*next].addr < addr)
        ++*next;
    for (; *next < image->reloc_count && image->relocs[*next].addr - addr < size; ++*next) {
        uint32_t offset = image->relocs[*next].addr - addr;
        if (!apply(program, *next, to + offset, place + offset))
            return false;
    }
    return true;
}

/* How far the items of the program have got along the two lists, both in the order of items. */
struct progress {
    size_t chunk; /* index into emitter.code */
    size_t fixup;
    uint32_t reloc;
};

/* The fields of an item's chunk. */
static bool apply_fixups(struct program *program, const struct item *item,
                         struct progress *progress, uint8_t *to)
{
    const struct fixup_vec *fixups = &program->emitter.fixups;
    size_t end = progress->chunk + item->chunk_size;
    for (; progress->fixup < fixups->count && fixups->at[progress->fixup].at < end;
         progress->fixup++) {
        const struct fixup *fixup = &fixups->at[progress->fixup];
        const struct reloc *reloc = &program->image.relocs[fixup->reloc];
        uint32_t value;
        if (reloc->type != R_386_32)
            return diag_fail(&program->diag,
                             "relocation type %u at 0x%08" PRIx32
                             " in a writer: build without -fPIC",
                             reloc->type, reloc->addr);
        if (!new_value(program, fixup->reloc, get32(original_field(program, reloc)), &value))
            return false;
        put32(to + (fixup->at - progress->chunk), value + fixup->extra);
    }
    return true;
}

/* Where a branch goes: calls to the entry, jumps past it; out of the code as its relocation says.
 */
static bool branch_target(struct program *program, const struct item *item, uint32_t *result)
{
    if (item->target != NO_ITEM) {
        const struct item *target = &program->items[item->target];
        *result = item->flow == FLOW_CALL ? item_entry(target) : target->new_addr;
        return true;
    }
    uint32_t end = item->addr + item->length;
    uint32_t reloc = program_first_reloc(program, end - 4);
    return new_value(program, reloc,
                     get32(original_field(program, &program->image.relocs[reloc])) + end, result);
}

/* Writes a near form of a short branch: the opcodes of SDM volume 2, Jcc and JMP. Returns its size.
 */
static unsigned widen(uint8_t *to, uint8_t opcode)
{
    if (opcode == 0xeb) {
        to[0] = 0xe9;
        return 5;
    }
    if ((opcode & 0xf0) == 0x70) {
        to[0] = 0x0f;
        to[1] = 0x80 | (opcode & 0x0f);
        return 6;
    }
    const uint8_t over[] = {opcode, 2, 0xeb, 5, 0xe9};
    memcpy(to, over, sizeof(over));
    return 9;
}

static bool put_branch(struct program *program, const struct text *text, const struct item *item,
                       uint8_t *to, uint32_t addr)
{
    const uint8_t *bytes = item_bytes(text, item);
    unsigned prefixes = branch_prefixes(bytes, item->length);
    uint32_t target;
    if (!branch_target(program, item, &target))
        return false;
    memcpy(to, bytes, item->length);
    if (item->flags & ITEM_NEAR) {
        unsigned size = prefixes + widen(to + prefixes, bytes[prefixes]);
        put32(to + size - 4, target - (addr + size));
        return true;
    }
    bool near = bytes[prefixes] == 0xe8 || bytes[prefixes] == 0xe9 || bytes[prefixes] == 0x0f;
    uint32_t distance = target - (addr + item->length);
    if (near)
        put32(to + item->length - 4, distance);
    else
        to[item->length - 1] = (uint8_t)distance;
    return true;
}

static bool put_item(struct program *program, const struct text *text, const struct item *item,
                     struct progress *progress, uint8_t *to)
{
    if (item->chunk_size != 0)
        memcpy(to, program->emitter.code.at + progress->chunk, item->chunk_size);
    if (!apply_fixups(program, item, progress, to))
        return false;
    progress->chunk += item->chunk_size;
    to += item->chunk_size;
    uint32_t addr = item_entry(item) + item->chunk_size;
    if (item->kind == ITEM_BRANCH)
        return put_branch(program, text, item, to, addr);
    uint32_t size = item_body_size(text, item);
    memcpy(to, item_bytes(text, item), size);
    return size == 0 || apply_range(program, &progress->reloc, item->addr, size, to, addr);
}

#define OPCODE_NOP 0x90

/* Text is written in pieces of about this size, so that it never lies in memory as a whole. */
#define PIECE_BYTES 65536u

/* Bytes of a text section on their way to the file. */
struct piece {
    struct bytes bytes;
    uint32_t offset; /* of bytes.at[0], in the file */
};

static void flush_piece(struct program *program, struct piece *piece)
{
    sink_put(&program->sink, piece->offset, piece->bytes.at, piece->bytes.count);
    piece->offset += (uint32_t)piece->bytes.count;
    piece->bytes.count = 0;
}

/* Room for an item at its place in the section; before it, padding. */
static uint8_t *item_room(const struct section *section, const struct text *text,
                          const struct item *item, struct piece *piece)
{
    uint32_t place = section_file_offset(section) + (item_entry(item) - section->new_addr);
    size_t old = piece->bytes.count, start = place - piece->offset;
    bytes_append(&piece->bytes, NULL, start - old + item->chunk_size + item_body_size(text, item));
    if (start > old)
        memset(piece->bytes.at + old, OPCODE_NOP, start - old);
    return piece->bytes.at + start;
}

static bool relocate_text(struct program *program, const struct text *text,
                          struct progress *progress)
{
    const struct section *section = text->section;
    struct piece piece = {.offset = section_file_offset(section)};
    bool ok = true;
    bytes_append(&piece.bytes, NULL, PIECE_BYTES);
    piece.bytes.count = 0;
    progress->reloc = program_first_reloc(program, section->header.sh_addr);
    for (uint32_t i = text->first; ok && i < text->end; i++) {
        const struct item *item = &program->items[i];
        ok = put_item(program, text, item, progress, item_room(section, text, item, &piece));
        if (piece.bytes.count >= PIECE_BYTES)
            flush_piece(program, &piece);
    }
    flush_piece(program, &piece);
    free(piece.bytes.at);
    return ok;
}

static bool relocate_data(struct program *program, const struct section *section)
{
    uint32_t size = section->header.sh_size;
    uint8_t *contents = xmalloc(size);
    memcpy(contents, section->data, size);
    uint32_t next = program_first_reloc(program, section->header.sh_addr);
    bool ok =
        apply_range(program, &next, section->header.sh_addr, size, contents, section->new_addr);
    sink_put(&program->sink, section_file_offset(section), contents, size);
    free(contents);
    return ok;
}

bool program_relocate(struct program *program)
{
    struct image *image = &program->image;
    struct progress progress = {0};
    for (unsigned t = 0; t < program->text_count; t++)
        if (!relocate_text(program, &program->texts[t], &progress))
            return false;
    for (unsigned i = 0; i < image->section_count; i++) {
        const struct section *section = &image->sections[i];
        if (section->loaded && !section->code && section->data != NULL &&
            !relocate_data(program, section))
            return false;
    }
    return true;
}
