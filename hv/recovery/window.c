#include <hv/recovery/window.h>

#include <hv/lib/string.h>
#include <hv/vm/guestmem.h>
#include <kmv/windows.h>

#define WORD_BITS 32u

/* A reader of aligned words, which finds their page once. */
struct words {
    struct vm *vm;
    u32 address;
    u32 room; /* bytes left on the page; 0: not found yet */
    const u8 *bytes;
};

static bool find_page(struct words *words)
{
    if (words->vm->mirror.self->current != NULL) {
        words->bytes = mirror_code_at(words->vm, GVA(words->address), &words->room);
    } else {
        words->bytes = guest_page_native(words->vm, GPA(words->address));
        words->room = PAGE_SIZE - (words->address & PAGE_MASK);
    }
    return words->bytes != NULL;
}

static bool next_word(struct words *words, u32 *word)
{
    if (words->address % sizeof(*word) != 0 || (words->room == 0 && !find_page(words)))
        return false;
    memcpy(word, words->bytes, sizeof(*word));
    words->bytes += sizeof(*word);
    words->room -= sizeof(*word);
    words->address += sizeof(*word);
    return true;
}

static void seek(struct words *words, u32 ahead)
{
    words->address += ahead;
    words->bytes += ahead;
    words->room = ahead < words->room ? words->room - ahead : 0;
}

/* Finds the word with the bit of `at`. *left: bits of the map from that word on. False: the map
 * doesn't reach there. */
static bool find_bit(struct words *words, u32 at, u32 *bit, u32 *left)
{
    u32 magic, base, count;

    if (!next_word(words, &magic) || magic != KMV_WINDOW_MAP_MAGIC || !next_word(words, &base) ||
        !next_word(words, &count) || at - base >= count)
        return false;
    *bit = (at - base) % WORD_BITS;
    *left = count - (at - base - *bit);
    seek(words, (at - base) / WORD_BITS * (u32)sizeof(u32));
    return true;
}

/* Bits from the word's bit 0 on that are ones, up to where the map or a window of the greatest
 * length ends. False: too many. */
static bool run_of_ones(struct words *words, u32 word, u32 left, u32 *ones)
{
    for (*ones = 0; *ones < WINDOW_BYTES_MAX; *ones += WORD_BITS) {
        if (~word != 0) {
            *ones += (u32)__builtin_ctz(~word);
            return true;
        }
        if (left - *ones <= WORD_BITS || !next_word(words, &word)) {
            *ones += WORD_BITS;
            return true;
        }
    }
    return false;
}

bool window_open(struct vm *vm, gva_t maps, bool user, u32 at, u32 *end)
{
    u32 field =
        user ? offsetof(struct kmv_window_maps, user) : offsetof(struct kmv_window_maps, kernel);
    struct words words = {.vm = vm, .address = (u32)maps.v + field};
    u32 map, word, bit, left, ones;

    if (maps.v == 0 || !next_word(&words, &map) || map == 0)
        return false;
    words = (struct words){.vm = vm, .address = map};
    if (!find_bit(&words, at, &bit, &left) || !next_word(&words, &word) || (word >> bit & 1) == 0)
        return false;
    if (!run_of_ones(&words, word | ((1u << bit) - 1), left, &ones))
        return false;
    *end = at - bit + ones;
    return true;
}
