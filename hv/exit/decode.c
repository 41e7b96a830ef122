#include <hv/exit/decode.h>

#include <hv/lib/string.h>

#define OPCODE_MOV_STORE     0x89
#define OPCODE_MOV_IMMEDIATE 0xc7
#define OPCODE_MOV_OFFSET    0xa3
#define MOV_OFFSET_BYTES     5u

/* Bytes of ModRM, SIB and displacement with 32-bit addressing (SDM vol. 2A, table 2-2); 0: the
 * operand is a register. */
static u32 operand_bytes(const u8 *modrm)
{
    unsigned mod = modrm[0] >> 6, rm = modrm[0] & 7;
    u32 bytes = 1;

    if (mod == 3)
        return 0;
    if (rm == 4) {
        bytes++;
        rm = modrm[1] & 7;
    }
    if (mod == 1)
        return bytes + 1;
    return mod == 2 || rm == 5 ? bytes + 4 : bytes;
}

bool decode_store(const u8 *code, u32 bytes, struct store *store)
{
    unsigned reg;
    u32 operand;

    /* A3: EAX to an address in the code. */
    if (bytes >= MOV_OFFSET_BYTES && code[0] == OPCODE_MOV_OFFSET) {
        *store = (struct store){.has_gpr = true, .gpr = 0, .length = MOV_OFFSET_BYTES};
        return true;
    }
    if (bytes < 3 || (code[0] != OPCODE_MOV_STORE && code[0] != OPCODE_MOV_IMMEDIATE))
        return false;
    operand = operand_bytes(code + 1);
    reg = code[1] >> 3 & 7;
    *store = (struct store){.has_gpr = code[0] == OPCODE_MOV_STORE, .gpr = reg};
    store->length = 1 + operand + (store->has_gpr ? 0 : sizeof(store->value));
    if (operand == 0 || store->length > bytes || (!store->has_gpr && reg != 0))
        return false;
    if (!store->has_gpr)
        memcpy(&store->value, code + 1 + operand, sizeof(store->value));
    return true;
}
