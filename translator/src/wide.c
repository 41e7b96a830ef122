/*
 * The mirror of a repeated string instruction, written with vector registers: what the native one
 * stored is copied from [start, edi) to its mirror, 64 or 32 bytes at a time.
 *
 * Only in programs that say at run time, in a variable, how wide the vector registers are that they
 * keep across interrupts; and only where much was stored upwards. The test for that must leave the
 * flags alone, so it is made of mov, lea and jecxz.
 */
#include <string.h>

#include "kmv/note.h"
#include "program.h"
#include "wide.h"

enum {
    JMP_NEAR = 0xe9,
    JZ_NEAR = 0x84, /* after 0f */
    JNZ_NEAR = 0x85,
    JS_NEAR = 0x88,
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

static void put_move(struct emitter *emitter, const struct wide *wide, enum gpr base, uint32_t disp)
{
    if (!wide->fills)
        put_vector(emitter, wide, false, base, disp);
    put_vector(emitter, wide, true, base, disp + emitter->offset);
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
    emit_byte(emitter, 0x49); /* dec ecx */
    jump_back(emitter, JNZ_NEAR, top);
}

/* What is left at the end is less than a unit: one more move, which overlaps what was done. */
static void put_units(struct emitter *emitter, const struct wide *wide)
{
    unsigned unrolled = wide->unit == 64 ? 16 : 4; /* moves of one round */
    unsigned shift = (unsigned)__builtin_ctz(wide->unit) - (wide->size == 4 ? 2 : 0);
    emit_lea(emitter, ESP, emit_based(ESP, -wide->unit));
    put_vector(emitter, wide, true, ESP, 0);
    put_vector(emitter, wide, true, ESP, emitter->offset);
    if (wide->fills)
        put_vector(emitter, wide, false, wide->start, 0);
    put_rounds(emitter, wide, shift + (unsigned)__builtin_ctz(unrolled));
    size_t none = jump_ahead(emitter, JZ_NEAR);
    put_loop(emitter, wide, unrolled);
    land(emitter, none);
    put_rounds(emitter, wide, shift);
    emit_bytes(emitter, (uint8_t[]){0x83, 0xe1, (uint8_t)(unrolled - 1)}, 3); /* and ecx */
    none = jump_ahead(emitter, JZ_NEAR);
    put_loop(emitter, wide, 1);
    land(emitter, none);
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

/* Flags that are needed are saved in both copies; a direction downwards shows in them. Returns the
 * jump that it takes. */
static size_t save_flags(struct emitter *emitter)
{
    emit_byte(emitter, 0x9c); /* pushf */
    emit_load(emitter, 4, ECX, emit_based(ESP, 0));
    emit_store(emitter, 4, ECX, emit_based(ESP, emitter->offset));
    emit_bytes(emitter, (uint8_t[]){0xf6, 0xc5, EFLAGS_DF_HIGH}, 3); /* test ch */
    return jump_ahead(emitter, JNZ_NEAR);
}

/* Else it shows in where edi went: no program fills half of the address space. */
static size_t test_direction(struct emitter *emitter, const struct wide *wide)
{
    emit_mov(emitter, ECX, EDI);
    emit_bytes(emitter, (uint8_t[]){0x29, (uint8_t)(0xc0 | wide->start << 3 | ECX)}, 2); /* sub */
    return jump_ahead(emitter, JS_NEAR);
}

static void restore_flags(struct emitter *emitter)
{
    if (!emitter->flags_dead)
        emit_byte(emitter, 0x9d); /* popf */
}

void wide_end(struct emitter *emitter, struct wide *wide)
{
    size_t done = jump_ahead(emitter, JMP_NEAR);
    land(emitter, wide->to_wide);
    size_t downwards = emitter->flags_dead ? test_direction(emitter, wide) : save_flags(emitter);
    load_width(emitter);
    compare_ecx(emitter, 64);
    size_t to_64 = jump_ahead(emitter, JZ_NEAR);
    compare_ecx(emitter, 32);
    size_t to_32 = jump_ahead(emitter, JZ_NEAR);
    land(emitter, downwards);
    restore_flags(emitter);
    jump_back(emitter, JMP_NEAR, wide->narrow);
    land(emitter, to_32);
    wide->unit = 32;
    put_units(emitter, wide);
    size_t end = jump_ahead(emitter, JMP_NEAR);
    land(emitter, to_64);
    wide->unit = 64;
    put_units(emitter, wide);
    land(emitter, end);
    restore_flags(emitter);
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
