#include "program.h"
#include "wide.h"

#include <inttypes.h>
#include <string.h>

static const struct trap_entry *trap_of(const struct program *program, uint32_t index)
{
    for (unsigned i = 0; i < program->options.trap_count; i++)
        if (program->options.traps[i].item == index)
            return &program->options.traps[i];
    return NULL;
}

static bool row_mirrors(const struct program *program, int row)
{
    return !program->options.identity && row != program->options.dropped_row;
}

/* What runs before the item itself: the mirror of the call or interrupt that led there. */
static void translate_entry(struct program *program, uint32_t index)
{
    struct item *item = &program->items[index];
    struct emitter *emitter = &program->emitter;
    if ((item->flags & ITEM_ENTRY) && row_mirrors(program, writer_class_find("call"))) {
        emit_begin(emitter, index, NULL, (uint8_t)~item->live);
        write_entry_copy(emitter);
        item->entry_size = (emitter->code.count - emitter->start) & MAX_ENTRY;
    }
    if ((item->flags & ITEM_TRAP) && row_mirrors(program, writer_class_find("trap"))) {
        emit_begin(emitter, index, NULL, 0);
        write_trap_copy(emitter, trap_of(program, index)->frame);
    }
}

/* Registers that are not needed after a writer. Writers other than calls go on to the next item. */
static uint8_t dead_after(const struct program *program, const struct text *text, uint32_t index)
{
    bool last = index + 1 == text->end;
    return last ? 0 : (uint8_t)~program->items[index + 1].live;
}

/* What a vector stub pushes last, an error code and its number, the gate copies with the frame. */
static bool is_copied_by_gate(const struct program *program, uint32_t index)
{
    const struct item *item = &program->items[index];
    for (unsigned pushes = 0; pushes < 2 && (item->flags & ITEM_STUB); pushes++) {
        if (item->kind != ITEM_PLAIN || (item->flags & ITEM_LAST))
            return false;
        item++;
        if ((item->flags & ITEM_STUB) && item->kind == ITEM_BRANCH)
            return true;
    }
    return false;
}

enum { OP_MOV_ECX = 0xb9, OP_POP_ECX = 0x59, OP_PUSH_BYTE = 0x6a, LOOK_BACK = 8, FEW = 128 };

/*
 * Is ecx set to a small number shortly before? Then a wide mirror would only take room. It need not
 * be certain: both mirrors are right for any count.
 */
static bool has_small_count(const struct program *program, const struct text *text, uint32_t index)
{
    for (uint32_t i = index; i-- > text->first && index - i <= LOOK_BACK;) {
        const struct item *item = &program->items[i];
        const uint8_t *bytes = item_bytes(text, item);
        if (item->kind != ITEM_PLAIN)
            return false;
        if (item->length == 1 && bytes[0] == OP_POP_ECX)
            return i > text->first && item_bytes(text, item - 1)[0] == OP_PUSH_BYTE;
        if (item->length == 5 && bytes[0] == OP_MOV_ECX) {
            uint32_t count;
            memcpy(&count, bytes + 1, sizeof(count));
            return count < FEW;
        }
    }
    return false;
}

static bool translate_writer(struct program *program, const struct text *text, uint32_t index)
{
    const struct item *item = &program->items[index];
    struct emitter *emitter = &program->emitter;
    struct insn insn;
    insn_decode(&program->decoder, item_bytes(text, item), item->length, item->addr, &insn);
    emit_begin(emitter, index, &insn, dead_after(program, text, index));
    emitter->small_count = has_small_count(program, text, index);
    while (emitter->reloc_first < program->image.reloc_count &&
           program->image.relocs[emitter->reloc_first].addr < item->addr)
        emitter->reloc_first++;
    uint32_t end = emitter->reloc_first;
    while (end < program->image.reloc_count &&
           program->image.relocs[end].addr < item->addr + item->length)
        end++;
    emitter->reloc_count = end - emitter->reloc_first;
    emitter->relocs = program->image.relocs + emitter->reloc_first;
    if (program->prefetches[index] & PREFETCH_MIRROR)
        emit_prefetch(emitter, emit_operand(emitter, emitter->offset));
    if (program->prefetches[index] & PREFETCH_NATIVE)
        emit_prefetch(emitter, emit_operand(emitter, 0));
    if (is_copied_by_gate(program, index))
        emit_native(emitter);
    else if (program->groups[index].size != 0)
        write_grouped_push(program, text, index);
    else
        writer_classes[item->row].emit(emitter);
    emitter->relocs = NULL;
    emitter->reloc_count = 0;
    return true;
}

static bool translate_item(struct program *program, const struct text *text, uint32_t index)
{
    struct item *item = &program->items[index];
    struct emitter *emitter = &program->emitter;
    emitter->start = emitter->code.count;
    translate_entry(program, index);
    bool writer = item->kind == ITEM_PLAIN && item->row != WRITER_NONE;
    if (writer && !row_mirrors(program, item->row))
        item->row = WRITER_NONE;
    if (writer && item->row != WRITER_NONE && writer_classes[item->row].emit != NULL)
        translate_writer(program, text, index);
    size_t size = emitter->code.count - emitter->start;
    if (size > MAX_CHUNK || !emit_check(emitter, &program->decoder, emitter->start))
        return diag_fail(&program->diag,
                         "0x%08" PRIx32
                         ": its translation is no instruction: remove needless prefixes",
                         item->addr);
    item->chunk_size = size & MAX_CHUNK;
    return true;
}

bool program_translate(struct program *program)
{
    program->emitter.offset = program->options.offset;
    program->emitter.width_reloc =
        program->options.no_wide ? 0 : wide_find_variable(&program->image);
    for (unsigned t = 0; t < program->text_count; t++)
        for (uint32_t i = program->texts[t].first; i < program->texts[t].end; i++)
            if (!translate_item(program, &program->texts[t], i))
                return false;
    return true;
}
