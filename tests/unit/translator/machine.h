/*
 * An emulated 32-bit machine with a mirror: memory [0, MEMORY_SIZE) is native, the same at OFFSET
 * is its mirror. Code lies elsewhere and is not mirrored.
 */
#ifndef TEST_MACHINE_H
#define TEST_MACHINE_H

#include <stdbool.h>
#include <stdint.h>
#include <unicorn/unicorn.h>

enum {
    MEMORY_SIZE = 0x20000, /* 16-bit addresses lie inside */
    MIRROR_OFFSET = 0x38000000,
    CODE_BASE = 0x01000000,
    CODE_SIZE = 0x10000,
    XMM_COUNT = 8,
    GPR_COUNT = 8,
    XSAVE_SIZE = 832, /* x87, SSE and AVX: SDM volume 1, 13.4 */
};

struct machine_state {
    uint32_t gpr[GPR_COUNT];
    uint32_t eflags;
    uint8_t xmm[XMM_COUNT][16];
    uint8_t st[8][10];
    uint16_t fpu_status;
    uint16_t fpu_control;
    uint8_t xsave[XSAVE_SIZE]; /* on this processor in place of the five above */
    uint8_t memory[MEMORY_SIZE];
    uint8_t mirror[MEMORY_SIZE];
};

struct machine {
    uc_engine *uc;
    uint32_t port_value; /* what every port reads as */
};

void machine_open(struct machine *machine);
void machine_close(struct machine *machine);

/* Loads memory (into both copies), general and XMM registers, flags; resets the FPU and pushes
 * three values on it. */
void machine_load(struct machine *machine, const struct machine_state *state);

/* Puts code at CODE_BASE and returns the emulator's verdict on running it to its end. */
uc_err machine_run(struct machine *machine, const uint8_t *code, size_t size);

/*
 * Like machine_run for code with short jumps only, one instruction at a time; `length` gives an
 * instruction's length, `between` is called before each but the first. (The emulator's own
 * instruction limit costs milliseconds a run.)
 */
uc_err machine_step(struct machine *machine, const uint8_t *code, size_t size,
                    size_t (*length)(const uint8_t *, size_t), void (*between)(struct machine *));

void machine_save(struct machine *machine, struct machine_state *state);

uint32_t machine_gpr(struct machine *machine, unsigned number);

#endif
