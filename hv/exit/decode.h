/* The one kind of instruction that the hypervisor does in the guest's place. */
#ifndef HV_EXIT_DECODE_H
#define HV_EXIT_DECODE_H

#include <hv/types.h>

struct store {
    bool has_gpr; /* the value is that of register `gpr`, else `value` */
    unsigned gpr;
    u32 value;
    u32 length; /* of the instruction, in bytes */
};

/* 32-bit code, `bytes` of it readable: MOV of 32 bits from a register (89 /r, A3) or an immediate
 * (c7 /0) to memory, without prefixes. False: something else, or cut off. Where it stores is not
 * looked at, the exit tells. */
bool decode_store(const u8 *code, u32 bytes, struct store *store);

#endif
