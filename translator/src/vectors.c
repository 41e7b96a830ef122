/*
 * Trap entries that nobody named. A kernel builds its IDT from a table of the addresses of its
 * vector stubs; each stub pushes its number, perhaps behind an error code of its own, and jumps to
 * one common entry. Such a table is data that tells where the processor's frames are.
 */
#include "program.h"

#include <stdlib.h>

/* The exceptions that the processor defines (SDM volume 3, 6.3.1): no IDT has fewer vectors. */
#define LEAST_VECTORS 32u

#define MOST_PUSHES 2u

/* What the processor and a stub have pushed at the common entry, as kind `gate` in main.c. */
static const struct trap_frame gate_frame = {0, 7};

/* Where the vector stub at an item jumps, or NO_ITEM: it is none. */
static uint32_t stub_target(const struct program *program, uint32_t index, int push_immediate)
{
    unsigned pushes = 0;
    while (index < program->item_count && program->items[index].row == push_immediate &&
           pushes < MOST_PUSHES)
        index++, pushes++;
    if (index >= program->item_count || pushes == 0)
        return NO_ITEM;
    const struct item *jump = &program->items[index];
    return jump->kind == ITEM_BRANCH && jump->flow == FLOW_JUMP ? jump->target : NO_ITEM;
}

/* Where the stub jumps whose address the relocated word holds, or NO_ITEM. */
static uint32_t word_target(const struct program *program, size_t reloc, int push_immediate)
{
    const struct image *image = &program->image;
    const struct reloc *word = &image->relocs[reloc];
    if (word->type != R_386_32 || image->sections[word->section].code)
        return NO_ITEM;
    uint32_t stub = program_find(program, reloc_value(image, word));
    return stub == NO_ITEM ? NO_ITEM : stub_target(program, stub, push_immediate);
}

static void add_gate(struct program *program, uint32_t item)
{
    struct options *options = &program->options;
    for (unsigned i = 0; i < options->trap_count; i++)
        if (options->traps[i].item == item)
            return;
    unsigned count = options->trap_count + 1;
    program->gates = xrealloc(program->gates, count * sizeof(*program->gates));
    program->gates[count - 1] = (struct trap_entry){NULL, gate_frame, true, item};
    options->traps = program->gates;
    options->trap_count = count;
}

void program_find_gates(struct program *program)
{
    const struct image *image = &program->image;
    int push_immediate = writer_class_find("push_immediate");
    for (size_t first = 0, end; first < image->reloc_count; first = end) {
        end = first;
        while (end < image->reloc_count &&
               image->relocs[end].addr == image->relocs[first].addr + 4 * (end - first) &&
               word_target(program, end, push_immediate) != NO_ITEM)
            end++;
        for (size_t i = first; end - first >= LEAST_VECTORS && i < end; i++)
            add_gate(program, word_target(program, i, push_immediate));
        if (end == first)
            end++;
    }
}
