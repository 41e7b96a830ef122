#include <hv/exit/decode.h>

#define OPCODE_MOV_STORE     0x89
#define OPCODE_MOV_IMMEDIATE 0xc7
#define OPCODE_MOV_OFFSET    0xa3
#define MOV_OFFSET_BYTES     5u

/* Bytes of ModRM, SIB and displacement with 32-bit addressing, by mod and r/m (SDM vol. 2A, tables
 * 2-2 and 2-3); 0: the operand is a register. */
static inline u32 operand_bytes(const u8 *modrm)
{
    static const u8 bytes[4][8] = {
        {1, 1, 1, 1, 2, 5, 1, 1}, {2, 2, 2, 2, 3, 2, 2, 2}, {5, 5, 5, 5, 6, 5, 5, 5}};
    bool no_base = (modrm[0] & 0xc7) == 4 && (modrm[1] & 7) == 5;

    return bytes[modrm[0] >> 6][modrm[0] & 7] + (no_base ? 4u : 0u);
}

bool decode_store(const u8 *code, u32 bytes, struct store *store)
{
    u32 operand;

    /* A3: EAX to an address in the code. */
    if (bytes >= MOV_OFFSET_BYTES && code[0] == OPCODE_MOV_OFFSET) {
        *store = (struct store){.has_gpr = true, .gpr = 0, .length = MOV_OFFSET_BYTES};
        return true;
    }
    if (bytes < 3 || (code[0] != OPCODE_MOV_STORE && code[0] != OPCODE_MOV_IMMEDIATE))
        return false;
    operand = operand_bytes(code + 1);
    store->has_gpr = code[0] == OPCODE_MOV_STORE;
    store->gpr = code[1] >> 3 & 7;
    store->length = 1 + operand + (store->has_gpr ? 0 : sizeof(store->value));
    if (operand == 0 || store->length > bytes || (!store->has_gpr && store->gpr != 0))
        return false;
    /* Built in, since a call costs more than the four bytes. */
    if (!store->has_gpr)
        __builtin_memcpy(&store->value, code + 1 + operand, sizeof(store->value));
    return true;
}
