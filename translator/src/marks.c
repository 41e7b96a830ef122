#include "program.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_function(const struct image *image, const Elf32_Sym *symbol)
{
    return ELF32_ST_TYPE(symbol->st_info) == STT_FUNC && symbol->st_shndx < image->section_count &&
           image->sections[symbol->st_shndx].code;
}

static void mark_entry(struct program *program, uint32_t index)
{
    if (index != NO_ITEM && program->items[index].kind != ITEM_DATA)
        program->items[index].flags |= ITEM_ENTRY;
}

static void mark_pointer(struct program *program, uint32_t index)
{
    mark_entry(program, index);
    if (index != NO_ITEM)
        program->items[index].flags |= ITEM_POINTER;
}

/* Padding is dropped where nothing runs into it and an aligned function follows. */
static void settle_padding(struct program *program, const struct text *text)
{
    for (uint32_t i = text->end; i-- > text->first;) {
        struct item *item = &program->items[i];
        if (item->kind != ITEM_PAD)
            continue;
        bool before_aligned = i + 1 < text->end && (program->items[i + 1].flags & ITEM_ALIGNED);
        if (before_aligned && !(item->flags & ITEM_ENTRY))
            item->flags |= ITEM_ALIGNED; /* so that a run of nops is settled as one */
    }
    bool dropping = false;
    for (uint32_t i = text->first; i < text->end; i++) {
        struct item *item = &program->items[i];
        bool after_stop = i > text->first && (program->items[i - 1].flags & ITEM_STOPS);
        if (item->kind != ITEM_PAD) {
            dropping = false;
            continue;
        }
        dropping = (item->flags & ITEM_ALIGNED) && (dropping || after_stop);
        item->flags &= ~ITEM_ALIGNED;
        if (!dropping)
            item->kind = ITEM_PLAIN;
    }
}

static void mark_functions(struct program *program)
{
    const struct image *image = &program->image;
    for (unsigned i = 0; i < image->symbol_count; i++) {
        const Elf32_Sym *symbol = &image->symbols[i];
        if (!is_function(image, symbol))
            continue;
        uint32_t index = program_find(program, symbol->st_value);
        mark_entry(program, index);
        if (index != NO_ITEM && symbol->st_value % TEXT_ALIGN == 0)
            program->items[index].flags |= ITEM_ALIGNED;
    }
    for (uint32_t i = 0; i < program->item_count; i++)
        if (program->items[i].kind == ITEM_DATA && program->items[i].addr % 4 == 0)
            program->items[i].flags |= ITEM_ALIGNED;
}

uint32_t reloc_value(const struct image *image, const struct reloc *reloc)
{
    const struct section *section = &image->sections[reloc->section];
    uint32_t value;
    memcpy(&value, section->data + (reloc->addr - section->header.sh_addr), sizeof(value));
    return reloc->type == R_386_32 ? value : value + reloc->addr;
}

/* Every relocated field of a text section must be part of one instruction, or of data. */
static bool check_fields(struct program *program)
{
    const struct image *image = &program->image;
    for (size_t i = 0; i < image->reloc_count; i++) {
        const struct reloc *reloc = &image->relocs[i];
        if (!image->sections[reloc->section].code)
            continue;
        uint32_t index = program_covering(program, reloc->addr);
        const struct item *item = &program->items[index];
        uint32_t length = item->kind == ITEM_DATA ? item->target : item->length;
        if (reloc->addr - item->addr + reloc_field_size(reloc->type) > length)
            return diag_fail(&program->diag,
                             "relocation at 0x%08" PRIx32
                             " crosses instructions: give data an object symbol",
                             reloc->addr);
    }
    return true;
}

/* Code whose address is taken may be called through it. */
static void mark_pointers(struct program *program)
{
    const struct image *image = &program->image;
    for (size_t i = 0; i < image->reloc_count; i++) {
        const struct reloc *reloc = &image->relocs[i];
        if (program->jump_only[i] || (reloc->type != R_386_32 && reloc->type != R_386_PC32))
            continue;
        if (reloc->type == R_386_PC32 && image->sections[reloc->section].code)
            continue; /* a branch: seen by its decoding */
        struct meaning meaning =
            address_meaning(program, &image->symbols[reloc->symbol], reloc_value(image, reloc));
        if (meaning.section != NULL && meaning.section->code && !meaning.physical)
            mark_pointer(program, program_find(program, meaning.addr));
    }
}

static void mark_calls(struct program *program)
{
    for (uint32_t i = 0; i < program->item_count; i++)
        if (program->items[i].kind == ITEM_BRANCH && program->items[i].flow == FLOW_CALL)
            mark_entry(program, program->items[i].target);
}

/* The function symbol that covers an address, or NULL. */
static const Elf32_Sym *function_at(const struct image *image, uint32_t addr)
{
    const Elf32_Sym *symbol = image_symbol_at(image, addr);
    if (symbol == NULL || !is_function(image, symbol) || addr - symbol->st_value >= symbol->st_size)
        return NULL;
    return symbol;
}

/*
 * The entries of a jump table at `addr`, used by a jump inside `function`, lead into that function,
 * but not to its start: where that ends, the table does. They are never called.
 */
static void mark_table(struct program *program, const Elf32_Sym *function, uint32_t addr)
{
    const struct image *image = &program->image;
    for (uint32_t i = program_first_reloc(program, addr); i < image->reloc_count; i++, addr += 4) {
        const struct reloc *reloc = &image->relocs[i];
        if (reloc->addr != addr || reloc->type != R_386_32 || image->sections[reloc->section].code)
            return;
        uint32_t target = reloc_value(image, reloc);
        if (target <= function->st_value || function_at(image, target) != function)
            return;
        program->jump_only[i] = 1;
    }
}

/* ff 24 SIB disp32 with no base and a scale of 4: jmp *table(, reg, 4), perhaps after a notrack
 * prefix. */
static bool is_table_jump(const uint8_t *bytes, unsigned length)
{
    if (length == 8 && bytes[0] == 0x3e)
        bytes++, length--;
    return length == 7 && bytes[0] == 0xff && bytes[1] == 0x24 && (bytes[2] & 0xc7) == 0x85;
}

static void mark_tables(struct program *program)
{
    for (unsigned t = 0; t < program->text_count; t++) {
        const struct text *text = &program->texts[t];
        for (uint32_t i = text->first; i < text->end; i++) {
            const struct item *item = &program->items[i];
            const uint8_t *bytes = item_bytes(text, item);
            if (item->kind != ITEM_PLAIN || !is_table_jump(bytes, item->length))
                continue;
            const Elf32_Sym *function = function_at(&program->image, item->addr);
            uint32_t field = item->addr + item->length - 4;
            uint32_t reloc = program_first_reloc(program, field);
            if (function != NULL && reloc < program->image.reloc_count &&
                program->image.relocs[reloc].addr == field)
                mark_table(program, function,
                           reloc_value(&program->image, &program->image.relocs[reloc]));
        }
    }
}

static void hardware_only(struct item *item, uint8_t flag)
{
    item->flags = (item->flags | flag) & (uint8_t) ~(ITEM_ENTRY | ITEM_POINTER);
}

/* Finds the item of an entry that was named. */
static bool find_trap(struct program *program, struct trap_entry *trap)
{
    const struct image *image = &program->image;
    for (unsigned i = 0; i < image->symbol_count; i++) {
        const Elf32_Sym *symbol = &image->symbols[i];
        if (strcmp(image_symbol_name(image, symbol), trap->symbol) != 0)
            continue;
        trap->item = program_find(program, symbol->st_value);
        if (trap->item == NO_ITEM || program->items[trap->item].kind == ITEM_DATA)
            return diag_fail(&program->diag, "trap entry %s is no instruction: name a code label",
                             trap->symbol);
        return true;
    }
    return diag_fail(&program->diag, "trap entry %s: no such symbol: check --trap-entry",
                     trap->symbol);
}

/* Immediate pushes that lead to a jump to the gate: between the interrupt and the copy of its
 * frame. */
static void mark_stub(struct program *program, uint32_t jump)
{
    static int push_immediate = -1;
    if (push_immediate < 0)
        push_immediate = writer_class_find("push_immediate");
    uint32_t i = jump;
    hardware_only(&program->items[i], ITEM_STUB);
    while (i-- > 0 && program->items[i].row == push_immediate)
        hardware_only(&program->items[i], ITEM_STUB);
}

static void mark_stubs(struct program *program, const struct trap_entry *trap)
{
    for (uint32_t i = 0; i < program->item_count; i++)
        if (program->items[i].kind == ITEM_BRANCH && program->items[i].flow == FLOW_JUMP &&
            program->items[i].target == trap->item)
            mark_stub(program, i);
}

bool program_mark(struct program *program)
{
    program->jump_only = xcalloc(program->image.reloc_count, 1);
    if (!check_fields(program))
        return false;
    mark_tables(program);
    mark_functions(program);
    mark_pointers(program);
    mark_calls(program);
    if (program->options.trap_count == 0)
        program_find_gates(program);
    for (unsigned i = 0; i < program->options.trap_count; i++) {
        struct trap_entry *trap = &program->options.traps[i];
        if (trap->item == NO_ITEM && !find_trap(program, trap))
            return false;
        hardware_only(&program->items[trap->item], ITEM_TRAP);
        if (trap->gate)
            mark_stubs(program, trap);
    }
    for (unsigned t = 0; t < program->text_count; t++)
        settle_padding(program, &program->texts[t]);
    return true;
}
