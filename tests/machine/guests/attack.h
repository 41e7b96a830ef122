/*
 * Attempts of a hostile kernel, a row each: its name, what it does, the answer it has to get. A
 * file for each kind of them.
 */
#ifndef TESTS_GUESTS_ATTACK_H
#define TESTS_GUESTS_ATTACK_H

#include <kmv/hypercall.h>

#include "runtime.h"

#define UNMAPPED 0x30000000u /* linear */

struct attempts {
    const struct row *rows;
    u32 count;
};

extern const struct attempts attempts_instructions, attempts_calls, attempts_registers,
    attempts_ports, attempts_memory, attempts_events, attempts_x2apic;

/* A row of one instruction that needs nothing but memory to point at. */
#define INSTRUCTION(name, text)                                                                    \
    static u32 name(void)                                                                          \
    {                                                                                              \
        static u64 operand[2];                                                                     \
        u32 eax = 0, ecx = 0, edx = 0;                                                             \
                                                                                                   \
        __asm__ volatile(text                                                                      \
                         : "+m"(operand), "+a"(eax), "+c"(ecx), "+d"(edx)                          \
                         :                                                                         \
                         : "ebx", "esi", "edi", "memory", "cc");                                   \
        return 0;                                                                                  \
    }

/* A row of one C statement; `return` gives the answer. */
#define ATTEMPT(name, body)                                                                        \
    static u32 name(void)                                                                          \
    {                                                                                              \
        body return 0;                                                                             \
    }

#endif
