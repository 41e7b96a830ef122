/* CRC-32 (IEEE 802.3) of 64 KiB a round, a table look-up a byte. */
#include "program.h"

enum { BYTES = 65536 };

static u32 table[256];
static u8 message[BYTES];

static void make_table(void)
{
    for (u32 byte = 0; byte < 256; byte++) {
        u32 value = byte;
        for (u32 bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? 0xedb88320 : 0);
        table[byte] = value;
    }
}

u32 entry(u32 rounds)
{
    u32 crc = ~0u;

    make_table();
    for (u32 i = 0; i < BYTES; i++)
        message[i] = (u8)(i * 7);
    for (u32 round = 0; round < rounds; round++)
        for (u32 i = 0; i < BYTES; i++)
            crc = crc >> 8 ^ table[(crc ^ message[i]) & 255];
    return ~crc;
}
