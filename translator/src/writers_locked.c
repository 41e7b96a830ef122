/*
 * Locked read-modify-writes: processors that write one word in turns may copy it to the mirror in
 * another order, and the older value would stay there. So each copies until it finds in native what
 * it has put into the mirror:
 *
 *     again: load native; xchg it to the mirror; load native; compare with the mirror;
 *            if unequal: again
 *
 * Whoever writes the mirror last has read native afterwards (xchg is a barrier: SDM volume 3,
 * 9.2.2) and found it equal; had anybody written native after that, he would have written the
 * mirror, too.
 */
#include "writers.h"

enum {
    OP_XCHG = 0x87,
    OP_CMP = 0x3b,
    OP_JNZ = 0x75,
    OP_JMP = 0xeb,
    OP_JECXZ = 0xe3,
    PREFIX_OPERAND_SIZE = 0x66,
};

/* An opcode that has a form for bytes, one below the other. */
static void put_sized(struct emitter *emitter, uint8_t opcode, unsigned size, enum gpr reg,
                      struct mem mem)
{
    if (size == 2)
        emit_byte(emitter, PREFIX_OPERAND_SIZE);
    emit_op_mem(emitter, size == 1 ? opcode - 1 : opcode, reg, mem);
}

/* ecx = ecx - value, with not and lea. */
static void put_difference(struct emitter *emitter, enum gpr value)
{
    emit_bytes(emitter, (uint8_t[]){0xf7, (uint8_t)(0xd0 | value)}, 2);
    struct mem sum = emit_based(ECX, 1);
    sum.index = (int8_t)value;
    emit_lea(emitter, ECX, sum);
}

static void copy_until_equal(struct emitter *emitter, struct mem mem, unsigned size, enum gpr value,
                             enum gpr again)
{
    struct mem mirror = mem;
    mirror.disp += emitter->offset;
    size_t top = emitter->code.count;
    if (again == NO_GPR) {
        emit_load(emitter, size, value, mem);
        put_sized(emitter, OP_XCHG, size, value, mirror);
        emit_load(emitter, size, value, mem);
        put_sized(emitter, OP_CMP, size, value, mirror);
        emit_jump_back(emitter, OP_JNZ, top);
        return;
    }
    emit_load(emitter, size, again, mem);
    emit_mov(emitter, value, again);
    put_sized(emitter, OP_XCHG, size, value, mirror);
    emit_load(emitter, size, value, mem);
    put_difference(emitter, value);
    size_t done = emit_jump_ahead(emitter, OP_JECXZ);
    emit_jump_back(emitter, OP_JMP, top);
    emit_land(emitter, done);
}

void write_locked_copy(struct emitter *emitter, struct mem mem, unsigned size, enum gpr value,
                       enum gpr again)
{
    for (; size > 0; size -= size < 4 ? size : 4, mem.disp += 4)
        copy_until_equal(emitter, mem, size < 4 ? size : 4, value, again);
}

/* The address, once the instruction ran or before it; not in ecx, which is wanted for the loop. */
static enum gpr put_address(struct emitter *emitter)
{
    enum gpr address = emit_scratch(emitter, GPR_ALL & ~GPR_BIT(ECX));
    emit_address(emitter, address);
    return address;
}

void write_locked(struct emitter *emitter)
{
    const struct insn *insn = emitter->insn;
    enum gpr address = NO_GPR;
    bool early = insn_moves_address(insn);
    if (early) {
        emitter->avoid |= insn->reads | insn->writes;
        address = put_address(emitter);
    }
    emit_native(emitter);
    emitter->avoid = GPR_BIT(ESP) | insn->address_regs;
    bool in_the_way = !emitter->flags_dead && (insn->address_regs & GPR_BIT(ECX));
    if (!early && (insn->addr16 || in_the_way))
        address = put_address(emitter);
    if (address != NO_GPR)
        emitter->avoid = GPR_BIT(ESP) | GPR_BIT(address);
    uint8_t sized = insn->mem_size % 2 ? GPR_LOW : GPR_ALL;
    enum gpr again = emitter->flags_dead ? NO_GPR : emit_scratch(emitter, GPR_BIT(ECX));
    enum gpr value = emit_scratch(emitter, sized);
    struct mem mem = address == NO_GPR ? emit_operand(emitter, 0) : emit_based(address, 0);
    mem.segment = insn->mem.segment;
    write_locked_copy(emitter, mem, insn->mem_size, value, again);
    emit_window_close(emitter);
    emit_restore(emitter);
}
