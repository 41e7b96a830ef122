#include "exec.h"

#include "alu.h"
#include "writers.h"

#include <stddef.h>

/* Repetitions of one string instruction; the states that are tried use small counts. */
#define MAX_REPETITIONS 1024u

struct reg_name {
    uint16_t reg;
    uint8_t index;
    uint8_t shift;
    uint8_t size;
};

#define FAMILY(index, r32, r16)                                                                    \
    {X86_REG_##r32, index, 0, 4},                                                                  \
    {                                                                                              \
        X86_REG_##r16, index, 0, 2                                                                 \
    }

static const struct reg_name reg_names[] = {
    FAMILY(REG_EAX, EAX, AX),    FAMILY(REG_ECX, ECX, CX),    FAMILY(REG_EDX, EDX, DX),
    FAMILY(REG_EBX, EBX, BX),    FAMILY(REG_ESP, ESP, SP),    FAMILY(REG_EBP, EBP, BP),
    FAMILY(REG_ESI, ESI, SI),    FAMILY(REG_EDI, EDI, DI),    {X86_REG_AL, REG_EAX, 0, 1},
    {X86_REG_CL, REG_ECX, 0, 1}, {X86_REG_DL, REG_EDX, 0, 1}, {X86_REG_BL, REG_EBX, 0, 1},
    {X86_REG_AH, REG_EAX, 8, 1}, {X86_REG_CH, REG_ECX, 8, 1}, {X86_REG_DH, REG_EDX, 8, 1},
    {X86_REG_BH, REG_EBX, 8, 1},
};

static const struct reg_name *find_reg(x86_reg reg)
{
    for (size_t i = 0; i < sizeof(reg_names) / sizeof(reg_names[0]); i++) {
        if (reg_names[i].reg == reg) {
            return &reg_names[i];
        }
    }
    return NULL;
}

int exec_gpr_index(x86_reg reg)
{
    const struct reg_name *name = find_reg(reg);

    return name ? name->index : -1;
}

/* Registers that are not modelled hold a value that nothing inserted may change. */
static uint32_t read_reg(const struct machine *machine, x86_reg reg)
{
    const struct reg_name *name = find_reg(reg);

    if (!name) {
        return (uint32_t)machine_mix(machine->seed ^ 0x726567, reg) & 0xffff;
    }
    return (machine->gpr[name->index] >> name->shift) & alu_mask(name->size);
}

static bool write_reg(struct machine *machine, x86_reg reg, uint32_t value)
{
    const struct reg_name *name = find_reg(reg);
    uint32_t mask;

    if (!name) {
        return false;
    }
    mask = alu_mask(name->size) << name->shift;
    machine->gpr[name->index] =
        (machine->gpr[name->index] & ~mask) | ((value << name->shift) & mask);
    return true;
}

static uint32_t segment_base(const struct machine *machine, uint8_t prefix)
{
    /* Flat but for fs and gs, as the address contract has it. */
    if (prefix != 0x64 && prefix != 0x65) {
        return 0;
    }
    return (uint32_t)machine_mix(machine->seed ^ 0x736567, prefix);
}

/* bt with a register operand reaches beyond its memory operand (SDM vol. 2, BT). */
static uint32_t bit_offset(const struct machine *machine, const struct insn *insn)
{
    bool bit = insn->id == X86_INS_BTS || insn->id == X86_INS_BTR || insn->id == X86_INS_BTC;
    uint32_t index;

    if (!bit || !operand_is(insn, 1, X86_OP_REG)) {
        return 0;
    }
    index = read_reg(machine, insn->operands[1].reg);
    if (insn->operands[0].size == 2) {
        return (uint32_t)((int16_t)index >> 4) * 2;
    }
    return (uint32_t)((int32_t)index >> 5) * 4;
}

uint32_t exec_address(const struct machine *machine, const struct insn *insn, unsigned int operand)
{
    const x86_op_mem *mem = &insn->operands[operand].mem;
    uint32_t address = (uint32_t)mem->disp;

    if (mem->base != X86_REG_INVALID) {
        address += read_reg(machine, mem->base);
    }
    if (mem->index != X86_REG_INVALID && mem->index != X86_REG_EIZ) {
        address += read_reg(machine, mem->index) * (uint32_t)mem->scale;
    }
    address += operand == 0 ? bit_offset(machine, insn) : 0;
    if (insn->addr16) {
        address &= 0xffff;
    }
    return address + segment_base(machine, insn->segment);
}

static uint32_t read_operand(const struct machine *machine, const struct insn *insn,
                             unsigned int index)
{
    const cs_x86_op *operand = &insn->operands[index];

    switch (operand->type) {
    case X86_OP_REG:
        return read_reg(machine, operand->reg);
    case X86_OP_IMM:
        return (uint32_t)operand->imm;
    default:
        return machine_read(machine, exec_address(machine, insn, index), operand->size);
    }
}

static bool write_operand(struct machine *machine, const struct insn *insn, unsigned int index,
                          uint32_t value)
{
    const cs_x86_op *operand = &insn->operands[index];

    if (operand->type == X86_OP_REG) {
        return write_reg(machine, operand->reg, value);
    }
    machine_write(machine, exec_address(machine, insn, index), operand->size, value);
    return operand->type == X86_OP_MEM;
}

static void push(struct machine *machine, unsigned int size, uint32_t value)
{
    machine->gpr[REG_ESP] -= size;
    machine_write(machine, machine->gpr[REG_ESP], size, value);
}

static uint32_t pop(struct machine *machine, unsigned int size)
{
    uint32_t value = machine_read(machine, machine->gpr[REG_ESP], size);

    machine->gpr[REG_ESP] += size;
    return value;
}

typedef bool (*exec_fn)(struct machine *machine, const struct insn *insn, unsigned int argument);

static bool exec_nothing(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)machine;
    (void)insn;
    (void)argument;
    return true;
}

static bool exec_mov(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    return write_operand(machine, insn, 0, read_operand(machine, insn, 1));
}

static bool exec_movsx(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t value = read_operand(machine, insn, 1);

    (void)argument;
    value = insn->operands[1].size == 1 ? (uint32_t)(int8_t)value : (uint32_t)(int16_t)value;
    return write_operand(machine, insn, 0, value);
}

static bool exec_lea(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    struct insn flat = *insn;

    (void)argument;
    flat.segment = 0;
    return write_operand(machine, insn, 0, exec_address(machine, &flat, 1));
}

static bool exec_xchg(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    unsigned int memory = operand_is(insn, 1, X86_OP_MEM) ? 1 : 0;
    uint32_t left = read_operand(machine, insn, memory);
    uint32_t right = read_operand(machine, insn, 1 - memory);

    (void)argument;
    /* Memory first: the register may be part of its address. */
    return write_operand(machine, insn, memory, right) &&
           write_operand(machine, insn, 1 - memory, left);
}

/* A pushed segment register may leave the upper half of its slot alone (SDM vol. 2, PUSH). */
static bool exec_push(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    unsigned int size = insn->size16 ? 2 : 4;
    uint32_t value = read_operand(machine, insn, 0);

    (void)argument;
    if (operand_is(insn, 0, X86_OP_REG) && !find_reg(insn->operands[0].reg) &&
        (machine->seed & 1)) {
        value |= machine_read(machine, machine->gpr[REG_ESP] - size, size) & 0xffff0000u;
    }
    push(machine, size, value);
    return true;
}

/* The destination's address is computed after the increment (SDM vol. 2, POP). */
static bool exec_pop(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t value = pop(machine, insn->size16 ? 2 : 4);

    (void)argument;
    return write_operand(machine, insn, 0, value);
}

static bool exec_pusha(struct machine *machine, const struct insn *insn, unsigned int size)
{
    uint32_t esp = machine->gpr[REG_ESP];

    (void)insn;
    for (unsigned int i = 0; i < REG_COUNT; i++) {
        push(machine, size, i == REG_ESP ? esp : machine->gpr[i]);
    }
    return true;
}

static bool exec_pushf(struct machine *machine, const struct insn *insn, unsigned int size)
{
    (void)insn;
    push(machine, size, machine->eflags);
    return true;
}

static bool exec_popf(struct machine *machine, const struct insn *insn, unsigned int size)
{
    uint32_t mask = alu_mask(size);

    (void)insn;
    machine->eflags = (machine->eflags & ~mask) | (pop(machine, size) & mask);
    return true;
}

static bool exec_lahf(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)insn;
    (void)argument;
    return write_reg(machine, X86_REG_AH, machine->eflags & 0xff);
}

static bool exec_sahf(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t mask = FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF;

    (void)insn;
    (void)argument;
    machine->eflags = (machine->eflags & ~mask) | (read_reg(machine, X86_REG_AH) & mask);
    return true;
}

static bool exec_direction(struct machine *machine, const struct insn *insn, unsigned int down)
{
    (void)insn;
    machine->eflags = (machine->eflags & ~FLAG_DF) | (down ? FLAG_DF : 0);
    return true;
}

static bool exec_setcc(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    return write_operand(machine, insn, 0, alu_condition(insn->opcode2 & 15, machine->eflags));
}

static bool exec_enter(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t level = (uint32_t)insn->operands[1].imm & 31;
    uint32_t frame;
    uint32_t display = machine->gpr[REG_EBP];

    (void)argument;
    if (insn->size16) {
        return false;
    }
    push(machine, 4, machine->gpr[REG_EBP]);
    frame = machine->gpr[REG_ESP];
    for (uint32_t i = 1; i < level; i++) {
        display -= 4;
        push(machine, 4, machine_read(machine, display, 4));
    }
    if (level > 0) {
        push(machine, 4, frame);
    }
    machine->gpr[REG_EBP] = frame;
    machine->gpr[REG_ESP] -= (uint32_t)insn->operands[0].imm & 0xffff;
    return true;
}

static bool exec_call(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t target = read_operand(machine, insn, 0);

    (void)argument;
    push(machine, 4, machine->eip);
    machine->eip = target;
    return !insn->size16;
}

static bool exec_jmp(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    machine->eip = read_operand(machine, insn, 0);
    return !insn->size16;
}

static bool exec_jcc(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint8_t code = insn->opcode == 0x0f ? insn->opcode2 : insn->opcode;

    (void)argument;
    if (alu_condition(code & 15, machine->eflags)) {
        machine->eip = (uint32_t)insn->operands[0].imm;
    }
    return !insn->size16;
}

/* loopne, loope, loop, jecxz are opcodes e0 to e3; an address-size prefix makes the counter cx. */
static bool exec_counted(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    x86_reg counter = insn->addr16 ? X86_REG_CX : X86_REG_ECX;
    bool zero = machine->eflags & FLAG_ZF;
    bool taken;

    (void)argument;
    if (insn->opcode == 0xe3) {
        taken = read_reg(machine, counter) == 0;
    } else {
        write_reg(machine, counter, read_reg(machine, counter) - 1);
        taken = read_reg(machine, counter) != 0 &&
                (insn->opcode == 0xe2 || zero == (insn->opcode == 0xe1));
    }
    if (taken) {
        machine->eip = (uint32_t)insn->operands[0].imm;
    }
    return !insn->size16;
}

static bool exec_alu(struct machine *machine, const struct insn *insn, unsigned int operation)
{
    unsigned int size = insn->operands[0].size;
    uint32_t left = read_operand(machine, insn, 0);
    uint32_t right = insn->operand_count > 1 ? read_operand(machine, insn, 1) : 1;

    right &= alu_mask(size);
    return write_operand(machine, insn, 0,
                         alu_compute(operation, left, right, size, &machine->eflags));
}

/* cmp and test: the operation without its result. */
static bool exec_compare(struct machine *machine, const struct insn *insn, unsigned int operation)
{
    unsigned int size = insn->operands[0].size;
    uint32_t right = read_operand(machine, insn, 1) & alu_mask(size);

    alu_compute(operation, read_operand(machine, insn, 0), right, size, &machine->eflags);
    return true;
}

/* inc and dec leave the carry flag alone. */
static bool exec_step(struct machine *machine, const struct insn *insn, unsigned int operation)
{
    uint32_t carry = machine->eflags & FLAG_CF;
    uint32_t value = alu_compute(operation, read_operand(machine, insn, 0), 1,
                                 insn->operands[0].size, &machine->eflags);

    machine->eflags = (machine->eflags & ~FLAG_CF) | carry;
    return write_operand(machine, insn, 0, value);
}

static bool exec_neg(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    return write_operand(machine, insn, 0,
                         alu_compute(ALU_SUB, 0, read_operand(machine, insn, 0),
                                     insn->operands[0].size, &machine->eflags));
}

static bool exec_not(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    return write_operand(machine, insn, 0, ~read_operand(machine, insn, 0));
}

static bool exec_xadd(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t left = read_operand(machine, insn, 0);
    uint32_t sum = alu_compute(ALU_ADD, left, read_operand(machine, insn, 1),
                               insn->operands[0].size, &machine->eflags);

    (void)argument;
    if (operand_is(insn, 0, X86_OP_MEM)) {
        return write_operand(machine, insn, 0, sum) && write_operand(machine, insn, 1, left);
    }
    return write_operand(machine, insn, 1, left) && write_operand(machine, insn, 0, sum);
}

/* Memory is written in either case: with its old value when the comparison fails (SDM vol. 2,
 * CMPXCHG). */
static bool exec_cmpxchg(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    static const x86_reg accumulators[] = {0, X86_REG_AL, X86_REG_AX, 0, X86_REG_EAX};
    unsigned int size = insn->operands[0].size;
    x86_reg accumulator = size <= 4 ? accumulators[size] : 0;
    uint32_t old = read_operand(machine, insn, 0);

    (void)argument;
    alu_compute(ALU_SUB, read_reg(machine, accumulator), old, size, &machine->eflags);
    if (machine->eflags & FLAG_ZF) {
        return write_operand(machine, insn, 0, read_operand(machine, insn, 1));
    }
    return write_operand(machine, insn, 0, old) && write_reg(machine, accumulator, old);
}

static bool exec_cmpxchg8b(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t address = exec_address(machine, insn, 0);
    uint32_t low = machine_read(machine, address, 4);
    uint32_t high = machine_read(machine, address + 4, 4);
    bool equal = low == machine->gpr[REG_EAX] && high == machine->gpr[REG_EDX];

    (void)argument;
    machine->eflags = (machine->eflags & ~FLAG_ZF) | (equal ? FLAG_ZF : 0);
    machine_write(machine, address, 4, equal ? machine->gpr[REG_EBX] : low);
    machine_write(machine, address + 4, 4, equal ? machine->gpr[REG_ECX] : high);
    if (!equal) {
        machine->gpr[REG_EAX] = low;
        machine->gpr[REG_EDX] = high;
    }
    return true;
}

static bool exec_bswap(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    return write_operand(machine, insn, 0, __builtin_bswap32(read_operand(machine, insn, 0)));
}

static unsigned int string_size(const struct insn *insn)
{
    if ((insn->opcode & 1) == 0) {
        return 1;
    }
    return insn->size16 ? 2 : 4;
}

/* What one repetition stores: al/ax/eax (aa, ab), memory at esi (a4, a5) or port input (6c, 6d). */
static uint32_t string_input(struct machine *machine, const struct insn *insn, unsigned int size)
{
    switch (insn->opcode & 0xfe) {
    case 0xaa:
        return machine->gpr[REG_EAX];
    case 0xa4:
        return machine_read(machine, machine->gpr[REG_ESI] + segment_base(machine, insn->segment),
                            size);
    default:
        return (uint32_t)machine_mix(machine->seed ^ 0x706f7274, machine->once++);
    }
}

static bool exec_string(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    bool repeated = insn->rep || insn->repne;
    unsigned int size = string_size(insn);
    uint32_t step = machine->eflags & FLAG_DF ? 0u - size : size;
    uint32_t count = repeated ? machine->gpr[REG_ECX] : 1;

    (void)argument;
    /* Registers of 16 bits for string operations are not modelled. */
    if (insn->addr16 || count > MAX_REPETITIONS || !insn_is_string(insn)) {
        return false;
    }
    for (; count > 0; count--) {
        machine_write(machine, machine->gpr[REG_EDI], size, string_input(machine, insn, size));
        machine->gpr[REG_EDI] += step;
        if ((insn->opcode & 0xfe) == 0xa4) {
            machine->gpr[REG_ESI] += step;
        }
    }
    if (repeated) {
        machine->gpr[REG_ECX] = 0;
    }
    return true;
}

static uint32_t gdt_base(const struct machine *machine)
{
    return (uint32_t)machine_mix(machine->seed, 0x676474);
}

static bool exec_sgdt(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t address = exec_address(machine, insn, 0);

    (void)argument;
    machine_write(machine, address, 2, (uint32_t)machine_mix(machine->seed, 0x6c696d));
    machine_write(machine, address + 2, 4, gdt_base(machine));
    return true;
}

static bool exec_str(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    (void)argument;
    return write_operand(machine, insn, 0, machine->task_register);
}

/* Sets the busy bit of the descriptor; a mirror may copy all of its eight bytes (SDM vol.
 * 3, 8.2.2). */
static bool exec_ltr(struct machine *machine, const struct insn *insn, unsigned int argument)
{
    uint32_t selector = read_operand(machine, insn, 0) & 0xffff;

    (void)argument;
    machine->task_register = (uint16_t)selector;
    machine->optional_base = gdt_base(machine) + (selector & ~7u);
    machine->optional_size = 8;
    machine_write_byte(machine, machine->optional_base + 5,
                       machine_read_byte(machine, machine->optional_base + 5) | 2);
    return true;
}

/*
 * Writers whose arithmetic does not matter here: what is stored is an unknown function of the
 * inputs, so that a mirror write which is not a copy, nor the same function of the same inputs,
 * differs.
 */
static uint64_t unknown_value(struct machine *machine, const struct insn *insn,
                              const struct writer_rule *rule)
{
    uint64_t value = machine_mix(machine->seed ^ 0x76616c, insn->id);

    for (unsigned int i = 0; i < insn->operand_count; i++) {
        const cs_x86_op *operand = &insn->operands[i];

        if (operand->type == X86_OP_MEM && !(rule->properties & STORE_READS_OLD)) {
            continue;
        }
        value = machine_mix(value, read_operand(machine, insn, i));
    }
    if (rule->properties & STORE_READS_OLD) {
        value = machine_mix(value, machine->eflags & FLAG_CF);
    }
    value = machine_mix(value, machine->fpu_steps);
    return rule->properties & STORE_ONCE ? machine_mix(value, ++machine->once) : value;
}

static bool exec_unknown_store(struct machine *machine, const struct insn *insn)
{
    const struct writer_rule *rule = writer_rule_of(insn);
    unsigned int size;
    uint64_t value;
    uint32_t address;

    if (!rule || rule->kind != WRITES_OPERAND || !operand_is(insn, 0, X86_OP_MEM)) {
        return false;
    }
    size = writer_size(rule, insn);
    value = unknown_value(machine, insn, rule);
    address = exec_address(machine, insn, 0);
    for (unsigned int i = 0; i < size; i++) {
        machine_write_byte(machine, address + i, (uint8_t)machine_mix(value, i));
    }
    if (rule->properties & STORE_SETS_FLAGS) {
        machine->eflags = (machine->eflags & ~FLAGS_STATUS) |
                          ((uint32_t)machine_mix(value, 0xf1a65) & FLAGS_STATUS);
    }
    machine->fpu_steps += (rule->properties & STORE_FPU_STEP) != 0;
    return true;
}

struct exec_rule {
    uint16_t id;
    uint8_t argument;
    exec_fn run;
};

#define RULE(id, run, argument)                                                                    \
    {                                                                                              \
        X86_INS_##id, argument, run                                                                \
    }

static const struct exec_rule exec_rules[] = {
    RULE(MOV, exec_mov, 0),
    RULE(PUSH, exec_push, 0),
    RULE(POP, exec_pop, 0),
    RULE(LEA, exec_lea, 0),
    RULE(XCHG, exec_xchg, 0),
    RULE(CALL, exec_call, 0),
    RULE(JMP, exec_jmp, 0),
    RULE(NOP, exec_nothing, 0),
    RULE(ENDBR32, exec_nothing, 0),
    RULE(MOVZX, exec_mov, 0),
    RULE(MOVSX, exec_movsx, 0),
    RULE(MOVNTI, exec_mov, 0),
    RULE(ADD, exec_alu, ALU_ADD),
    RULE(ADC, exec_alu, ALU_ADC),
    RULE(SUB, exec_alu, ALU_SUB),
    RULE(SBB, exec_alu, ALU_SBB),
    RULE(AND, exec_alu, ALU_AND),
    RULE(OR, exec_alu, ALU_OR),
    RULE(XOR, exec_alu, ALU_XOR),
    RULE(SHL, exec_alu, ALU_SHL),
    RULE(SAL, exec_alu, ALU_SHL),
    RULE(SHR, exec_alu, ALU_SHR),
    RULE(SAR, exec_alu, ALU_SAR),
    RULE(CMP, exec_compare, ALU_SUB),
    RULE(TEST, exec_compare, ALU_AND),
    RULE(INC, exec_step, ALU_ADD),
    RULE(DEC, exec_step, ALU_SUB),
    RULE(NEG, exec_neg, 0),
    RULE(NOT, exec_not, 0),
    RULE(XADD, exec_xadd, 0),
    RULE(CMPXCHG, exec_cmpxchg, 0),
    RULE(CMPXCHG8B, exec_cmpxchg8b, 0),
    RULE(BSWAP, exec_bswap, 0),
    RULE(PUSHAL, exec_pusha, 4),
    RULE(PUSHAW, exec_pusha, 2),
    RULE(PUSHFD, exec_pushf, 4),
    RULE(PUSHF, exec_pushf, 2),
    RULE(POPFD, exec_popf, 4),
    RULE(POPF, exec_popf, 2),
    RULE(LAHF, exec_lahf, 0),
    RULE(SAHF, exec_sahf, 0),
    RULE(CLD, exec_direction, 0),
    RULE(STD, exec_direction, 1),
    RULE(ENTER, exec_enter, 0),
    RULE(JCXZ, exec_counted, 0),
    RULE(JECXZ, exec_counted, 0),
    RULE(LOOP, exec_counted, 0),
    RULE(LOOPE, exec_counted, 0),
    RULE(LOOPNE, exec_counted, 0),
    RULE(STOSB, exec_string, 0),
    RULE(STOSW, exec_string, 0),
    RULE(STOSD, exec_string, 0),
    RULE(MOVSB, exec_string, 0),
    RULE(MOVSW, exec_string, 0),
    RULE(INSB, exec_string, 0),
    RULE(INSW, exec_string, 0),
    RULE(INSD, exec_string, 0),
    RULE(SGDT, exec_sgdt, 0),
    RULE(STR, exec_str, 0),
    RULE(LTR, exec_ltr, 0),
};

static exec_fn find_rule(const struct insn *insn, unsigned int *argument)
{
    *argument = 0;
    if (insn->id == X86_INS_MOVSD) {
        return insn_is_string(insn) ? exec_string : NULL;
    }
    if (insn->opcode == 0x0f && (insn->opcode2 & 0xf0) == 0x90) {
        return exec_setcc;
    }
    if ((insn->opcode >= 0x70 && insn->opcode <= 0x7f) ||
        (insn->opcode == 0x0f && (insn->opcode2 & 0xf0) == 0x80)) {
        return exec_jcc;
    }
    for (size_t i = 0; i < sizeof(exec_rules) / sizeof(exec_rules[0]); i++) {
        if (exec_rules[i].id == insn->id) {
            *argument = exec_rules[i].argument;
            return exec_rules[i].run;
        }
    }
    return NULL;
}

/* The handlers take operands of 1, 2 or 4 bytes, but for two that know their size. */
static bool has_modelled_sizes(const struct insn *insn)
{
    for (unsigned int i = 0; i < insn->operand_count; i++) {
        unsigned int size = insn->operands[i].size;

        if (size != 1 && size != 2 && size != 4 && insn->id != X86_INS_CMPXCHG8B &&
            insn->id != X86_INS_SGDT) {
            return false;
        }
    }
    return true;
}

bool exec_insn(struct machine *machine, const struct insn *insn)
{
    unsigned int argument;
    exec_fn run = find_rule(insn, &argument);

    machine->eip = insn->address + insn->length;
    if (run && !has_modelled_sizes(insn)) {
        return false;
    }
    if (run ? !run(machine, insn, argument) : !exec_unknown_store(machine, insn)) {
        return false;
    }
    return !machine->overflow;
}
