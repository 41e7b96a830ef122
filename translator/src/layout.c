#include "program.h"

#include <stdlib.h>

#include "kmv/windows.h"

/* Sections move by whole pages, or more where one is aligned to more: every alignment is kept. */
#define SHIFT_ALIGN 4096u

enum {
    SHORT_REACH_BACK = -128,
    SHORT_REACH_AHEAD = 127,
    SIZE_JMP_NEAR = 5,
    SIZE_JCC_NEAR = 6,
    SIZE_COUNT_NEAR = 9, /* jecxz or loop over a short jmp, then a near jmp */
};

unsigned branch_prefixes(const uint8_t *bytes, unsigned length)
{
    unsigned count = 0;
    while (count < length &&
           (bytes[count] == 0x2e || bytes[count] == 0x3e || bytes[count] == 0x26 ||
            bytes[count] == 0x36 || bytes[count] == 0x64 || bytes[count] == 0x65 ||
            bytes[count] == 0x67 || bytes[count] == 0xf2 || bytes[count] == 0xf3))
        count++;
    return count;
}

static bool is_short(const uint8_t *opcode)
{
    return opcode[0] == 0xeb || (opcode[0] & 0xf0) == 0x70 || (opcode[0] & 0xfc) == 0xe0;
}

static uint32_t near_size(uint8_t opcode)
{
    if (opcode == 0xeb)
        return SIZE_JMP_NEAR;
    return (opcode & 0xf0) == 0x70 ? SIZE_JCC_NEAR : SIZE_COUNT_NEAR;
}

uint32_t item_body_size(const struct text *text, const struct item *item)
{
    const uint8_t *bytes = item_bytes(text, item);
    switch ((enum item_kind)item->kind) {
    case ITEM_DATA:
        return item->target;
    case ITEM_PAD:
        return 0;
    case ITEM_BRANCH:
        if (item->flags & ITEM_NEAR) {
            unsigned prefixes = branch_prefixes(bytes, item->length);
            return prefixes + near_size(bytes[prefixes]);
        }
        return item->length;
    case ITEM_PLAIN:
        break;
    }
    bool emitted = item->row != WRITER_NONE && writer_classes[item->row].emit != NULL;
    return emitted ? 0 : item->length;
}

static void place_text(struct program *program, const struct text *text)
{
    uint32_t addr = text->section->new_addr;
    for (uint32_t i = text->first; i < text->end; i++) {
        struct item *item = &program->items[i];
        if (item->flags & ITEM_ALIGNED)
            addr = (addr + TEXT_ALIGN - 1) & ~(TEXT_ALIGN - 1);
        item->new_addr = addr + item->entry_size;
        addr += item->chunk_size + item_body_size(text, item);
    }
    text->section->new_size = addr - text->section->new_addr;
}

/* A short branch that no longer reaches becomes a near one; true if there was one. Never the other
 * way: that ends. */
static bool widen_branches(struct program *program, const struct text *text)
{
    bool widened = false;
    for (uint32_t i = text->first; i < text->end; i++) {
        struct item *item = &program->items[i];
        if (item->kind != ITEM_BRANCH || (item->flags & ITEM_NEAR) || item->target == NO_ITEM)
            continue;
        const uint8_t *bytes = item_bytes(text, item);
        if (!is_short(bytes + branch_prefixes(bytes, item->length)))
            continue;
        uint32_t end = item->new_addr - item->entry_size + item->chunk_size + item->length;
        int64_t distance = (int32_t)(program->items[item->target].new_addr - end);
        if (distance < SHORT_REACH_BACK || distance > SHORT_REACH_AHEAD) {
            item->flags |= ITEM_NEAR;
            widened = true;
        }
    }
    return widened;
}

static int compare_sections(const void *left, const void *right)
{
    const struct section *a = *(struct section *const *)left, *b = *(struct section *const *)right;
    if (a->header.sh_addr != b->header.sh_addr)
        return a->header.sh_addr < b->header.sh_addr ? -1 : 1;
    return a < b ? -1 : a > b;
}

static const struct text *text_of(const struct program *program, const struct section *section)
{
    for (unsigned t = 0; t < program->text_count; t++)
        if (program->texts[t].section == section)
            return &program->texts[t];
    return NULL;
}

/* The map of windows stands behind the last text section. */
static void reserve_map(const struct program *program, const struct text *text)
{
    uint32_t base, count;
    if (text + 1 == program->texts + program->text_count && program_mapped(program, &base, &count))
        text->section->tail = program_map_at(base + count) - (base + count) +
                              (uint32_t)sizeof(struct kmv_window_map) + (count + 31) / 32 * 4;
}

static void place_sections(struct program *program, struct section **sorted, unsigned count)
{
    uint32_t shift = 0, align = SHIFT_ALIGN;
    for (unsigned i = 0; i < count; i++)
        if (sorted[i]->header.sh_addralign > align)
            align = sorted[i]->header.sh_addralign;
    for (unsigned i = 0; i < count; i++) {
        struct section *section = sorted[i];
        section->new_addr = section->header.sh_addr + shift;
        section->new_size = section->header.sh_size;
        const struct text *text = text_of(program, section);
        if (text == NULL)
            continue;
        place_text(program, text);
        reserve_map(program, text);
        uint32_t size = section->new_size + section->tail;
        if (size > section->header.sh_size)
            shift += (size - section->header.sh_size + align - 1) & ~(align - 1);
    }
}

bool program_layout(struct program *program)
{
    struct image *image = &program->image;
    struct section **sorted = xcalloc(image->section_count, sizeof(*sorted));
    unsigned count = 0;
    for (unsigned i = 0; i < image->section_count; i++)
        if (image->sections[i].loaded)
            sorted[count++] = &image->sections[i];
    vec_sort(sorted, count, sizeof(*sorted), compare_sections);
    bool widened = true;
    while (widened) {
        widened = false;
        place_sections(program, sorted, count);
        for (unsigned t = 0; t < program->text_count; t++)
            widened |= widen_branches(program, &program->texts[t]);
    }
    bool fits = true;
    for (unsigned i = 0; i < count; i++)
        fits = fits && sorted[i]->new_addr >= sorted[i]->header.sh_addr &&
               sorted[i]->new_addr <= UINT32_MAX - sorted[i]->new_size - sorted[i]->tail;
    free(sorted);
    return fits || diag_fail(&program->diag, "its code grows beyond 4 GiB: link it lower");
}
