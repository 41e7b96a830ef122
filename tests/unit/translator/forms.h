/* The instruction forms that the oracle tries: opcodes here, operands made up at random. */
#ifndef TEST_FORMS_H
#define TEST_FORMS_H

#include <stdbool.h>
#include <stdint.h>

#include "machine.h"

enum form_flags {
    FORM_MODRM = 1,       /* a ModRM memory operand follows the opcode */
    FORM_ALIGNED = 2,     /* the operand is aligned to 16 bytes */
    FORM_BIT_OFFSET = 4,  /* the register operand moves the address */
    FORM_STRING = 8,      /* esi and edi point, ecx counts */
    FORM_FRAME = 16,      /* ebp points into memory */
    FORM_MOFFS = 32,      /* a 32-bit address follows the opcode */
    FORM_LOCK = 64,       /* may take a lock prefix */
    FORM_REPEAT = 128,    /* takes a rep prefix */
    FORM_REGISTERS = 256, /* a ModRM with two registers follows the opcode */
    FORM_HOST = 512,      /* the emulator lacks it: runs on this processor */
    FORM_LINE = 1024,     /* the operand is aligned to 64 bytes */
    FORM_MASK = 2048,     /* the third byte holds a mask register */
    FORM_WIDE = 4096,     /* no 16-bit addressing: refused */
};

struct form {
    const char *row; /* the writer class it must be in */
    const char *name;
    uint8_t opcode[4];
    uint8_t opcode_size;
    uint8_t prefix;    /* mandatory prefix, 0: none */
    int8_t extension;  /* ModRM.reg, -1: any register, -2: any segment register */
    uint8_t immediate; /* bytes */
    uint16_t flags;
};

extern const struct form forms[];
extern const unsigned form_count;

/* A random instruction of a form and a random state in which it can run. */
struct form_case {
    uint8_t bytes[16];
    unsigned size;
    struct machine_state *state;
};

void form_make(const struct form *form, struct form_case *made);

/* Deterministic pseudo-random numbers. */
void random_seed(uint64_t seed);
uint32_t random_next(void);
uint32_t random_below(uint32_t limit);

#endif
