#include "wide.h"
#include "writers.h"

enum { PREFIX_ES = 0x26, PREFIX_OPERAND_SIZE = 0x66, PREFIX_REP = 0xf3 };
enum { OP_MOVS = 0xa4, OP_STOS = 0xaa };

/* Bit 0 of a string opcode: 0 for bytes. */
static unsigned element_size(const struct insn *insn)
{
    if ((insn->zydis.opcode & 1) == 0)
        return 1;
    return insn->zydis.operand_width == 16 ? 2 : 4;
}

/* One element: where edi pointed is kept, since the direction flag decides which way it moves. */
void write_string(struct emitter *emitter)
{
    const struct insn *insn = emitter->insn;
    unsigned size = element_size(insn);
    bool stos = (insn->zydis.opcode & ~1) == OP_STOS;
    emitter->avoid |= insn->reads | insn->writes;
    enum gpr value = EAX;
    if (!stos)
        value = emit_scratch(emitter, size == 1 ? GPR_LOW : GPR_ALL);
    enum gpr address = emit_scratch(emitter, GPR_ALL);
    emit_mov(emitter, address, EDI);
    emit_native(emitter);
    struct mem mem = emit_based(address, 0);
    mem.segment =
        PREFIX_ES; /* the destination's segment cannot be overridden: SDM volume 2, STOS */
    if (stos) {
        mem.disp = emitter->offset;
        emit_store(emitter, size, EAX, mem);
    } else {
        emit_copy(emitter, mem, size, value);
    }
    emit_window_close(emitter);
    emit_restore(emitter);
}

/* edi points, and is not moved by the instruction. */
void write_maskmov(struct emitter *emitter)
{
    emit_native(emitter);
    emit_lea(emitter, EDI, emit_based(EDI, emitter->offset));
    emit_original(emitter, 0, emitter->insn->length);
    emit_window_close(emitter);
    emit_lea(emitter, EDI, emit_based(EDI, -emitter->offset));
}

static void put_rep(struct emitter *emitter, uint8_t opcode)
{
    unsigned size = element_size(emitter->insn);
    if (size == 2)
        emit_byte(emitter, PREFIX_OPERAND_SIZE);
    emit_byte(emitter, PREFIX_REP);
    emit_byte(emitter, size == 1 ? opcode : opcode | 1);
}

/* Keeps ecx and edi; the instruction may be interrupted when half done, so its window opens before
 * it. */
static void keep_registers(struct emitter *emitter, enum gpr count, enum gpr address)
{
    emit_mov(emitter, count, ECX);
    emit_mov(emitter, address, EDI);
    emit_window_open(emitter);
}

void write_rep_stos(struct emitter *emitter)
{
    emitter->avoid |= emitter->insn->reads | emitter->insn->writes;
    enum gpr count = emit_scratch(emitter, GPR_ALL);
    enum gpr address = emit_scratch(emitter, GPR_ALL);
    keep_registers(emitter, count, address);
    struct wide wide = {count, address, element_size(emitter->insn), .does = WIDE_FILL};
    bool is_wide = wide_begin(emitter, &wide);
    if (is_wide)
        emit_mov(emitter, ECX, count);
    emit_native(emitter);
    emit_mov(emitter, ECX, count);
    emit_lea(emitter, EDI, emit_based(address, emitter->offset));
    put_rep(emitter, OP_STOS);
    if (!is_wide)
        emit_window_close(emitter);
    emit_lea(emitter, EDI, emit_based(EDI, -emitter->offset));
    if (is_wide)
        wide_end(emitter, &wide);
    emit_window_close(emitter);
    emit_restore(emitter);
}

/* Vector moves read the source at ds:esi. */
static bool can_copy_wide(const struct insn *insn)
{
    return (insn->zydis.opcode & ~1) == OP_MOVS &&
           !(insn->zydis.attributes & ZYDIS_ATTRIB_HAS_SEGMENT);
}

/*
 * rep movs and rep ins: the destination is copied to its mirror, as the source may have been
 * overwritten (overlap) or cannot be read twice (port). Both walk from the old edi, so esi ends
 * where edi belongs.
 */
void write_rep_copy(struct emitter *emitter)
{
    emitter->avoid |= emitter->insn->reads | emitter->insn->writes | GPR_BIT(ESI);
    enum gpr count = emit_scratch(emitter, GPR_ALL);
    enum gpr address = emit_scratch(emitter, GPR_ALL);
    keep_registers(emitter, count, address);
    struct wide wide = {count, address, element_size(emitter->insn), .does = WIDE_COPY};
    if (!can_copy_wide(emitter->insn)) {
        wide.does = WIDE_MIRROR;
        emit_native(emitter);
    }
    bool is_wide = wide_begin(emitter, &wide);
    if (is_wide && wide.does == WIDE_COPY)
        emit_mov(emitter, ECX, count);
    if (wide.does == WIDE_COPY)
        emit_native(emitter);
    emit_bytes(emitter, (uint8_t[]){0x87, (uint8_t)(0xc0 | address << 3 | ESI)},
               2); /* xchg esi, address */
    emit_lea(emitter, EDI, emit_based(ESI, emitter->offset));
    emit_mov(emitter, ECX, count);
    emit_byte(emitter, PREFIX_ES);
    put_rep(emitter, OP_MOVS);
    if (!is_wide)
        emit_window_close(emitter);
    emit_mov(emitter, EDI, ESI);
    emit_mov(emitter, ESI, address);
    if (is_wide)
        wide_end(emitter, &wide);
    emit_window_close(emitter);
    emit_restore(emitter);
}
