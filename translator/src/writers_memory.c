#include "writers.h"

static enum gpr value_scratch(struct emitter *emitter)
{
    return emit_scratch(emitter, emitter->insn->mem_size % 2 ? GPR_LOW : GPR_ALL);
}

static void copy_at(struct emitter *emitter, enum gpr address, enum gpr value)
{
    struct mem mem = emit_based(address, 0);
    mem.segment = emitter->insn->mem.segment;
    emit_copy(emitter, mem, emitter->insn->mem_size, value);
    emit_window_close(emitter);
    emit_restore(emitter);
}

/* The instruction changes a register of its own address: the address is computed before it. */
static void copy_with_early_address(struct emitter *emitter)
{
    emitter->avoid |= emitter->insn->reads | emitter->insn->writes;
    enum gpr value = value_scratch(emitter);
    enum gpr address = emit_scratch(emitter, GPR_ALL);
    emit_address(emitter, address);
    emit_native(emitter);
    copy_at(emitter, address, value);
}

/* OFFSET does not fit into 16-bit addressing: the address is computed into a register. */
static void copy_with_late_address(struct emitter *emitter)
{
    emit_native(emitter);
    emitter->avoid |= emitter->insn->address_regs;
    enum gpr value = value_scratch(emitter);
    enum gpr address = emit_scratch(emitter, GPR_ALL);
    emit_address(emitter, address);
    copy_at(emitter, address, value);
}

void write_copy(struct emitter *emitter)
{
    const struct insn *insn = emitter->insn;
    if (insn_is_locked(insn)) {
        write_locked(emitter);
        return;
    }
    if (insn_moves_address(insn)) {
        copy_with_early_address(emitter);
        return;
    }
    if (insn->addr16) {
        copy_with_late_address(emitter);
        return;
    }
    emit_native(emitter);
    emitter->avoid |= insn->address_regs;
    enum gpr value = value_scratch(emitter);
    emit_copy(emitter, emit_operand(emitter, 0), insn->mem_size, value);
    emit_window_close(emitter);
    emit_restore(emitter);
}

void write_store(struct emitter *emitter)
{
    if (emitter->insn->addr16) {
        copy_with_late_address(emitter);
        return;
    }
    emit_native(emitter);
    emit_spliced(emitter, emit_operand(emitter, emitter->offset));
    emit_window_close(emitter);
}

/* The form of fstp and fistp that does not pop: /2 in place of /3 of the same opcode, for operands
 * of at most 64 and 32 bits (SDM volume 2, FST, FIST). */
static bool pops_only(const struct insn *insn)
{
    uint8_t opcode = insn->zydis.opcode;
    return (insn->zydis.mnemonic == ZYDIS_MNEMONIC_FSTP ||
            insn->zydis.mnemonic == ZYDIS_MNEMONIC_FISTP) &&
           insn->zydis.raw.modrm.reg == 3 &&
           (opcode == 0xd9 || opcode == 0xdd || opcode == 0xdb || opcode == 0xdf);
}

static bool pops_nothing(const struct insn *insn)
{
    ZydisMnemonic mnemonic = insn->zydis.mnemonic;
    return mnemonic == ZYDIS_MNEMONIC_FST || mnemonic == ZYDIS_MNEMONIC_FIST ||
           mnemonic == ZYDIS_MNEMONIC_FNSTCW || mnemonic == ZYDIS_MNEMONIC_FNSTSW;
}

/*
 * A value that stays on the x87 stack is stored twice, one that is popped with the mirror: loading
 * it back through general registers, in halves, stalls the processor. What the other instructions
 * store is gone or changed, and is copied.
 */
void write_x87(struct emitter *emitter)
{
    const struct insn *insn = emitter->insn;
    if (insn->addr16 || !(pops_only(insn) || pops_nothing(insn))) {
        write_copy(emitter);
        return;
    }
    size_t modrm = emitter->code.count + insn->zydis.raw.modrm.offset;
    emit_native(emitter);
    if (pops_only(insn))
        emitter->code.at[modrm] = (uint8_t)((emitter->code.at[modrm] & ~0x38) | 2 << 3);
    emit_spliced(emitter, emit_operand(emitter, emitter->offset));
    emit_window_close(emitter);
}

/* a2/a3: the accumulator to an absolute address. Its mirror has a ModRM: 88/89 with eax, no base.
 */
void write_moffs(struct emitter *emitter)
{
    const struct insn *insn = emitter->insn;
    emit_native(emitter);
    struct mem mem = insn->mem;
    if (insn->zydis.address_width == 16)
        mem.disp &= 0xffff;
    mem.disp += emitter->offset;
    emit_store(emitter, insn->mem_size, EAX, mem);
    emit_window_close(emitter);
}

/* A non-temporal mirror store would cost 19.6 cycles where a plain one costs one: the plain opcode
 * instead. */
void write_nontemporal(struct emitter *emitter)
{
    static const struct {
        ZydisMnemonic mnemonic;
        uint8_t prefix, escape, opcode;
    } plain[] = {
        {ZYDIS_MNEMONIC_MOVNTI, 0, 0, 0x89},        /* mov */
        {ZYDIS_MNEMONIC_MOVNTPS, 0, 0x0f, 0x29},    /* movaps */
        {ZYDIS_MNEMONIC_MOVNTPD, 0x66, 0x0f, 0x29}, /* movapd */
        {ZYDIS_MNEMONIC_MOVNTDQ, 0x66, 0x0f, 0x7f}, /* movdqa */
        {ZYDIS_MNEMONIC_MOVNTQ, 0, 0x0f, 0x7f},     /* movq */
    };
    const struct insn *insn = emitter->insn;
    if (insn->addr16) {
        copy_with_late_address(emitter);
        return;
    }
    unsigned row = 0;
    while (plain[row].mnemonic != insn->zydis.mnemonic)
        row++;
    emit_native(emitter);
    struct mem mem = emit_operand(emitter, emitter->offset);
    if (mem.segment != 0)
        emit_byte(emitter, mem.segment);
    mem.segment = 0;
    if (plain[row].prefix != 0)
        emit_byte(emitter, plain[row].prefix);
    if (plain[row].escape != 0)
        emit_byte(emitter, plain[row].escape);
    emit_op_mem(emitter, plain[row].opcode, insn->zydis.raw.modrm.reg, mem);
    emit_window_close(emitter);
}

/* Saves the flags on the stack, in both copies. */
static void save_flags(struct emitter *emitter, enum gpr scratch)
{
    emit_byte(emitter, 0x9c); /* pushf */
    emit_copy(emitter, emit_based(ESP, 0), 4, scratch);
    emitter->esp_shift += 4;
}

/*
 * bts/btr/btc with a register reach beyond their operand: the byte offset is a signed shift of the
 * register (SDM volume 2, BTS), and shifts change flags.
 */
void write_bit_offset(struct emitter *emitter)
{
    const struct insn *insn = emitter->insn;
    bool word = insn->zydis.operand_width == 16;
    unsigned bits = insn->zydis.raw.modrm.reg;
    emit_native(emitter);
    emitter->avoid |= insn->reads;
    enum gpr value = emit_scratch(emitter, GPR_ALL);
    enum gpr address = emit_scratch(emitter, GPR_ALL);
    save_flags(emitter, value);
    emit_address(emitter, address);
    /* movsx value, bits16 or mov value, bits; sar value, 4 or 5; lea address, [address + value * 2
     * or 4] */
    if (word)
        emit_bytes(emitter, (uint8_t[]){0x0f, 0xbf, (uint8_t)(0xc0 | value << 3 | bits)}, 3);
    else
        emit_mov(emitter, value, (enum gpr)bits);
    emit_bytes(emitter, (uint8_t[]){0xc1, (uint8_t)(0xf8 | value), word ? 4 : 5}, 3);
    struct mem mem = emit_based(address, 0);
    mem.index = (int8_t)value;
    mem.scale = word ? 1 : 2;
    emit_lea(emitter, address, mem);
    mem = emit_based(address, 0);
    mem.segment = insn->mem.segment;
    if (insn_is_locked(insn))
        write_locked_copy(emitter, mem, word ? 2 : 4, value, NO_GPR);
    else
        emit_copy(emitter, mem, word ? 2 : 4, value);
    emit_window_close(emitter);
    emit_byte(emitter, 0x9d); /* popf */
    emit_restore(emitter);
}

/*
 * ltr sets the busy bit of the descriptor in the GDT (SDM volume 2, LTR). The GDT is found with
 * sgdt, whose result is mirrored as well: it lies on the stack.
 */
void write_ltr(struct emitter *emitter)
{
    emit_native(emitter);
    enum gpr value = emit_scratch(emitter, GPR_ALL);
    enum gpr address = emit_scratch(emitter, GPR_ALL);
    save_flags(emitter, value);
    emit_lea(emitter, ESP, emit_based(ESP, (uint32_t)-8));
    emit_byte(emitter, 0x0f);
    emit_op_mem(emitter, 0x01, 0, emit_based(ESP, 2)); /* sgdt: limit at esp+2, base at esp+4 */
    emit_copy(emitter, emit_based(ESP, 2), 6, value);
    emit_load(emitter, 4, address, emit_based(ESP, 4));
    emit_bytes(emitter, (uint8_t[]){0x0f, 0x00, (uint8_t)(0xc8 | value)}, 3); /* str value */
    emit_bytes(emitter, (uint8_t[]){0x83, (uint8_t)(0xe0 | value), 0xf8}, 3); /* and value, ~7 */
    struct mem descriptor = emit_based(address, 4);
    descriptor.index = (int8_t)value;
    emit_lea(emitter, address, descriptor);
    emit_copy(emitter, emit_based(address, 0), 4, value);
    emit_window_close(emitter);
    emit_lea(emitter, ESP, emit_based(ESP, 8));
    emit_byte(emitter, 0x9d); /* popf */
    emit_restore(emitter);
}
