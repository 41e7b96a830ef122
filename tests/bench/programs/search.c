/* Search for words in 256 KiB of text, after Horspool. */
#include "program.h"

enum { BYTES = 262144, WORDS = 8, LENGTH = 8 };

static u8 text[BYTES], word[LENGTH];
static u8 skip[256];

static void prepare(void)
{
    memset(skip, LENGTH, sizeof(skip));
    for (u32 i = 0; i + 1 < LENGTH; i++)
        skip[word[i]] = (u8)(LENGTH - 1 - i);
}

static u32 count_word(void)
{
    u32 found = 0;

    for (u32 at = 0; at + LENGTH <= BYTES; at += skip[text[at + LENGTH - 1]]) {
        u32 i = LENGTH;
        while (i > 0 && text[at + i - 1] == word[i - 1])
            i--;
        found += i == 0;
    }
    return found;
}

u32 entry(u32 rounds)
{
    u32 state = 1, sum = 0;

    for (u32 i = 0; i < BYTES; i++)
        text[i] = (u8)('a' + (next_random(&state) >> 30));
    for (u32 round = 0; round < rounds; round++)
        for (u32 i = 0; i < WORDS; i++) {
            memcpy(word, text + (next_random(&state) >> 14), LENGTH);
            prepare();
            sum = sum * 31 + count_word();
        }
    return sum;
}
