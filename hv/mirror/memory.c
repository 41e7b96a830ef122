/* Frames for shadow roots and mirror tables, and the flushes that are owed before the guest runs
 * on. */
#include <hv/mirror/internal.h>

#include <hv/lib/string.h>
#include <hv/mm/phys.h>
#include <hv/mm/tlb.h>
#include <kmv/contract.h>

u32 table_frame_gpa(const struct vm *vm, hpa_t frame)
{
    return (u32)(KMV_TABLES_GPA_BASE + (frame.v - vm->heap.base));
}

hpa_t table_frame_at(const struct vm *vm, u32 gpa)
{
    return HPA(vm->heap.base + (gpa - KMV_TABLES_GPA_BASE));
}

/* Cheaper than to zero all of it when it is used again: most groups never were. */
static void free_frame(struct vm *vm, const struct mirror_retired *retired)
{
    u64 *entries = phys_ptr(retired->frame);

    for (groups_t left = retired->used; left != 0; left &= left - 1)
        memset(entries + (u32)__builtin_ctzll(left) * (GROUP_BYTES / sizeof(*entries)), 0,
               GROUP_BYTES);
    frame_free(&vm->heap, retired->frame);
}

/* INVEPT drops guest-physical and combined mappings, paging-structure caches among them (SDM vol.
 * 3C, 29.4.3.1), so that no CPU walks the frames any more. */
static void free_retired(struct vm *vm)
{
    struct mirror *mirror = &vm->mirror;

    tlb_flush_ept();
    while (mirror->retired_count > 0)
        free_frame(vm, &mirror->retired[--mirror->retired_count]);
}

bool mirror_reclaim(struct vm *vm)
{
    if (vm->mirror.retired_count == 0 && !root_evict(vm))
        return false;
    free_retired(vm);
    return true;
}

bool mirror_frame_alloc(struct vm *vm, hpa_t *frame)
{
    while (!frame_alloc(&vm->heap, frame)) {
        if (!mirror_reclaim(vm))
            return false;
    }
    return true;
}

bool table_frame_alloc(struct vm *vm, hpa_t *frame)
{
    if (!mirror_frame_alloc(vm, frame))
        return false;
    while (ept_map(&vm->ept, GPA(table_frame_gpa(vm, *frame)), *frame, PAGE_SIZE, EPT_READ,
                   EPT_MEM_WB) != 0) {
        if (!mirror_reclaim(vm)) {
            frame_free(&vm->heap, *frame);
            return false;
        }
    }
    return true;
}

void table_frame_retire(struct vm *vm, hpa_t frame, groups_t used)
{
    struct mirror *mirror = &vm->mirror;

    ept_unmap(&vm->ept, GPA(table_frame_gpa(vm, frame)));
    if (mirror->retired_count == MIRROR_RETIRED_MAX)
        free_retired(vm);
    mirror->retired[mirror->retired_count++] = (struct mirror_retired){frame, used};
}

void flush_later(struct mirror *mirror, u32 address)
{
    struct mirror_flushes *flushes = &mirror->flushes;

    if (flushes->count == MIRROR_FLUSHES_MAX)
        flushes->all = true;
    else
        flushes->addresses[flushes->count++] = address;
}

void flush_all_later(struct mirror *mirror)
{
    mirror->flushes.all = true;
}

void mirror_finish(struct vm *vm)
{
    struct mirror_flushes *flushes = &vm->mirror.flushes;
    bool owed = flushes->all || flushes->count > 0;

    vm->mirror.pinned = NULL;
    if (!owed && vm->mirror.retired_count == 0)
        return;
    if (flushes->all)
        tlb_flush_guest();
    while (flushes->count > 0 && !flushes->all)
        tlb_flush_gva(GVA(flushes->addresses[--flushes->count]));
    if (owed)
        tlb_flush_elsewhere();
    flushes->count = 0;
    flushes->all = false;
    if (vm->mirror.retired_count > 0)
        free_retired(vm);
}
