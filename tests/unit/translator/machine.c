#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SETUP_BASE = CODE_BASE + CODE_SIZE - 0x1000 };

static const int gpr_ids[GPR_COUNT] = {UC_X86_REG_EAX, UC_X86_REG_ECX, UC_X86_REG_EDX,
                                       UC_X86_REG_EBX, UC_X86_REG_ESP, UC_X86_REG_EBP,
                                       UC_X86_REG_ESI, UC_X86_REG_EDI};

static void must(uc_err error)
{
    if (error != UC_ERR_OK) {
        fprintf(stderr, "emulator: %s\n", uc_strerror(error));
        abort();
    }
}

static uint32_t read_port(uc_engine *uc, uint32_t port, int size, void *user)
{
    (void)uc, (void)port, (void)size;
    return ((struct machine *)user)->port_value;
}

void machine_open(struct machine *machine)
{
    uc_hook hook;
    must(uc_open(UC_ARCH_X86, UC_MODE_32, &machine->uc));
    must(uc_mem_map(machine->uc, 0, MEMORY_SIZE, UC_PROT_ALL));
    must(uc_mem_map(machine->uc, MIRROR_OFFSET, MEMORY_SIZE, UC_PROT_ALL));
    must(uc_mem_map(machine->uc, CODE_BASE, CODE_SIZE, UC_PROT_ALL));
    must(uc_hook_add(machine->uc, &hook, UC_HOOK_INSN, (void *)read_port, machine, 1, 0,
                     UC_X86_INS_IN));
    machine->port_value = 0x11223344;
}

void machine_close(struct machine *machine)
{
    uc_close(machine->uc);
}

static void put_code(struct machine *machine, uint32_t at, const uint8_t *code, size_t size)
{
    must(uc_mem_write(machine->uc, at, code, size));
    must(uc_ctl_remove_cache(machine->uc, at, at + size));
}

static void setup_fpu(struct machine *machine)
{
    /* fninit; fld1; fldpi; fldl2e */
    static const uint8_t code[] = {0xdb, 0xe3, 0xd9, 0xe8, 0xd9, 0xeb, 0xd9, 0xea};
    put_code(machine, SETUP_BASE, code, sizeof(code));
    must(uc_emu_start(machine->uc, SETUP_BASE, SETUP_BASE + sizeof(code), 0, 0));
}

void machine_load(struct machine *machine, const struct machine_state *state)
{
    setup_fpu(machine);
    must(uc_mem_write(machine->uc, 0, state->memory, MEMORY_SIZE));
    must(uc_mem_write(machine->uc, MIRROR_OFFSET, state->memory, MEMORY_SIZE));
    for (unsigned i = 0; i < GPR_COUNT; i++)
        must(uc_reg_write(machine->uc, gpr_ids[i], &state->gpr[i]));
    for (unsigned i = 0; i < XMM_COUNT; i++)
        must(uc_reg_write(machine->uc, UC_X86_REG_XMM0 + (int)i, state->xmm[i]));
    must(uc_reg_write(machine->uc, UC_X86_REG_EFLAGS, &state->eflags));
}

uc_err machine_run(struct machine *machine, const uint8_t *code, size_t size)
{
    put_code(machine, CODE_BASE, code, size);
    return uc_emu_start(machine->uc, CODE_BASE, CODE_BASE + size, 0, 0);
}

enum { OP_JECXZ = 0xe3, OP_JNZ = 0x75, OP_JMP = 0xeb, FLAG_ZF = 0x40 };

/* Short branches that translations hold are done here: the emulator would run on at their target.
 * False: none. */
static bool branch(struct machine *machine, const uint8_t *code, size_t *at)
{
    uint32_t flags;
    bool taken = true;
    if (code[*at] == OP_JECXZ) {
        taken = machine_gpr(machine, 1) == 0;
    } else if (code[*at] == OP_JNZ) {
        must(uc_reg_read(machine->uc, UC_X86_REG_EFLAGS, &flags));
        taken = !(flags & FLAG_ZF);
    } else if (code[*at] != OP_JMP) {
        return false;
    }
    *at += 2 + (taken ? (size_t)(int8_t)code[*at + 1] : 0);
    return true;
}

uc_err machine_step(struct machine *machine, const uint8_t *code, size_t size,
                    size_t (*length)(const uint8_t *, size_t), void (*between)(struct machine *))
{
    put_code(machine, CODE_BASE, code, size);
    for (size_t at = 0; at < size;) {
        if (at > 0)
            between(machine);
        if (branch(machine, code, &at))
            continue;
        size_t step = length(code + at, size - at);
        uc_err error = uc_emu_start(machine->uc, CODE_BASE + at, CODE_BASE + at + step, 0, 0);
        if (error != UC_ERR_OK)
            return error;
        at += step;
    }
    return UC_ERR_OK;
}

uint32_t machine_gpr(struct machine *machine, unsigned number)
{
    uint32_t value;
    must(uc_reg_read(machine->uc, gpr_ids[number], &value));
    return value;
}

void machine_save(struct machine *machine, struct machine_state *state)
{
    memset(state, 0, sizeof(*state));
    must(uc_mem_read(machine->uc, 0, state->memory, MEMORY_SIZE));
    must(uc_mem_read(machine->uc, MIRROR_OFFSET, state->mirror, MEMORY_SIZE));
    for (unsigned i = 0; i < GPR_COUNT; i++)
        state->gpr[i] = machine_gpr(machine, i);
    for (unsigned i = 0; i < XMM_COUNT; i++)
        must(uc_reg_read(machine->uc, UC_X86_REG_XMM0 + (int)i, state->xmm[i]));
    for (unsigned i = 0; i < 8; i++)
        must(uc_reg_read(machine->uc, UC_X86_REG_ST0 + (int)i, state->st[i]));
    must(uc_reg_read(machine->uc, UC_X86_REG_FPSW, &state->fpu_status));
    must(uc_reg_read(machine->uc, UC_X86_REG_FPCW, &state->fpu_control));
    must(uc_reg_read(machine->uc, UC_X86_REG_EFLAGS, &state->eflags));
}
