#include "emit.h"

#include <stdlib.h>

enum {
    OP_MOVZX8 = 0xb6, /* after 0f */
    OP_MOVZX16 = 0xb7,
    OP_STORE8 = 0x88,
    OP_STORE = 0x89,
    OP_LOAD = 0x8b,
    OP_PREFETCH = 0x0d, /* after 0f; /1: to write */
    OP_LEA = 0x8d,
    OP_PUSH = 0x50,
    OP_POP = 0x58,
    PREFIX_OPERAND_SIZE = 0x66,
    PREFIX_ADDRESS_SIZE = 0x67,
};

void emit_begin(struct emitter *emitter, uint32_t item, const struct insn *insn, uint8_t dead)
{
    emitter->item = item;
    emitter->insn = insn;
    emitter->dead = dead & ~GPR_BIT(ESP);
    emitter->flags_dead = (dead & STATUS_FLAGS) != 0;
    emitter->avoid = GPR_BIT(ESP);
    emitter->esp_shift = 0;
    emitter->saved_count = 0;
    emitter->window_open = false;
}

void emit_byte(struct emitter *emitter, uint8_t byte)
{
    vec_push(&emitter->code, byte);
}

void emit_bytes(struct emitter *emitter, const void *bytes, size_t size)
{
    bytes_append(&emitter->code, bytes, size);
}

void emit_word32(struct emitter *emitter, uint32_t value)
{
    for (unsigned shift = 0; shift < 32; shift += 8)
        emit_byte(emitter, (uint8_t)(value >> shift));
}

void emit_window_open(struct emitter *emitter)
{
    if (emitter->window_open)
        return;
    emitter->window_open = true;
    emitter->window_start = emitter->code.count;
}

void emit_window_close(struct emitter *emitter)
{
    struct item_window window = {emitter->item, (uint16_t)(emitter->window_start - emitter->start),
                                 (uint16_t)(emitter->code.count - emitter->start)};
    if (emitter->window_open && window.start < window.end)
        vec_push(&emitter->windows, window);
    emitter->window_open = false;
}

static void add_fixup(struct emitter *emitter, uint32_t reloc, uint32_t extra)
{
    struct fixup fixup = {(uint32_t)emitter->code.count, reloc, extra};
    vec_push(&emitter->fixups, fixup);
}

void emit_reloc(struct emitter *emitter, uint32_t reloc)
{
    add_fixup(emitter, reloc, 0);
    emit_word32(emitter, 0);
}

void emit_original(struct emitter *emitter, unsigned from, unsigned to)
{
    const struct insn *insn = emitter->insn;
    for (uint32_t i = 0; i < emitter->reloc_count; i++) {
        uint32_t at = emitter->relocs[i].addr - insn->addr;
        if (at < from || at >= to)
            continue;
        struct fixup fixup = {(uint32_t)(emitter->code.count + at - from), emitter->reloc_first + i,
                              0};
        vec_push(&emitter->fixups, fixup);
    }
    emit_bytes(emitter, insn->bytes + from, to - from);
}

/* A displacement taken from the original instruction carries its relocation along. */
static void put_disp32(struct emitter *emitter, struct mem mem)
{
    for (uint32_t i = 0; mem.disp_at != 0 && i < emitter->reloc_count; i++)
        if (emitter->relocs[i].addr - emitter->insn->addr == mem.disp_at)
            add_fixup(emitter, emitter->reloc_first + i, mem.disp - emitter->insn->mem.disp);
    emit_word32(emitter, mem.disp);
}

/* ModRM, SIB, displacement (SDM volume 2, tables 2-2 and 2-3). A displacement of the original is
 * never shortened. */
static void put_modrm(struct emitter *emitter, unsigned reg, struct mem mem)
{
    bool none = mem.base == NO_GPR;
    bool small = !none && mem.disp_at == 0 && mem.disp + 0x80 < 0x100;
    unsigned mod = none ? 0 : small ? 1 : 2;
    if (small && mem.disp == 0 && mem.base != EBP)
        mod = 0;
    bool sib = mem.index != NO_GPR || mem.base == ESP;
    unsigned rm = sib ? ESP : none ? EBP : (unsigned)mem.base;
    emit_byte(emitter, (uint8_t)(mod << 6 | reg << 3 | rm));
    if (sib) {
        unsigned index = mem.index == NO_GPR ? ESP : (unsigned)mem.index;
        unsigned base = none ? EBP : (unsigned)mem.base;
        emit_byte(emitter, (uint8_t)(mem.scale << 6 | index << 3 | base));
    }
    if (none || mod == 2)
        put_disp32(emitter, mem);
    else if (mod == 1)
        emit_byte(emitter, (uint8_t)mem.disp);
}

struct mem emit_operand(const struct emitter *emitter, uint32_t more)
{
    struct mem mem = emitter->insn->mem;
    mem.disp += more;
    if (mem.base == ESP)
        mem.disp += emitter->esp_shift;
    return mem;
}

struct mem emit_based(enum gpr base, uint32_t disp)
{
    return (struct mem){.base = (int8_t)base, .index = NO_GPR, .disp = disp};
}

void emit_spliced(struct emitter *emitter, struct mem mem)
{
    const ZydisDecodedInstruction *zydis = &emitter->insn->zydis;
    unsigned tail = zydis->raw.modrm.offset + 1;
    if (zydis->raw.sib.offset != 0)
        tail = zydis->raw.sib.offset + 1;
    tail += zydis->raw.disp.size / 8;
    emit_original(emitter, 0, zydis->raw.modrm.offset);
    put_modrm(emitter, zydis->raw.modrm.reg, mem);
    emit_original(emitter, tail, emitter->insn->length);
}

void emit_native(struct emitter *emitter)
{
    const struct insn *insn = emitter->insn;
    if (emitter->esp_shift != 0 && insn->has_mem && insn->mem.base == ESP)
        emit_spliced(emitter, emit_operand(emitter, 0));
    else
        emit_original(emitter, 0, insn->length);
    emit_window_open(emitter);
}

void emit_op_mem(struct emitter *emitter, uint8_t opcode, unsigned reg, struct mem mem)
{
    if (mem.segment != 0)
        emit_byte(emitter, mem.segment);
    emit_byte(emitter, opcode);
    put_modrm(emitter, reg, mem);
}

void emit_load(struct emitter *emitter, unsigned size, enum gpr reg, struct mem mem)
{
    if (size == 4) {
        emit_op_mem(emitter, OP_LOAD, reg, mem);
        return;
    }
    if (mem.segment != 0)
        emit_byte(emitter, mem.segment);
    mem.segment = 0;
    emit_byte(emitter, 0x0f);
    emit_op_mem(emitter, size == 1 ? OP_MOVZX8 : OP_MOVZX16, reg, mem);
}

void emit_store(struct emitter *emitter, unsigned size, enum gpr reg, struct mem mem)
{
    if (size == 2)
        emit_byte(emitter, PREFIX_OPERAND_SIZE);
    emit_op_mem(emitter, size == 1 ? OP_STORE8 : OP_STORE, reg, mem);
}

void emit_lea(struct emitter *emitter, enum gpr reg, struct mem mem)
{
    mem.segment = 0; /* lea computes offsets: an override would be an idle prefix */
    emit_op_mem(emitter, OP_LEA, reg, mem);
}

void emit_prefetch(struct emitter *emitter, struct mem mem)
{
    if (mem.segment != 0)
        emit_byte(emitter, mem.segment);
    mem.segment = 0;
    emit_byte(emitter, 0x0f);
    emit_op_mem(emitter, OP_PREFETCH, 1, mem);
}

void emit_mov(struct emitter *emitter, enum gpr to, enum gpr from)
{
    emit_byte(emitter, OP_STORE);
    emit_byte(emitter, (uint8_t)(0xc0 | from << 3 | to));
}

size_t emit_jump_ahead(struct emitter *emitter, uint8_t opcode)
{
    emit_byte(emitter, opcode);
    emit_byte(emitter, 0);
    return emitter->code.count;
}

void emit_land(struct emitter *emitter, size_t jump)
{
    emitter->code.at[jump - 1] = (uint8_t)(emitter->code.count - jump);
}

void emit_jump_back(struct emitter *emitter, uint8_t opcode, size_t target)
{
    size_t jump = emit_jump_ahead(emitter, opcode);
    emitter->code.at[jump - 1] = (uint8_t)(target - jump);
}

void emit_address(struct emitter *emitter, enum gpr reg)
{
    const struct insn *insn = emitter->insn;
    if (!insn->addr16) {
        emit_lea(emitter, reg, emit_operand(emitter, 0));
        return;
    }
    /* lea with 16-bit addressing clears the upper half: SDM volume 2, LEA. */
    unsigned modrm = insn->zydis.raw.modrm.offset;
    emit_byte(emitter, PREFIX_ADDRESS_SIZE);
    emit_byte(emitter, OP_LEA);
    emit_byte(emitter, (uint8_t)((insn->bytes[modrm] & 0xc7) | reg << 3));
    emit_original(emitter, modrm + 1, modrm + 1 + insn->zydis.raw.disp.size / 8);
}

static void save_register(struct emitter *emitter, enum gpr reg)
{
    bool was_open = emitter->window_open;
    emit_byte(emitter, (uint8_t)(OP_PUSH + reg));
    emit_window_open(emitter);
    emit_store(emitter, 4, reg, emit_based(ESP, emitter->offset));
    if (!was_open)
        emit_window_close(emitter);
    emitter->esp_shift += 4;
    emitter->saved[emitter->saved_count++] = (int8_t)reg;
}

enum gpr emit_scratch(struct emitter *emitter, uint8_t from)
{
    uint8_t allowed = from & ~emitter->avoid;
    uint8_t dead = allowed & emitter->dead;
    uint8_t choice = dead ? dead : allowed;
    if (choice == 0 || emitter->saved_count == MAX_SAVED)
        abort(); /* no instruction uses that many registers */
    enum gpr reg = (enum gpr)__builtin_ctz(choice);
    emitter->avoid |= GPR_BIT(reg);
    if (!dead)
        save_register(emitter, reg);
    return reg;
}

void emit_restore(struct emitter *emitter)
{
    while (emitter->saved_count > 0)
        emit_byte(emitter, (uint8_t)(OP_POP + emitter->saved[--emitter->saved_count]));
    emitter->esp_shift = 0;
}

void emit_copy(struct emitter *emitter, struct mem mem, unsigned size, enum gpr scratch)
{
    while (size > 0) {
        unsigned step = size >= 4 ? 4 : size >= 2 ? 2 : 1;
        struct mem mirror = mem;
        mirror.disp += emitter->offset;
        emit_load(emitter, step, scratch, mem);
        emit_store(emitter, step, scratch, mirror);
        mem.disp += step;
        size -= step;
    }
}

bool emit_check(const struct emitter *emitter, const ZydisDecoder *decoder, size_t from)
{
    while (from < emitter->code.count) {
        ZydisDecodedInstruction zydis;
        if (!ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(decoder, NULL, emitter->code.at + from,
                                                        emitter->code.count - from, &zydis)))
            return false;
        from += zydis.length;
    }
    return true;
}

void emitter_drop_code(struct emitter *emitter)
{
    free(emitter->code.at);
    free(emitter->fixups.at);
    emitter->code = (struct bytes){0};
    emitter->fixups = (struct fixup_vec){0};
}
