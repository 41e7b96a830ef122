/*
 * Locked read-modify-writes, whose bytes other processors write in turn. A mirror that is copied
 * from native once may be the older of two values: the translation has to look again after it wrote
 * the mirror, and it must have written it with a lock, for only that keeps the look behind the
 * write (SDM vol. 3, 9.2.2).
 */
#include "run.h"

#include "exec.h"

#include <string.h>

/* cmpxchg8b writes the most. */
#define LOCKED_MAX 8u

static bool names_memory(const struct insn *insn)
{
    return operand_is(insn, 0, X86_OP_MEM) || operand_is(insn, 1, X86_OP_MEM);
}

/* xchg with memory locks without being told (SDM vol. 3, 9.1.2.1). */
bool race_possible(const struct insn *insn)
{
    return insn->lock || (insn->id == X86_INS_XCHG && names_memory(insn));
}

static void write_elsewhere(struct run *run, uint32_t seed)
{
    struct machine *machine = &run->translated;

    for (uint32_t i = 0; i < run->original.store_count; i++) {
        uint32_t address = run->original.stores[i].address;
        uint8_t value = (uint8_t)machine_mix(machine->seed ^ seed, address);

        machine_write_byte(&run->original, address, value);
        machine_write_byte(machine, address, value);
        machine_write_byte(machine, address + machine->offset, value);
    }
}

void race_write(struct run *run, uint32_t at)
{
    for (uint32_t i = 0; i < 2 && run->native_done; i++) {
        if (at == run->race_at[i] && run->races_left[i] > 0) {
            run->races_left[i]--;
            write_elsewhere(run, 2 * run->races_left[i] + i);
            return;
        }
    }
}

static void read_mirror(const struct run *run, uint8_t *bytes)
{
    const struct machine *machine = &run->translated;

    memset(bytes, 0, LOCKED_MAX);
    for (uint32_t i = 0; i < run->original.store_count && i < LOCKED_MAX; i++) {
        bytes[i] = machine_read_byte(machine, run->original.stores[i].address + machine->offset);
    }
}

bool race_step(struct run *run, const struct insn *insn)
{
    uint8_t before[LOCKED_MAX];
    uint8_t after[LOCKED_MAX];

    read_mirror(run, before);
    if (!exec_insn(&run->translated, insn)) {
        return false;
    }
    read_mirror(run, after);
    if (memcmp(before, after, sizeof(before)) != 0 && !race_possible(insn)) {
        return run_fail(run, "writes the mirror of a locked write without a lock");
    }
    return true;
}
