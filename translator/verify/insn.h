/* One decoded instruction. Capstone gives length, mnemonic and operands; what is written comes from
 * writers.c. */
#ifndef KMV_VERIFY_INSN_H
#define KMV_VERIFY_INSN_H

#include <capstone/capstone.h>
#include <stdbool.h>
#include <stdint.h>

#define INSN_MAX_OPERANDS 5u
#define INSN_MAX_LENGTH   15u

struct insn {
    uint32_t address;
    uint32_t id; /* X86_INS_* */
    uint8_t length;
    uint8_t bytes[INSN_MAX_LENGTH];
    uint8_t opcode;  /* first opcode byte behind the legacy prefixes; 0x0f for two-byte opcodes */
    uint8_t opcode2; /* the byte behind it */
    uint8_t operand_count;
    bool lock;
    bool rep;        /* f3 */
    bool repne;      /* f2 */
    bool size16;     /* 66 */
    bool addr16;     /* 67 */
    uint8_t segment; /* override prefix byte, or 0 */
    cs_x86_op operands[INSN_MAX_OPERANDS];
};

struct decoder {
    csh handle;
    cs_insn *scratch;
};

/* Returns false when Capstone can't start. */
bool decoder_open(struct decoder *decoder);
void decoder_close(struct decoder *decoder);

/* Decodes one instruction out of `available` bytes that are loaded at `address`. False: not an
 * instruction. */
bool insn_decode(struct decoder *decoder, const uint8_t *bytes, uint32_t available,
                 uint32_t address, struct insn *insn);

/* Mnemonic for messages. */
const char *insn_name(const struct decoder *decoder, const struct insn *insn);

/* A direct jmp, jcc, call, loop or jecxz, and where it goes. */
bool insn_branch_target(const struct insn *insn, uint32_t *target);

/* Bytes that do nothing: nop in any form, and the other forms that assemblers pad with. */
bool insn_is_padding(const struct insn *insn);

/* The string operations have mnemonics in common with SSE (movsd, cmpsd): the opcode tells. */
bool insn_is_string(const struct insn *insn);

bool insn_is_repeated(const struct insn *insn);

/* loop, loope, loopne, jecxz: branches by a counter, which have short forms only. */
bool insn_is_counted(const struct insn *insn);

bool operand_is(const struct insn *insn, unsigned int index, x86_op_type type);

#endif
