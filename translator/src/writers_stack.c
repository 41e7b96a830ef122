#include "writers.h"

enum { OP_STORE_IMM = 0xc7, PREFIX_OPERAND_SIZE = 0x66 };

static unsigned push_size(const struct insn *insn)
{
    return insn->zydis.operand_width / 8;
}

void write_push_register(struct emitter *emitter)
{
    const struct insn *insn = emitter->insn;
    emit_native(emitter);
    /* 50+r, or ff /6 with mod 3 */
    enum gpr reg = (enum gpr)(insn->bytes[insn->length - 1] & 7);
    emit_store(emitter, push_size(insn), reg, emit_based(ESP, emitter->offset));
    emit_window_close(emitter);
}

void write_push_immediate(struct emitter *emitter)
{
    const struct insn *insn = emitter->insn;
    unsigned size = push_size(insn);
    unsigned at = insn->zydis.raw.imm[0].offset;
    uint32_t value = (uint32_t)insn->zydis.raw.imm[0].value.s;
    emit_native(emitter);
    if (size == 2)
        emit_byte(emitter, PREFIX_OPERAND_SIZE);
    emit_op_mem(emitter, OP_STORE_IMM, 0, emit_based(ESP, emitter->offset));
    if (insn->zydis.raw.imm[0].size == 8)
        emit_bytes(emitter,
                   (uint8_t[]){(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                               (uint8_t)(value >> 24)},
                   size);
    else
        emit_original(emitter, at, at + size);
    emit_window_close(emitter);
}

/* What is pushed is no longer at hand, or in no register: copy it from the stack. */
void write_push_other(struct emitter *emitter)
{
    emit_native(emitter);
    enum gpr value = emit_scratch(emitter, GPR_ALL);
    emit_copy(emitter, emit_based(ESP, emitter->esp_shift), push_size(emitter->insn), value);
    emit_window_close(emitter);
    emit_restore(emitter);
}

/*
 * pusha leaves every register as it pushed it, but esp: that one is computed in eax, which is then
 * read back. The order of pushes is eax, ecx, edx, ebx, esp, ebp, esi, edi: the register's number,
 * from the top down (SDM volume 2, PUSHA).
 */
void write_pusha(struct emitter *emitter)
{
    unsigned size = push_size(emitter->insn);
    emit_native(emitter);
    for (int reg = EAX; reg <= EDI; reg++)
        if (reg != ESP)
            emit_store(emitter, size, (enum gpr)reg,
                       emit_based(ESP, emitter->offset + (unsigned)(EDI - reg) * size));
    if (size == 2)
        emit_byte(emitter, PREFIX_OPERAND_SIZE);
    emit_lea(emitter, EAX, emit_based(ESP, 8 * size));
    emit_store(emitter, size, EAX, emit_based(ESP, emitter->offset + (EDI - ESP) * size));
    emit_window_close(emitter);
    if (size == 2)
        emit_byte(emitter, PREFIX_OPERAND_SIZE);
    emit_load(emitter, 4, EAX, emit_based(ESP, (EDI - EAX) * size));
}

/* enter pushes ebp, then `level` frame pointers downwards from there (SDM volume 2, ENTER). */
void write_enter(struct emitter *emitter)
{
    unsigned level = emitter->insn->zydis.raw.imm[1].value.u & 31;
    emit_native(emitter);
    emitter->avoid |= GPR_BIT(EBP);
    enum gpr value = emit_scratch(emitter, GPR_ALL);
    for (unsigned slot = 0; slot <= level; slot++)
        emit_copy(emitter, emit_based(EBP, 0u - 4 * slot), 4, value);
    emit_window_close(emitter);
    emit_restore(emitter);
}
