/*
 * Repeated string instructions done with vector registers, 64 or 32 bytes at a time: each unit is
 * stored natively, then to its mirror. Where the native instruction has to run itself (rep ins),
 * only the mirror is written that way, copied from what is stored.
 *
 * Only in programs that say at run time, in a variable, how wide the vector registers are that they
 * keep across interrupts; only where much is stored, upwards, and not onto its source. The first
 * test must leave the flags alone, so it is made of mov, lea and jecxz.
 *
 * Where a native store faults, what vector register 0 held lies at the stack pointer.
 */
#include <string.h>

#include "kmv/note.h"
#include "program.h"
#include "wide.h"

enum {
    JMP_NEAR = 0xe9,
    JB_NEAR = 0x82, /* after 0f */
    JZ_NEAR = 0x84,
    JNZ_NEAR = 0x85,
    OP_ADD = 0x01,
    OP_OR = 0x09,
    OP_SUB = 0x29,
    OP_CMP = 0x39,
    OP_PUSH = 0x50,
    OP_POPF = 0x9d,
    EFLAGS_DF_HIGH = 4, /* bit 10, in the second byte */
};

/* A forward branch whose target is not known yet: where its displacement is. */
static size_t jump_ahead(struct emitter *emitter, unsigned opcode)
{
    if (opcode != JMP_NEAR)
        emit_byte(emitter, 0x0f);
    emit_byte(emitter, (uint8_t)opcode);
    emit_word32(emitter, 0);
    return emitter->code.count - 4;
}

static void land(struct emitter *emitter, size_t jump)
{
    uint32_t distance = (uint32_t)(emitter->code.count - (jump + 4));
    memcpy(emitter->code.at + jump, &distance, sizeof(distance));
}

static void jump_back(struct emitter *emitter, unsigned opcode, size_t target)
{
    size_t jump = jump_ahead(emitter, opcode);
    uint32_t distance = (uint32_t)(target - emitter->code.count);
    memcpy(emitter->code.at + jump, &distance, sizeof(distance));
}

/* vmovdqu ymm0 or vmovdqu32 zmm0, with a displacement of 32 bits, which is never scaled. */
static void put_vector(struct emitter *emitter, const struct wide *wide, bool store, enum gpr base,
                       uint32_t disp)
{
    static const uint8_t vex[] = {0xc5, 0xfe}, evex[] = {0x62, 0xf1, 0x7e, 0x48};
    if (wide->unit == 64)
        emit_bytes(emitter, evex, sizeof(evex));
    else
        emit_bytes(emitter, vex, sizeof(vex));
    emit_byte(emitter, store ? 0x7f : 0x6f);
    emit_byte(emitter, (uint8_t)(0x80 | base));
    if (base == ESP)
        emit_byte(emitter, 0x24);
    emit_word32(emitter, disp);
}

/* One unit, natively and to its mirror; `to` is where the native bytes go. */
static void put_move(struct emitter *emitter, const struct wide *wide, enum gpr to, uint32_t disp)
{
    if (wide->does == WIDE_COPY)
        put_vector(emitter, wide, false, ESI, disp);
    if (wide->does == WIDE_MIRROR)
        put_vector(emitter, wide, false, to, disp);
    else
        put_vector(emitter, wide, true, to, disp);
    put_vector(emitter, wide, true, to, disp + emitter->offset);
}

/* ecx = count in units of 2^shift elements; sets ZF. */
static void put_rounds(struct emitter *emitter, const struct wide *wide, unsigned shift)
{
    emit_mov(emitter, ECX, wide->count);
    emit_bytes(emitter, (uint8_t[]){0xc1, 0xe9, (uint8_t)shift}, 3); /* shr */
}

/* `moves` moves, ecx times. */
static void put_loop(struct emitter *emitter, const struct wide *wide, unsigned moves)
{
    size_t top = emitter->code.count;
    for (unsigned i = 0; i < moves; i++)
        put_move(emitter, wide, wide->start, i * wide->unit);
    emit_lea(emitter, wide->start, emit_based(wide->start, moves * wide->unit));
    if (wide->does == WIDE_COPY)
        emit_lea(emitter, ESI, emit_based(ESI, moves * wide->unit));
    emit_byte(emitter, 0x49); /* dec ecx */
    jump_back(emitter, JNZ_NEAR, top);
}

/* An operation of two registers: its opcode has the form r/m, r. */
static void put_operation(struct emitter *emitter, uint8_t opcode, enum gpr to, enum gpr from)
{
    emit_bytes(emitter, (uint8_t[]){opcode, (uint8_t)(0xc0 | from << 3 | to)}, 2);
}

/* Vector register 0 = the element, again and again, by way of the stack; edi and ecx are free. */
static void put_pattern(struct emitter *emitter, const struct wide *wide)
{
    static const uint8_t vex[] = {0xc4, 0xe2, 0x7d}, evex[] = {0x62, 0xf2, 0x7d, 0x48};
    enum gpr pattern = wide->size == 4 ? EAX : ECX;
    if (wide->size == 1) {
        emit_bytes(emitter, (uint8_t[]){0x0f, 0xb6, 0xc8}, 3); /* movzx ecx, al */
        emit_bytes(emitter, (uint8_t[]){0x88, 0xcd}, 2);       /* mov ch, cl */
        emit_mov(emitter, EDI, ECX);
        emit_bytes(emitter, (uint8_t[]){0xc1, 0xe1, 16}, 3); /* shl ecx, 16 */
        put_operation(emitter, OP_OR, ECX, EDI);
        emit_mov(emitter, EDI, wide->start);
    }
    emit_byte(emitter, (uint8_t)(OP_PUSH | pattern));
    emit_store(emitter, 4, pattern, emit_based(ESP, emitter->offset));
    if (wide->unit == 64)
        emit_bytes(emitter, evex, sizeof(evex));
    else
        emit_bytes(emitter, vex, sizeof(vex));
    emit_bytes(emitter, (uint8_t[]){0x18, 0x04, 0x24}, 3); /* vbroadcastss register 0, [esp] */
    emit_lea(emitter, ESP, emit_based(ESP, 4));
}

/* edi, and esi of a copy, as the instruction leaves them. */
static void put_ends(struct emitter *emitter, const struct wide *wide)
{
    struct mem end = {.base = EDI, .index = (int8_t)wide->count, .scale = wide->size == 4 ? 2 : 0};
    if (wide->does == WIDE_MIRROR)
        return;
    emit_lea(emitter, EDI, end);
    if (wide->does != WIDE_COPY)
        return;
    emit_mov(emitter, ECX, EDI);
    put_operation(emitter, OP_SUB, ECX, wide->start);
    put_operation(emitter, OP_ADD, ESI, ECX);
}

/* What is left at the end is less than a unit: one more move, which overlaps what was done. */
static void put_units(struct emitter *emitter, const struct wide *wide)
{
    unsigned unrolled = wide->unit == 64 ? 8 : 4; /* moves of one round */
    unsigned shift = (unsigned)__builtin_ctz(wide->unit) - (wide->size == 4 ? 2 : 0);
    emit_lea(emitter, ESP, emit_based(ESP, -wide->unit));
    put_vector(emitter, wide, true, ESP, 0);
    put_vector(emitter, wide, true, ESP, emitter->offset);
    if (wide->does == WIDE_FILL)
        put_pattern(emitter, wide);
    put_rounds(emitter, wide, shift + (unsigned)__builtin_ctz(unrolled));
    size_t none = jump_ahead(emitter, JZ_NEAR);
    put_loop(emitter, wide, unrolled);
    land(emitter, none);
    put_rounds(emitter, wide, shift);
    emit_bytes(emitter, (uint8_t[]){0x83, 0xe1, (uint8_t)(unrolled - 1)}, 3); /* and ecx */
    none = jump_ahead(emitter, JZ_NEAR);
    put_loop(emitter, wide, 1);
    land(emitter, none);
    put_ends(emitter, wide);
    put_move(emitter, wide, EDI, -wide->unit);
    put_vector(emitter, wide, false, ESP, 0);
    emit_lea(emitter, ESP, emit_based(ESP, wide->unit));
}

/* ecx = the program's variable; its place is that of a relocated field with the same value. */
static void load_width(struct emitter *emitter)
{
    emit_bytes(emitter, (uint8_t[]){0x8b, 0x0d}, 2);
    emit_reloc(emitter, emitter->width_reloc - 1);
}

static void compare_ecx(struct emitter *emitter, unsigned value)
{
    emit_bytes(emitter, (uint8_t[]){0x83, 0xf9, (uint8_t)value}, 3);
}

bool wide_begin(struct emitter *emitter, struct wide *wide)
{
    if (emitter->width_reloc == 0 || emitter->small_count || (wide->size != 1 && wide->size != 4))
        return false;
    if (wide->size == 4) {
        struct mem scaled = {.base = NO_GPR, .index = (int8_t)wide->count, .scale = 3};
        emit_lea(emitter, ECX, scaled);
    } else {
        emit_mov(emitter, ECX, wide->count);
    }
    emit_bytes(emitter, (uint8_t[]){0xb1, 0}, 2); /* mov cl, 0 */
    emit_bytes(emitter, (uint8_t[]){0xe3, 5}, 2); /* jecxz over the jump */
    wide->to_wide = jump_ahead(emitter, JMP_NEAR);
    wide->narrow = emitter->code.count;
    return true;
}

/* The flags are saved, in both copies; a direction downwards shows in them. Returns the jump that
 * it takes. */
static size_t save_flags(struct emitter *emitter)
{
    emit_byte(emitter, 0x9c); /* pushf */
    emit_load(emitter, 4, ECX, emit_based(ESP, 0));
    emit_store(emitter, 4, ECX, emit_based(ESP, emitter->offset));
    emit_bytes(emitter, (uint8_t[]){0xf6, 0xc5, EFLAGS_DF_HIGH}, 3); /* test ch */
    return jump_ahead(emitter, JNZ_NEAR);
}

/* A copy onto any of its source goes by elements. edi is lost. */
static void test_overlap(struct emitter *emitter, const struct wide *wide, size_t jumps[2])
{
    struct mem bytes = {.base = NO_GPR, .index = (int8_t)wide->count, .scale = 2};
    if (wide->size == 4)
        emit_lea(emitter, EDI, bytes);
    else
        emit_mov(emitter, EDI, wide->count);
    emit_mov(emitter, ECX, wide->start);
    put_operation(emitter, OP_SUB, ECX, ESI);
    put_operation(emitter, OP_CMP, ECX, EDI);
    jumps[0] = jump_ahead(emitter, JB_NEAR);
    emit_bytes(emitter, (uint8_t[]){0xf7, 0xd9}, 2); /* neg ecx */
    put_operation(emitter, OP_CMP, ECX, EDI);
    jumps[1] = jump_ahead(emitter, JB_NEAR);
    emit_mov(emitter, EDI, wide->start);
}

void wide_end(struct emitter *emitter, struct wide *wide)
{
    size_t overlaps[2] = {0}, done = jump_ahead(emitter, JMP_NEAR);
    land(emitter, wide->to_wide);
    size_t downwards = save_flags(emitter);
    if (wide->does == WIDE_COPY)
        test_overlap(emitter, wide, overlaps);
    load_width(emitter);
    compare_ecx(emitter, 64);
    size_t to_64 = jump_ahead(emitter, JZ_NEAR);
    compare_ecx(emitter, 32);
    size_t to_32 = jump_ahead(emitter, JZ_NEAR);
    if (wide->does == WIDE_COPY) {
        land(emitter, overlaps[0]);
        land(emitter, overlaps[1]);
        emit_mov(emitter, EDI, wide->start);
    }
    land(emitter, downwards);
    emit_byte(emitter, OP_POPF);
    jump_back(emitter, JMP_NEAR, wide->narrow);
    land(emitter, to_32);
    wide->unit = 32;
    put_units(emitter, wide);
    size_t end = jump_ahead(emitter, JMP_NEAR);
    land(emitter, to_64);
    wide->unit = 64;
    put_units(emitter, wide);
    land(emitter, end);
    emit_byte(emitter, OP_POPF);
    emit_byte(emitter, 0xb9); /* mov ecx, 0: what a repetition leaves there */
    emit_word32(emitter, 0);
    land(emitter, done);
}

static uint32_t field_value(const struct image *image, const struct reloc *reloc)
{
    const struct section *section = &image->sections[reloc->section];
    uint32_t value;
    memcpy(&value, section->data + (reloc->addr - section->header.sh_addr), sizeof(value));
    return value;
}

static const Elf32_Sym *width_symbol(const struct image *image)
{
    for (unsigned i = 0; i < image->symbol_count; i++) {
        const Elf32_Sym *symbol = &image->symbols[i];
        if (ELF32_ST_TYPE(symbol->st_info) == STT_OBJECT && symbol->st_size == sizeof(uint32_t) &&
            strcmp(image_symbol_name(image, symbol), KMV_VECTOR_SYMBOL) == 0)
            return symbol;
    }
    return NULL;
}

uint32_t wide_find_variable(const struct image *image)
{
    const Elf32_Sym *symbol = width_symbol(image);
    for (uint32_t i = 0; symbol != NULL && i < image->reloc_count; i++)
        if (image->relocs[i].type == R_386_32 &&
            image->sections[image->relocs[i].section].data != NULL &&
            field_value(image, &image->relocs[i]) == symbol->st_value)
            return i + 1;
    return 0;
}
