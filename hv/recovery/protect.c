/* Which pages have a mirror that is a copy: all but those that code writes to which is not
 * translated. */
#include <hv/recovery/recovery.h>

#include <hv/lib/string.h>
#include <hv/mm/phys.h>
#include <hv/vm/guestmem.h>

#define PAGES_PER_FRAME (PAGE_SIZE * 8)

static u8 bit_of(gpa_t page)
{
    return (u8)(1u << (page.v >> PAGE_SHIFT) % 8);
}

/* In its bitmap; NULL: there is none. */
static u8 *byte_of(const struct vm *vm, gpa_t page)
{
    u64 number = page.v >> PAGE_SHIFT;
    hpa_t bitmap = vm->unprotected[number / PAGES_PER_FRAME];

    return bitmap.v == 0 ? NULL : (u8 *)phys_ptr(bitmap) + number % PAGES_PER_FRAME / 8;
}

bool recovery_protects(const struct vm *vm, gpa_t page)
{
    const u8 *byte = byte_of(vm, page);

    return byte == NULL || (*byte & bit_of(page)) == 0;
}

void recovery_set_protected(struct vm *vm, gpa_t page)
{
    if (recovery_protects(vm, page))
        return;
    *byte_of(vm, page) ^= bit_of(page);
    vm->counters[KMV_COUNTER_unprotected]--;
}

static int give_up(struct vm *vm, gpa_t page)
{
    hpa_t *bitmap = &vm->unprotected[(page.v >> PAGE_SHIFT) / PAGES_PER_FRAME];

    if (bitmap->v == 0 && !frame_alloc(&vm->heap, bitmap))
        return -HV_ENOMEM;
    if (!recovery_protects(vm, page))
        return 0;
    *byte_of(vm, page) ^= bit_of(page);
    vm->counters[KMV_COUNTER_unprotected]++;
    return 0;
}

/* 1: the page is lost. */
static int take_over(struct vm *vm, gpa_t page)
{
    const void *native;
    void *mirror;

    if (recovery_protects(vm, page))
        return 0;
    native = guest_page_native(vm, page);
    mirror = guest_page_mirror(vm, page);
    if (native == NULL || mirror == NULL)
        return 1;
    if (native != mirror) /* else it is degraded */
        memcpy(mirror, native, PAGE_SIZE);
    recovery_set_protected(vm, page);
    return 0;
}

/* Number of lost pages, -HV_EINVAL or -HV_ENOMEM. */
static int set_run(struct vm *vm, u32 word, bool off)
{
    u64 first = word & ~(u32)PAGE_MASK, count = (word & PAGE_MASK) + 1;
    int lost = 0, result = 0;

    for (u64 at = first; at < first + count * PAGE_SIZE && result >= 0; at += PAGE_SIZE) {
        if (!vm_is_ram(vm, GPA(at)))
            return -HV_EINVAL;
        result = off ? give_up(vm, GPA(at)) : take_over(vm, GPA(at));
        lost += result;
    }
    return result < 0 ? result : lost;
}

int recovery_protect(struct vm *vm, gpa_t list, u32 order)
{
    u32 words = order & ~KMV_PROTECT_OFF, word;
    int lost = 0, result = 0;

    if (!vm->mirrored)
        return -HV_EOPNOTSUPP;
    if (words > KMV_PROTECT_WORDS_MAX)
        return -HV_EINVAL;
    for (u32 i = 0; i < words && result >= 0; i++) {
        result = guest_read(vm, GPA(list.v + i * sizeof(word)), &word, sizeof(word));
        if (result == 0)
            result = set_run(vm, word, (order & KMV_PROTECT_OFF) != 0);
        lost += result;
    }
    return result < 0 ? result : lost;
}
