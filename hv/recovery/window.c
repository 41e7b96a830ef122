#include <hv/recovery/window.h>

#include <hv/lib/string.h>
#include <hv/vm/guestmem.h>
#include <kmv/note.h>

#define WORD_BITS 32u

/* Words are aligned, so that none crosses a page. */
static bool read_word(struct vm *vm, u32 address, u32 *word)
{
    const u8 *bytes;
    u32 room;

    if (address % sizeof(*word) != 0)
        return false;
    if (vm->mirror.current == NULL)
        return guest_read(vm, GPA(address), word, sizeof(*word)) == 0;
    bytes = mirror_code_at(vm, GVA(address), &room);
    if (bytes != NULL)
        memcpy(word, bytes, sizeof(*word));
    return bytes != NULL;
}

/* The map's word with the bit of `at`, and that bit's number. False: the map doesn't reach there.
 */
static bool map_word(struct vm *vm, u32 map, u32 at, u32 *word, u32 *bit)
{
    u32 magic, base, count;

    if (!read_word(vm, map + offsetof(struct kmv_window_map, magic), &magic) ||
        magic != KMV_WINDOW_MAP_MAGIC ||
        !read_word(vm, map + offsetof(struct kmv_window_map, base), &base) ||
        !read_word(vm, map + offsetof(struct kmv_window_map, count), &count) || at - base >= count)
        return false;
    *bit = (at - base) % WORD_BITS;
    return read_word(vm,
                     map + (u32)offsetof(struct kmv_window_map, bits) +
                         (at - base) / WORD_BITS * (u32)sizeof(*word),
                     word);
}

bool window_open(struct vm *vm, gva_t maps, bool user, u32 at, u32 *end)
{
    u32 field =
        user ? offsetof(struct kmv_window_maps, user) : offsetof(struct kmv_window_maps, kernel);
    u32 map, word, bit;

    if (maps.v == 0 || !read_word(vm, (u32)maps.v + field, &map) || map == 0)
        return false;
    if (!map_word(vm, map, at, &word, &bit) || (word >> bit & 1) == 0)
        return false;
    for (*end = at; *end - at < WINDOW_BYTES_MAX; *end += WORD_BITS - bit) {
        if (!map_word(vm, map, *end, &word, &bit))
            return true;
        if ((~word >> bit) != 0) {
            *end += (u32)__builtin_ctz(~word >> bit);
            return true;
        }
    }
    return false;
}
