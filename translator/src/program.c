#include "program.h"

#include <stdlib.h>

/* The last item that starts at or below an address, or NO_ITEM. */
static uint32_t last_below(const struct program *program, uint32_t addr)
{
    uint32_t low = 0, high = program->item_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (program->items[middle].addr <= addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low == 0 ? NO_ITEM : low - 1;
}

uint32_t program_find(const struct program *program, uint32_t addr)
{
    uint32_t index = last_below(program, addr);
    return index != NO_ITEM && program->items[index].addr == addr ? index : NO_ITEM;
}

uint32_t program_covering(const struct program *program, uint32_t addr)
{
    uint32_t index = last_below(program, addr);
    if (index == NO_ITEM)
        return NO_ITEM;
    const struct item *item = &program->items[index];
    uint32_t length = item->kind == ITEM_DATA ? item->target : item->length;
    return addr - item->addr < length ? index : NO_ITEM;
}

const uint8_t *item_bytes(const struct text *text, const struct item *item)
{
    return text->section->data + (item->addr - text->section->header.sh_addr);
}

uint32_t program_first_reloc(const struct program *program, uint32_t addr)
{
    const struct image *image = &program->image;
    size_t low = 0, high = image->reloc_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (image->relocs[middle].addr < addr)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint32_t)low;
}

bool program_run(struct program *program, const struct bytes *input, struct bytes *output)
{
    insn_decoder_init(&program->decoder);
    if (!image_read(&program->image, input->at, input->count, &program->diag) ||
        !program_decode(program) || !program_mark(program))
        return false;
    program_liveness(program);
    return program_translate(program) && program_layout(program) && program_relocate(program) &&
           program_write(program, output);
}

void program_free(struct program *program)
{
    for (unsigned i = 0; program->contents != NULL && i < program->image.section_count; i++)
        free(program->contents[i]);
    free(program->contents);
    free(program->texts);
    free(program->items);
    free(program->jump_only);
    free(program->emitter.code.at);
    free(program->emitter.fixups.at);
    free(program->emitter.windows.at);
    image_free(&program->image);
}
