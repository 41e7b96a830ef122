#include "program.h"

#include "usage.h"

#include <stdlib.h>
#include <string.h>

/* Bytes of a hardware frame of five dwords with an error code and a vector's number, which vectors
 * push. */
#define VECTOR_FRAME    28
#define DEFERRED_PUSHES 2

bool program_original(const struct program *program, uint32_t index, struct insn *insn)
{
    uint32_t address = program->map->pairs[index].old_addr;
    const struct elf_section *section = elf_section_at(program->map->native, address);
    uint32_t at;

    if (!section || !section_is_code(section)) {
        return false;
    }
    at = address - section->header.sh_addr;
    return insn_decode(program->decoder, section->bytes + at, section->header.sh_size - at, address,
                       insn);
}

static enum flow_kind flow_kind_of(const struct insn *insn)
{
    uint32_t target;

    if (insn_branch_target(insn, &target)) {
        return insn->id == X86_INS_CALL  ? FLOW_CALL
               : insn->id == X86_INS_JMP ? FLOW_JUMP
                                         : FLOW_BRANCH;
    }
    switch (insn->id) {
    case X86_INS_UD2:
        return FLOW_DEAD;
    case X86_INS_RET:
        return insn->size16 ? FLOW_AWAY : FLOW_RETURN;
    case X86_INS_CALL:
    case X86_INS_JMP:
    case X86_INS_LJMP:
    case X86_INS_LCALL:
    case X86_INS_RETF:
    case X86_INS_IRET:
    case X86_INS_IRETD:
    case X86_INS_INT:
    case X86_INS_INT3:
    case X86_INS_INTO:
    case X86_INS_INT1:
    case X86_INS_SYSENTER:
    case X86_INS_SYSEXIT:
    case X86_INS_HLT:
        return FLOW_AWAY;
    default:
        return FLOW_NEXT;
    }
}

static void raise_entry(struct program *program, uint32_t index, enum entry_kind kind)
{
    if (index != NO_INDEX) {
        program->flows[index].targeted = true;
    }
    if (index != NO_INDEX && program->flows[index].entry < kind) {
        program->flows[index].entry = (uint8_t)kind;
    }
}

static void load_flow(struct program *program, uint32_t index)
{
    struct flow *flow = &program->flows[index];
    uint32_t old_address = program->map->pairs[index].old_addr;
    uint32_t target;
    struct insn insn;

    flow->target = NO_INDEX;
    flow->kind = FLOW_AWAY;
    flow->reads = LIVE_ALL;
    if (!program_original(program, index, &insn)) {
        report_add(program->report, "%08x: the original holds no instruction here", old_address);
        return;
    }
    flow->length = insn.length;
    flow->kind = (uint8_t)flow_kind_of(&insn);
    usage_of(&insn, &flow->reads, &flow->kills);
    if (!insn_branch_target(&insn, &target)) {
        return;
    }
    flow->target = map_pair(program->map, target);
    if (flow->target == NO_INDEX) {
        report_add(program->report, "%08x: %s goes to %08x, where the map has no instruction",
                   old_address, insn_name(program->decoder, &insn), target);
    }
}

static void mark_branches(struct program *program)
{
    uint32_t start = map_pair(program->map, program->map->native->header.e_entry);

    for (uint32_t i = 0; i < program->map->pair_count; i++) {
        if (program->flows[i].target != NO_INDEX) {
            program->flows[program->flows[i].target].targeted = true;
        }
    }
    if (start != NO_INDEX) {
        program->flows[start].targeted = true;
    }
}

/* Calls make their target an entry whose return address must be mirrored. */
static void mark_called(struct program *program)
{
    for (uint32_t i = 0; i < program->map->pair_count; i++) {
        if (program->flows[i].kind == FLOW_CALL) {
            raise_entry(program, program->flows[i].target, ENTRY_REQUIRED);
        }
    }
}

/* A return to what was just pushed is a jump. */
static void mark_pushed_returns(struct program *program)
{
    struct insn insn;

    for (uint32_t i = 1; i < program->map->pair_count; i++) {
        if (program->flows[i].kind == FLOW_RETURN && program_original(program, i - 1, &insn) &&
            insn.id == X86_INS_PUSH) {
            program->flows[i].kind = FLOW_AWAY;
        }
    }
}

static bool is_code_symbol(const struct program *program, const struct elf_symbol *symbol)
{
    uint32_t section = symbol->raw.st_shndx;
    uint32_t type = ELF32_ST_TYPE(symbol->raw.st_info);

    return section != SHN_UNDEF && section < SHN_LORESERVE &&
           section_is_code(&program->map->native->sections[section]) &&
           (type == STT_FUNC || type == STT_NOTYPE);
}

/* Every label may have an entry copy: it is harmless there. */
static void mark_labels(struct program *program)
{
    const struct elf_file *native = program->map->native;

    for (uint32_t i = 0; i < native->symbol_count; i++) {
        if (is_code_symbol(program, &native->symbols[i])) {
            raise_entry(program, map_pair(program->map, native->symbols[i].raw.st_value),
                        ENTRY_ALLOWED);
        }
    }
}

static int compare_addresses(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left;
    uint32_t b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

/* Functions whose address is used as a value may be called through it. */
static bool mark_address_taken(struct program *program)
{
    const struct elf_file *native = program->map->native;
    uint32_t *functions = calloc(native->symbol_count + 1, sizeof(*functions));
    size_t count = 0;

    if (!functions) {
        return false;
    }
    for (uint32_t i = 0; i < native->symbol_count; i++) {
        const struct elf_symbol *symbol = &native->symbols[i];

        if (is_code_symbol(program, symbol) && ELF32_ST_TYPE(symbol->raw.st_info) == STT_FUNC) {
            functions[count++] = symbol->raw.st_value;
        }
    }
    qsort(functions, count, sizeof(*functions), compare_addresses);
    for (uint32_t i = 0; i < native->reloc_count; i++) {
        const uint8_t *field = elf_bytes_at(native, native->relocs[i].address, 4);
        uint32_t value = 0;
        uint32_t index;
        bool is_function;

        if (native->relocs[i].type != R_386_32 || !field) {
            continue;
        }
        memcpy(&value, field, sizeof(value));
        is_function = bsearch(&value, functions, count, sizeof(value), compare_addresses) != NULL;
        index = map_pair(program->map, value);
        raise_entry(program, index, is_function ? ENTRY_REQUIRED : ENTRY_ALLOWED);
        if (is_function && index != NO_INDEX) {
            program->map->called[index] = true;
        }
    }
    free(functions);
    return true;
}

/*
 * Vectors push a number and jump to code that they share, which mirrors the hardware's frame, too:
 * windows may hold all of a vector.
 */
static void mark_stub(struct program *program, uint32_t jump)
{
    const struct address_map *map = program->map;
    uint32_t first = jump;
    struct insn insn;

    while (first > 0 && program->flows[first].entry == ENTRY_NONE &&
           map->pairs[first - 1].old_addr + program->flows[first - 1].length ==
               map->pairs[first].old_addr &&
           program_original(program, first - 1, &insn) && insn.id == X86_INS_PUSH) {
        first--;
    }
    if (first == jump || program->flows[first].entry == ENTRY_NONE) {
        return;
    }
    while (first <= jump) {
        program->flows[first++].stub = true;
    }
}

static void mark_stubs(struct program *program)
{
    for (uint32_t i = 0; i < program->map->pair_count; i++) {
        if (program->flows[i].kind == FLOW_JUMP) {
            mark_stub(program, i);
        }
    }
}

static uint32_t find_vector_word(const struct elf_file *translated)
{
    for (uint32_t i = 0; i < translated->symbol_count; i++) {
        const struct elf_symbol *symbol = &translated->symbols[i];

        if (ELF32_ST_TYPE(symbol->raw.st_info) == STT_OBJECT && symbol->raw.st_size == 4 &&
            strcmp(symbol->name, KMV_VECTOR_SYMBOL) == 0) {
            return symbol->raw.st_value;
        }
    }
    return 0;
}

bool program_load(struct program *program, struct address_map *map, struct decoder *decoder,
                  struct report *report)
{
    memset(program, 0, sizeof(*program));
    program->map = map;
    program->decoder = decoder;
    program->report = report;
    program->vector_word = find_vector_word(map->translated);
    program->flows = calloc(map->pair_count, sizeof(*program->flows));
    if (!program->flows) {
        return false;
    }
    for (uint32_t i = 0; i < map->pair_count; i++) {
        load_flow(program, i);
    }
    mark_pushed_returns(program);
    mark_branches(program);
    mark_called(program);
    mark_labels(program);
    if (!mark_address_taken(program)) {
        return false;
    }
    mark_stubs(program);
    return true;
}

void program_free(struct program *program)
{
    free(program->flows);
    free(program->live_in);
    free(program->live_out);
    memset(program, 0, sizeof(*program));
}

/*
 * Where the whole of a vector's frame is mirrored, that includes what vectors push last: an error
 * code and their number.
 */
static void defer_pushes(struct program *program, uint32_t trap)
{
    for (uint32_t i = 0; i < program->map->pair_count; i++) {
        const struct flow *jump = &program->flows[i];

        if (!jump->stub || jump->kind != FLOW_JUMP || jump->target != trap) {
            continue;
        }
        for (uint32_t n = 1; n <= DEFERRED_PUSHES && n <= i; n++) {
            struct flow *push = &program->flows[i - n];

            if (!push->stub || push->kind == FLOW_JUMP || push->entry == ENTRY_REQUIRED) {
                break;
            }
            push->deferred = true;
            program->flows[i - n + 1].owing = true;
        }
    }
}

bool program_add_trap(struct program *program, const char *symbol, uint8_t at, uint8_t size)
{
    const struct elf_file *native = program->map->native;

    for (uint32_t i = 0; i < native->symbol_count; i++) {
        uint32_t index;

        if (strcmp(native->symbols[i].name, symbol) != 0 ||
            !is_code_symbol(program, &native->symbols[i])) {
            continue;
        }
        index = map_pair(program->map, native->symbols[i].raw.st_value);
        if (index != NO_INDEX) {
            program->flows[index].entry = ENTRY_TRAP;
            program->flows[index].frame_at = at;
            program->flows[index].frame = size;
            if (at == 0 && size == VECTOR_FRAME) {
                defer_pushes(program, index);
            }
            return true;
        }
    }
    return false;
}
