/* Which instructions write memory: a table made from the Intel SDM, vol. 2, not from any library's
 * metadata. */
#ifndef KMV_VERIFY_WRITERS_H
#define KMV_VERIFY_WRITERS_H

#include "insn.h"

enum write_kind {
    WRITES_NOTHING,
    WRITES_OPERAND, /* its first operand, or either one of xchg's */
    WRITES_HIDDEN,  /* the stack, or what edi points to */
    WRITES_CALL,    /* the return address, mirrored by the callee */
    WRITES_UNKNOWN, /* writes, or may write, in a way that this program can't judge */
};

/* Properties of what is stored, for instructions whose arithmetic is not modelled. */
enum {
    STORE_READS_OLD = 1,  /* read-modify-write */
    STORE_SETS_FLAGS = 2, /* alters status flags */
    STORE_FPU_STEP = 4,   /* alters the x87 state: doing it twice stores something else */
    STORE_ONCE = 8,       /* never the same twice, or leaves bytes alone: can't be repeated */
    STORE_MASKED = 16,    /* a register decides which elements are stored; `size` is an element's */
    STORE_REGISTER = 64,  /* stores the low bytes of a register, whatever its mnemonic */
    STORE_CHOSEN = 32,    /* what the processor has in use decides, and edx:eax: xsave */
};

struct writer_rule {
    uint16_t id;
    uint8_t kind;       /* enum write_kind */
    uint8_t properties; /* STORE_* */
    uint16_t size;      /* bytes; 0: the operand's size */
    uint16_t size16;    /* the same with an operand-size prefix; 0: as size */
};

/* Rule of an instruction that writes memory; NULL if it writes nothing. Kinds are in the rule. */
const struct writer_rule *writer_rule_of(const struct insn *insn);

/* The mnemonic that stores the same and leaves the x87 stack alone; others are their own. */
uint32_t writer_without_pop(uint32_t id);

/* Bytes that an explicit writer stores. */
unsigned int writer_size(const struct writer_rule *rule, const struct insn *insn);

#endif
