/* What a guest's page-directory or page-table entry becomes in the shadow root and in mirror
 * tables. */
#include <hv/mirror/internal.h>

#include <kmv/contract.h>

u32 mirror_slot(const struct vm *vm, u32 slot)
{
    return (slot + (vm->offset >> PG_SLOT_SHIFT)) % PG_ENTRIES;
}

u32 mirrored_slot(const struct vm *vm, u32 slot)
{
    return (slot - (vm->offset >> PG_SLOT_SHIFT)) % PG_ENTRIES;
}

/* Accessed and dirty flags are set ahead, so that the CPU never wants to write to the shadow root;
 * where a flag means nothing it is cleared, so that a change of it is none here. */
u32 shadow_native_pde(const struct mirror *mirror, u32 pde)
{
    u32 kept = pde & ~(PG_AVAILABLE | PG_ACCESSED | PG_DIRTY);

    if (!(pde & PG_PRESENT))
        return 0;
    return kept | PG_ACCESSED | (pde_is_large(mirror, pde) ? PG_DIRTY : 0);
}

bool frame_is_ram(const struct vm *vm, u32 pde)
{
    enum vm_side side;
    gpa_t page;

    return vm_ram_side(vm, GPA(pde & PG_FRAME), &side, &page) && side == SIDE_NATIVE;
}

u32 mirror_table_pde(u32 pde, u32 table_gpa)
{
    return table_gpa | (pde & PG_TABLE_RIGHTS) | PG_ACCESSED | SHADOW_IS_MIRROR;
}

/* Where the mirror of a guest's mapping of `bytes` at frame lies. False: the guest has no business
 * there, so no mirror. What is neither RAM nor device gets the sink as well: after a native write
 * that went through, the mirror's must too. */
static bool mirror_frame(const struct vm *vm, u32 frame, u64 bytes, u32 *mirror)
{
    switch (vm_classify(vm, GPA(frame), bytes)) {
    case VM_FRAME_RAM:
    case VM_FRAME_DEVICE:
        *mirror = frame + vm->offset;
        return true;
    case VM_FRAME_NONE:
        *mirror = (u32)vm_sink_gpa(vm).v;
        return true;
    case VM_FRAME_HYPERVISOR:
        break;
    }
    return false;
}

u32 mirror_large_pde(const struct vm *vm, u32 pde)
{
    u32 flags = (pde & (PG_LEAF_KEPT | PG_LARGE_PAT)) | PG_ACCESSED | PG_DIRTY | SHADOW_IS_MIRROR;
    u32 frame;

    if (pde & PG_LARGE_HIGH)
        return (u32)vm_sink_gpa(vm).v | flags;
    return mirror_frame(vm, pde & PG_LARGE_FRAME, PG_SLOT_BYTES, &frame) ? frame | flags : 0;
}

u32 mirror_pte_elsewhere(const struct vm *vm, u32 pte)
{
    u32 frame;

    return mirror_frame(vm, pte & PG_FRAME, PAGE_SIZE, &frame)
               ? frame | (pte & PG_LEAF_KEPT) | PG_ACCESSED | PG_DIRTY
               : 0;
}
