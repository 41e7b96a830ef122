/* SHA-256 (FIPS 180-4) of a message of 64 KiB a round. */
#include "program.h"

enum { BYTES = 65536, BLOCK = 64 };

static u8 message[BYTES];

static const u32 constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static u32 rotate(u32 value, unsigned by)
{
    return value >> by | value << (32 - by);
}

static void expand(u32 *words, const u8 *block)
{
    for (u32 i = 0; i < 16; i++, block += 4)
        words[i] = (u32)block[0] << 24 | (u32)block[1] << 16 | (u32)block[2] << 8 | block[3];
    for (u32 i = 16; i < 64; i++) {
        u32 a = words[i - 15], b = words[i - 2];
        words[i] = words[i - 16] + (rotate(a, 7) ^ rotate(a, 18) ^ a >> 3) + words[i - 7] +
                   (rotate(b, 17) ^ rotate(b, 19) ^ b >> 10);
    }
}

static void compress(u32 *hash, const u8 *block)
{
    u32 words[64], state[8];

    expand(words, block);
    memcpy(state, hash, sizeof(state));
    for (u32 i = 0; i < 64; i++) {
        u32 a = state[0], e = state[4];
        u32 first = state[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +
                    ((e & state[5]) ^ (~e & state[6])) + constants[i] + words[i];
        u32 second = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) +
                     ((a & state[1]) ^ (a & state[2]) ^ (state[1] & state[2]));
        for (u32 j = 7; j > 0; j--)
            state[j] = state[j - 1];
        state[4] += first;
        state[0] = first + second;
    }
    for (u32 i = 0; i < 8; i++)
        hash[i] += state[i];
}

/* A bit of 1, zeroes, and the length in bits close a message. */
static void compress_end(u32 *hash, u32 bits)
{
    u8 block[BLOCK] = {0x80};

    for (u32 i = 0; i < 4; i++)
        block[BLOCK - 1 - i] = (u8)(bits >> 8 * i);
    compress(hash, block);
}

u32 entry(u32 rounds)
{
    u32 hash[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                   0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

    for (u32 i = 0; i < BYTES; i++)
        message[i] = (u8)(i * 7);
    for (u32 round = 0; round < rounds; round++)
        for (u32 at = 0; at < BYTES; at += BLOCK)
            compress(hash, message + at);
    compress_end(hash, rounds * BYTES * 8);
    return hash[0];
}
