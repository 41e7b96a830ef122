/* Integer arithmetic with its flags (SDM vol. 2, each instruction's "Flags affected"). */
#ifndef KMV_VERIFY_ALU_H
#define KMV_VERIFY_ALU_H

#include <stdbool.h>
#include <stdint.h>

enum alu_operation {
    ALU_ADD,
    ALU_ADC,
    ALU_SUB,
    ALU_SBB,
    ALU_AND,
    ALU_OR,
    ALU_XOR,
    ALU_SHL,
    ALU_SHR,
    ALU_SAR,
};

/* left OP right on `size` bytes (1, 2 or 4); *eflags in and out. Shifts take their count from
 * `right`. */
uint32_t alu_compute(enum alu_operation operation, uint32_t left, uint32_t right, unsigned int size,
                     uint32_t *eflags);

/* Condition code 0..15 as in the low half of a jcc or setcc opcode. */
bool alu_condition(unsigned int code, uint32_t eflags);

uint32_t alu_mask(unsigned int size);

#endif
