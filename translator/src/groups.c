/*
 * Groups of pushes: natives first, then their mirrors. Stores to one line of the cache in a row are
 * cheaper than stores that alternate between native and mirror.
 *
 * Control must run through a group from its first push to its last: nothing may lead to one of the
 * others. Registers and constants are pushed only, for reading memory could fault.
 */
#include "program.h"

#include <stdlib.h>

enum { OP_PUSH = 0x50, OP_PUSH_ESP = 0x54, OP_PUSH_IMM32 = 0x68, OP_PUSH_IMM8 = 0x6a };

static void mark_target(const struct program *program, uint8_t *targets, uint32_t item)
{
    if (item < program->item_count)
        targets[item] = 1;
}

/* Everything that something leads to: branches, pointers, the entry point. */
static uint8_t *find_targets(const struct program *program)
{
    const struct image *image = &program->image;
    uint8_t *targets = xcalloc(program->item_count, 1);
    for (uint32_t i = 0; i < program->item_count; i++)
        if (program->items[i].kind == ITEM_BRANCH)
            mark_target(program, targets, program->items[i].target);
    for (size_t i = 0; i < image->reloc_count; i++) {
        const struct reloc *reloc = &image->relocs[i];
        if (reloc_field_size(reloc->type) != 4 || image->sections[reloc->section].data == NULL)
            continue;
        struct meaning meaning =
            address_meaning(program, &image->symbols[reloc->symbol], reloc_value(image, reloc));
        if (meaning.section != NULL && meaning.section->code)
            mark_target(program, targets, program_find(program, meaning.addr));
    }
    for (unsigned i = 0; i < image->symbol_count; i++)
        if (image->symbols[i].st_shndx < image->section_count)
            mark_target(program, targets, program_find(program, image->symbols[i].st_value));
    mark_target(program, targets, program_find(program, image->header.e_entry));
    return targets;
}

static bool is_pushed(const struct program *program, const struct text *text,
                      const struct item *item)
{
    const uint8_t *bytes = item_bytes(text, item);
    bool reg = item->length == 1 && (bytes[0] & 0xf8) == OP_PUSH && bytes[0] != OP_PUSH_ESP;
    bool number = (item->length == 2 && bytes[0] == OP_PUSH_IMM8) ||
                  (item->length == 5 && bytes[0] == OP_PUSH_IMM32);
    uint32_t reloc = program_first_reloc(program, item->addr);
    bool relocated = reloc < program->image.reloc_count &&
                     program->image.relocs[reloc].addr - item->addr < item->length;
    return item->kind == ITEM_PLAIN && (reg || number) && !relocated &&
           !(item->flags & (ITEM_STUB | ITEM_TRAP));
}

static uint32_t group_end(const struct program *program, const struct text *text,
                          const uint8_t *targets, uint32_t first)
{
    uint32_t end = first;
    while (end < text->end && end - first < MAX_GROUP &&
           is_pushed(program, text, &program->items[end]) &&
           (end == first ||
            (!targets[end] && !(program->items[end].flags & (ITEM_ENTRY | ITEM_ALIGNED)))))
        end++;
    return end;
}

void program_group(struct program *program)
{
    program->groups = xcalloc(program->item_count, sizeof(*program->groups));
    if (program->options.no_groups || program->options.identity ||
        program->options.dropped_row == writer_class_find("push_register") ||
        program->options.dropped_row == writer_class_find("push_immediate"))
        return;
    uint8_t *targets = find_targets(program);
    for (unsigned t = 0; t < program->text_count; t++) {
        const struct text *text = &program->texts[t];
        for (uint32_t i = text->first; i < text->end;) {
            uint32_t end = group_end(program, text, targets, i);
            for (uint32_t member = i; end - i > 1 && member < end; member++)
                program->groups[member] = (struct push_group){(uint8_t)(member - i) & MAX_GROUP,
                                                              (uint8_t)(end - i) & MAX_GROUP};
            i = end > i ? end : i + 1;
        }
    }
    free(targets);
}

/* The mirror of a push whose slot is `above` bytes above esp. */
static void put_mirror(struct emitter *emitter, const uint8_t *bytes, uint32_t above)
{
    struct mem slot = emit_based(ESP, emitter->offset + above);
    if ((bytes[0] & 0xf8) == OP_PUSH) {
        emit_store(emitter, 4, (enum gpr)(bytes[0] & 7), slot);
        return;
    }
    uint32_t value = (uint32_t)(int8_t)bytes[1];
    if (bytes[0] == OP_PUSH_IMM32)
        value = bytes[1] | (uint32_t)bytes[2] << 8 | (uint32_t)bytes[3] << 16 |
                (uint32_t)bytes[4] << 24;
    emit_op_mem(emitter, 0xc7, 0, slot);
    emit_word32(emitter, value);
}

void write_grouped_push(struct program *program, const struct text *text, uint32_t index)
{
    struct emitter *emitter = &program->emitter;
    struct push_group group = program->groups[index];
    if (group.position > 0)
        emit_window_open(emitter);
    emit_native(emitter);
    for (uint32_t i = 0; group.position + 1u == group.size && i < group.size; i++)
        put_mirror(emitter, item_bytes(text, &program->items[index - group.position + i]),
                   4 * (group.size - 1u - i));
    emit_window_close(emitter);
}
