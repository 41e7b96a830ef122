/* One decoded instruction, reduced to what translation asks of it. */
#ifndef TRANSLATOR_INSN_H
#define TRANSLATOR_INSN_H

#include <Zydis/Zydis.h>
#include <stdbool.h>
#include <stdint.h>

/* General registers by their encoding (SDM volume 2, table 2-2). */
enum gpr { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, NO_GPR = -1 };

#define GPR_BIT(reg) (1u << (reg))
#define GPR_ALL      0xffu

/* In sets of what is needed, esp, which always is, makes room for the status flags. */
#define STATUS_FLAGS GPR_BIT(ESP)

/* A ModRM memory operand. */
struct mem {
    int8_t base;     /* enum gpr or NO_GPR */
    int8_t index;    /* enum gpr or NO_GPR */
    uint8_t scale;   /* log2 */
    uint8_t segment; /* override prefix byte, 0: none */
    uint8_t disp_at; /* where an original instruction holds its 32-bit displacement, 0: nowhere */
    uint32_t disp;
};

struct insn {
    ZydisDecodedInstruction zydis;
    ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
    const uint8_t *bytes;
    uint32_t addr;
    uint8_t length;
    bool has_mem;    /* a ModRM memory operand */
    bool addr16;     /* 16-bit addressing: `mem` does not describe it */
    bool writes_mem; /* explicitly or not, as far as the decoder knows */
    struct mem mem;
    uint16_t mem_size;    /* bytes of the memory operand that is written */
    uint8_t reads;        /* GPR_BIT masks: read, also as part of an address */
    uint8_t writes;       /* written at least in part */
    uint8_t kills;        /* overwritten whole, always */
    uint8_t address_regs; /* used by `mem` */
};

/* Sets up the decoder that the other functions take. */
void insn_decoder_init(ZydisDecoder *decoder);

/* Decodes one instruction of 32-bit code at bytes, at most size bytes. False if there is none. */
bool insn_decode(const ZydisDecoder *decoder, const uint8_t *bytes, size_t size, uint32_t addr,
                 struct insn *insn);

bool insn_has_prefix(const struct insn *insn, uint8_t prefix);

/* A read-modify-write that other processors see as one: behind a lock prefix, or xchg with memory
 * (SDM volume 3, 9.1.2.2). */
bool insn_is_locked(const struct insn *insn);

/* Whether it needs a status flag, and whether it sets all of them, whatever its operands are. */
bool insn_reads_flags(const struct insn *insn);
bool insn_kills_flags(const struct insn *insn);

/* Whether its memory operand is elsewhere once it has run. */
bool insn_moves_address(const struct insn *insn);

/* Relative branches: `call` included. */
bool insn_is_relative_branch(const struct insn *insn);
uint32_t insn_branch_target(const struct insn *insn);

/* True if the next instruction in memory is never reached from this one. */
bool insn_ends_flow(const struct insn *insn);

bool insn_is_nop(const struct insn *insn);

#endif
