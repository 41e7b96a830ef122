#include "program.h"

#include <stdlib.h>

void text_index(const struct program *program, struct text *text)
{
    uint32_t start = text->section->header.sh_addr,
             count = text->section->header.sh_size / HINT_BYTES + 1;
    uint32_t item = text->first;
    text->hints = xcalloc(count, sizeof(*text->hints));
    for (uint32_t i = 0; i < count; i++) {
        while (item + 1 < text->end && program->items[item + 1].addr <= start + i * HINT_BYTES)
            item++;
        text->hints[i] = item;
    }
}

/* The last item that starts at or below an address, or NO_ITEM if that is in no text section. */
static uint32_t last_below(const struct program *program, uint32_t addr)
{
    for (unsigned t = 0; t < program->text_count; t++) {
        const struct text *text = &program->texts[t];
        uint32_t offset = addr - text->section->header.sh_addr;
        if (offset >= text->section->header.sh_size)
            continue;
        uint32_t item = text->hints[offset / HINT_BYTES];
        while (item + 1 < text->end && program->items[item + 1].addr <= addr)
            item++;
        return item;
    }
    return NO_ITEM;
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

bool program_run(struct program *program, const struct bytes *input, FILE *output)
{
    program->sink.stream = output;
    insn_decoder_init(&program->decoder);
    if (!image_read(&program->image, input->at, input->count, &program->diag) ||
        !program_decode(program) || !program_mark(program))
        return false;
    program_liveness(program);
    program_group(program);
    program_find_prefetches(program);
    if (!program_translate(program) || !program_layout(program) || !program_relocate(program))
        return false;
    emitter_drop_code(&program->emitter);
    return program_write(program);
}

void program_free(struct program *program)
{
    for (unsigned t = 0; t < program->text_count; t++)
        free(program->texts[t].hints);
    free(program->texts);
    free(program->items);
    free(program->jump_only);
    free(program->groups);
    free(program->prefetches);
    if (program->options.traps == program->gates)
        program->options.traps = NULL;
    free(program->gates);
    emitter_drop_code(&program->emitter);
    free(program->emitter.windows.at);
    image_free(&program->image);
}

bool program_mapped(const struct program *program, uint32_t *base, uint32_t *count)
{
    uint64_t size = 0;
    if (program->options.identity || program->text_count == 0)
        return false;
    for (unsigned t = 0; t < program->text_count; t++)
        size += program->texts[t].section->new_size;
    const struct section *last = program->texts[program->text_count - 1].section;
    *base = program->texts[0].section->new_addr;
    *count = last->new_addr + last->new_size - *base;
    return *count / 8 <= size;
}
