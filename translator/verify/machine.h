/*
 * A small model of the CPU, enough to run the few instructions that a translation inserts and the
 * writers they follow.
 *
 * Memory holds pseudo-random bytes, a function of seed and address, until something is stored. So
 * native and mirror bytes differ before the run, and a mirror write that is missing, misplaced or
 * of the wrong size shows.
 */
#ifndef KMV_VERIFY_MACHINE_H
#define KMV_VERIFY_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REG_EAX, REG_ECX, REG_EDX, REG_EBX, REG_ESP, REG_EBP, REG_ESI, REG_EDI, REG_COUNT };

#define FLAG_CF      0x001u
#define FLAG_PF      0x004u
#define FLAG_AF      0x010u
#define FLAG_ZF      0x040u
#define FLAG_SF      0x080u
#define FLAG_DF      0x400u
#define FLAG_OF      0x800u
#define FLAGS_STATUS (FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF)

/* Bytes of a vector register. */
#define VECTOR_MAX 64u

/* Bytes that one run may store: a mirrored fxsave, saved registers, and some to spare. */
#define MACHINE_MAX_STORES 4096u

/* What a stored byte is, judged when it is stored. */
enum store_class {
    STORE_NATIVE,
    STORE_MIRROR,
};

struct stored_byte {
    uint32_t address;
    uint8_t value;
    uint8_t store_class; /* enum store_class */
};

struct machine {
    uint32_t gpr[REG_COUNT];
    uint32_t eip;
    uint32_t eflags;
    uint32_t fpu_steps; /* stands for the x87 state: each change of it counts one */
    uint32_t once;   /* how many values were made that can't be made twice (port input, fxsave) */
    uint32_t offset; /* mirror(x) = x + offset */
    uint32_t
        entry_base; /* bytes [entry_base, entry_base + entry_size) count as stored before the run */
    uint32_t entry_size;
    uint32_t optional_base; /* bytes [optional_base, +optional_size) may be mirrored, or not */
    uint32_t optional_size;
    uint16_t task_register;
    uint32_t vector_word;       /* address of the program's KMV_VECTOR_SYMBOL; 0: none */
    uint32_t vector_bytes;      /* what it holds: so much of a vector register is there */
    uint8_t vector[VECTOR_MAX]; /* register 0 */
    uint64_t seed;
    uint32_t store_count;
    bool overflow; /* stored more than the model holds */
    struct stored_byte stores[MACHINE_MAX_STORES];
};

/* The value that stands for an unknown input. */
uint64_t machine_mix(uint64_t a, uint64_t b);

/* Sets a new state: registers, flags and memory from the seed; esp is a multiple of four. */
void machine_reset(struct machine *machine, uint64_t seed, uint32_t offset);

/* Makes *copy the same state; an assignment would move the whole store table. */
void machine_copy(struct machine *copy, const struct machine *machine);

uint8_t machine_read_byte(const struct machine *machine, uint32_t address);
void machine_write_byte(struct machine *machine, uint32_t address, uint8_t value);

/* Little-endian, size 1, 2 or 4 bytes; addresses wrap. */
uint32_t machine_read(const struct machine *machine, uint32_t address, unsigned int size);
void machine_write(struct machine *machine, uint32_t address, unsigned int size, uint32_t value);

/* The stored byte at this address, or NULL when nothing was stored there. */
const struct stored_byte *machine_find(const struct machine *machine, uint32_t address);

#endif
