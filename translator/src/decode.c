#include "program.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

VEC(item_vec, struct item);

/* A stretch of data in a text section. */
struct range {
    uint32_t start;
    uint32_t end;
};
VEC(range_vec, struct range);

static int compare_ranges(const void *left, const void *right)
{
    const struct range *a = left, *b = right;
    return a->start < b->start ? -1 : a->start > b->start;
}

static struct range_vec find_data(const struct image *image)
{
    struct range_vec ranges = {0};
    for (unsigned i = 0; i < image->symbol_count; i++) {
        const Elf32_Sym *symbol = &image->symbols[i];
        if (ELF32_ST_TYPE(symbol->st_info) != STT_OBJECT || symbol->st_size == 0 ||
            symbol->st_shndx >= image->section_count || !image->sections[symbol->st_shndx].code)
            continue;
        const Elf32_Shdr *header = &image->sections[symbol->st_shndx].header;
        uint32_t offset = symbol->st_value - header->sh_addr;
        if (offset >= header->sh_size || symbol->st_size > header->sh_size - offset)
            continue;
        struct range range = {symbol->st_value, symbol->st_value + symbol->st_size};
        vec_push(&ranges, range);
    }
    vec_sort(ranges.at, ranges.count, sizeof(*ranges.at), compare_ranges);
    return ranges;
}

static bool fail_at(struct program *program, const uint8_t *bytes, size_t size, uint32_t addr,
                    const char *what)
{
    char hex[3 * ZYDIS_MAX_INSTRUCTION_LENGTH + 1] = "";
    for (size_t i = 0; i < size && i < ZYDIS_MAX_INSTRUCTION_LENGTH; i++)
        sprintf(hex + 3 * i, "%02x ", bytes[i]);
    if (hex[0] != '\0')
        hex[strlen(hex) - 1] = '\0';
    const Elf32_Sym *symbol = image_symbol_at(&program->image, addr);
    return diag_fail(&program->diag, "0x%08" PRIx32 " <%s>: %s: %s", addr,
                     symbol ? image_symbol_name(&program->image, symbol) : "", hex, what);
}

static bool refuse_writer(struct program *program, const struct insn *insn)
{
    char what[128];
    snprintf(what, sizeof(what),
             "`%s` writes memory and has no writer class: use another instruction",
             ZydisMnemonicGetString(insn->zydis.mnemonic));
    return fail_at(program, insn->bytes, insn->length, insn->addr, what);
}

/*
 * A load of esp from elsewhere than ebp may switch stacks: registers may then carry values to code
 * that liveness cannot see.
 */
static bool switches_stack(const struct insn *insn)
{
    if (!(insn->writes & GPR_BIT(ESP)))
        return false;
    ZydisMnemonic mnemonic = insn->zydis.mnemonic;
    if (mnemonic == ZYDIS_MNEMONIC_MOV)
        return !(insn->operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER &&
                 insn->operands[1].reg.value == ZYDIS_REGISTER_EBP);
    if (mnemonic == ZYDIS_MNEMONIC_LEA)
        return (insn->address_regs & ~(GPR_BIT(ESP) | GPR_BIT(EBP))) != 0;
    return mnemonic == ZYDIS_MNEMONIC_XCHG || mnemonic == ZYDIS_MNEMONIC_XADD ||
           (mnemonic == ZYDIS_MNEMONIC_POP &&
            insn->operands[0].type == ZYDIS_OPERAND_TYPE_REGISTER &&
            insn->operands[0].reg.value == ZYDIS_REGISTER_ESP);
}

static enum item_flow flow_of(const struct insn *insn)
{
    switch (insn->zydis.meta.category) {
    case ZYDIS_CATEGORY_UNCOND_BR:
        return insn_is_relative_branch(insn) ? FLOW_JUMP : FLOW_UNKNOWN;
    case ZYDIS_CATEGORY_COND_BR:
        return FLOW_BRANCH;
    case ZYDIS_CATEGORY_CALL:
        return insn_is_relative_branch(insn) ? FLOW_CALL : FLOW_UNKNOWN;
    case ZYDIS_CATEGORY_RET:
        return insn->zydis.meta.branch_type == ZYDIS_BRANCH_TYPE_NEAR ? FLOW_RETURN : FLOW_UNKNOWN;
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_SYSCALL:
    case ZYDIS_CATEGORY_SYSRET:
    case ZYDIS_CATEGORY_VTX:
        return FLOW_UNKNOWN;
    default:
        return switches_stack(insn) ? FLOW_UNKNOWN : FLOW_NEXT;
    }
}

static bool check_branch(struct program *program, const struct insn *insn)
{
    if (insn->zydis.operand_width == 16)
        return fail_at(program, insn->bytes, insn->length, insn->addr,
                       "a 16-bit branch in 32-bit code: move it to a section .code16");
    if (insn->zydis.mnemonic == ZYDIS_MNEMONIC_XBEGIN)
        return fail_at(program, insn->bytes, insn->length, insn->addr,
                       "`xbegin` is not supported: build without transactional memory");
    return true;
}

static bool add_instruction(struct program *program, const struct insn *insn,
                            struct item_vec *items)
{
    uint8_t row;
    if (!classify(insn, &row))
        return refuse_writer(program, insn);
    struct item item = {
        .addr = insn->addr, .target = NO_ITEM, .length = insn->length & 15, .row = row & 31};
    if (insn_is_relative_branch(insn)) {
        if (!check_branch(program, insn))
            return false;
        item.kind = ITEM_BRANCH;
        item.target = insn_branch_target(insn);
    } else if (insn_is_nop(insn)) {
        item.kind = ITEM_PAD; /* settled once all items are known */
    }
    item.flow = flow_of(insn);
    if (insn_ends_flow(insn))
        item.flags |= ITEM_STOPS;
    item.reads =
        (uint8_t)((insn->reads & ~STATUS_FLAGS) | (insn_reads_flags(insn) ? STATUS_FLAGS : 0));
    item.kills =
        (uint8_t)((insn->kills & ~STATUS_FLAGS) | (insn_kills_flags(insn) ? STATUS_FLAGS : 0));
    vec_push(items, item);
    return true;
}

/* Sweeps a section from its start; what object symbols cover is data. */
static bool decode_section(struct program *program, struct section *section,
                           const struct range_vec *data, struct item_vec *items)
{
    uint32_t addr = section->header.sh_addr, end = addr + section->header.sh_size;
    size_t next = 0;
    while (addr < end) {
        while (next < data->count && data->at[next].end <= addr)
            next++;
        if (next < data->count && data->at[next].start <= addr) {
            struct item item = {.addr = addr,
                                .kind = ITEM_DATA,
                                .row = WRITER_NONE,
                                .flow = FLOW_UNKNOWN,
                                .flags = ITEM_STOPS,
                                .target = data->at[next].end - addr};
            vec_push(items, item);
            addr = data->at[next].end;
            continue;
        }
        struct insn insn;
        const uint8_t *bytes = section->data + (addr - section->header.sh_addr);
        uint32_t limit =
            next < data->count && data->at[next].start < end ? data->at[next].start : end;
        if (!insn_decode(&program->decoder, bytes, limit - addr, addr, &insn))
            return fail_at(program, bytes, limit - addr, addr,
                           "no instruction: give data in text an object symbol (.type, .size)");
        if (!add_instruction(program, &insn, items))
            return false;
        addr += insn.length;
    }
    items->at[items->count - 1].flags |= ITEM_LAST;
    return true;
}

static int compare_texts(const void *left, const void *right)
{
    const struct text *a = left, *b = right;
    uint32_t a_addr = a->section->header.sh_addr, b_addr = b->section->header.sh_addr;
    return a_addr < b_addr ? -1 : a_addr > b_addr;
}

static void find_texts(struct program *program)
{
    struct image *image = &program->image;
    program->texts = xcalloc(image->section_count, sizeof(*program->texts));
    for (unsigned i = 0; i < image->section_count; i++)
        if (image->sections[i].code)
            program->texts[program->text_count++].section = &image->sections[i];
    vec_sort(program->texts, program->text_count, sizeof(*program->texts), compare_texts);
}

/* True for a near branch with a relocation: where it leads can be worked out anew, whatever lies
 * there. */
static bool is_relocated(const struct program *program, const struct item *item)
{
    uint32_t field = item->addr + item->length - 4;
    uint32_t reloc = program_first_reloc(program, field);
    return item->length > 4 && reloc < program->image.reloc_count &&
           program->image.relocs[reloc].addr == field;
}

/* Branch targets were addresses so far. A branch out of the code (into data, say) has no target
 * item. */
static bool resolve_branches(struct program *program, const struct text *text)
{
    for (uint32_t i = text->first; i < text->end; i++) {
        struct item *item = &program->items[i];
        if (item->kind != ITEM_BRANCH)
            continue;
        uint32_t addr = item->target;
        item->target = program_find(program, addr);
        if (item->target != NO_ITEM && program->items[item->target].kind != ITEM_DATA)
            continue;
        const struct section *section = image_section_at(&program->image, addr);
        bool inside = section != NULL && section->code && item->target == NO_ITEM &&
                      (program_covering(program, addr) == NO_ITEM ||
                       program->items[program_covering(program, addr)].kind != ITEM_DATA);
        if (inside || !is_relocated(program, item))
            return fail_at(program, item_bytes(text, item), item->length, item->addr,
                           "the branch leads to no instruction: it cannot be moved");
        item->target = NO_ITEM;
    }
    return true;
}

bool program_decode(struct program *program)
{
    struct item_vec items = {0};
    struct range_vec data = find_data(&program->image);
    bool ok = true;
    find_texts(program);
    for (unsigned i = 0; ok && i < program->text_count; i++) {
        program->texts[i].first = (uint32_t)items.count;
        ok = decode_section(program, program->texts[i].section, &data, &items);
        program->texts[i].end = (uint32_t)items.count;
    }
    free(data.at);
    program->items = items.at;
    program->item_count = (uint32_t)items.count;
    if (ok && items.count == 0)
        ok = diag_fail(&program->diag, "no code: nothing to translate");
    for (unsigned i = 0; ok && i < program->text_count; i++)
        text_index(program, &program->texts[i]);
    for (unsigned i = 0; ok && i < program->text_count; i++)
        ok = resolve_branches(program, &program->texts[i]);
    return ok;
}
