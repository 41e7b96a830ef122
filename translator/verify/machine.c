#include "machine.h"

#include <string.h>

/* Always set, and interrupts enabled (SDM vol. 1, 3.4.3). */
#define FLAGS_FIXED 0x202u

/* splitmix64's finalizer: every input bit reaches every output bit. */
uint64_t machine_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a * 0x9e3779b97f4a7c15u + b + 0x9e3779b97f4a7c15u;

    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

void machine_reset(struct machine *machine, uint64_t seed, uint32_t offset)
{
    for (unsigned int i = 0; i < REG_COUNT; i++) {
        machine->gpr[i] = (uint32_t)machine_mix(seed, i);
    }
    machine->gpr[REG_ESP] &= ~3u;
    machine->eip = 0;
    machine->eflags =
        FLAGS_FIXED | ((uint32_t)machine_mix(seed, REG_COUNT) & (FLAGS_STATUS | FLAG_DF));
    machine->fpu_steps = 0;
    machine->once = 0;
    machine->offset = offset;
    machine->entry_base = 0;
    machine->entry_size = 0;
    machine->optional_base = 0;
    machine->optional_size = 0;
    machine->task_register = (uint16_t)machine_mix(seed, 0x7472);
    machine->vector_word = 0;
    machine->vector_bytes = 0;
    for (unsigned int i = 0; i < VECTOR_MAX; i++) {
        machine->vector[i] = (uint8_t)machine_mix(seed ^ 0x766563, i);
    }
    machine->seed = seed;
    machine->store_count = 0;
    machine->overflow = false;
}

void machine_copy(struct machine *copy, const struct machine *machine)
{
    memcpy(copy, machine, offsetof(struct machine, stores));
    memcpy(copy->stores, machine->stores, machine->store_count * sizeof(machine->stores[0]));
}

const struct stored_byte *machine_find(const struct machine *machine, uint32_t address)
{
    for (uint32_t i = machine->store_count; i > 0; i--) {
        if (machine->stores[i - 1].address == address) {
            return &machine->stores[i - 1];
        }
    }
    return NULL;
}

uint8_t machine_read_byte(const struct machine *machine, uint32_t address)
{
    const struct stored_byte *stored = machine_find(machine, address);

    if (!stored && machine->vector_word && address - machine->vector_word < 4) {
        return (uint8_t)(machine->vector_bytes >> (8 * (address - machine->vector_word)));
    }
    return stored ? stored->value : (uint8_t)machine_mix(machine->seed ^ 0x6d656d, address);
}

/* A store is a mirror's when the byte it mirrors has been stored before. */
static enum store_class classify(const struct machine *machine, uint32_t address)
{
    uint32_t native = address - machine->offset;
    const struct stored_byte *stored;

    if (machine->offset == 0) {
        return STORE_NATIVE;
    }
    if (native - machine->entry_base < machine->entry_size ||
        native - machine->optional_base < machine->optional_size) {
        return STORE_MIRROR;
    }
    stored = machine_find(machine, native);
    return stored && stored->store_class == STORE_NATIVE ? STORE_MIRROR : STORE_NATIVE;
}

void machine_write_byte(struct machine *machine, uint32_t address, uint8_t value)
{
    struct stored_byte *stored = (struct stored_byte *)machine_find(machine, address);

    if (stored) {
        stored->value = value;
        return;
    }
    if (machine->store_count == MACHINE_MAX_STORES) {
        machine->overflow = true;
        return;
    }
    stored = &machine->stores[machine->store_count];
    stored->address = address;
    stored->value = value;
    stored->store_class = (uint8_t)classify(machine, address);
    machine->store_count++;
}

uint32_t machine_read(const struct machine *machine, uint32_t address, unsigned int size)
{
    uint32_t value = 0;

    for (unsigned int i = 0; i < size && i < 4; i++) {
        value |= (uint32_t)machine_read_byte(machine, address + i) << (8 * i);
    }
    return value;
}

void machine_write(struct machine *machine, uint32_t address, unsigned int size, uint32_t value)
{
    for (unsigned int i = 0; i < size; i++) {
        machine_write_byte(machine, address + i, (uint8_t)(value >> (8 * i)));
    }
}
