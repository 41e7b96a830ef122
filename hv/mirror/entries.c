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

/* Any valid OFFSET moves whole groups. */
_Static_assert(KMV_OFFSET_REMAINDER % (GROUP_ENTRIES << PG_SLOT_SHIFT) == 0 &&
                   KMV_OFFSET_MODULUS % (GROUP_ENTRIES << PG_SLOT_SHIFT) == 0,
               "a group has mirrors in one group");

static groups_t rotate(groups_t groups, u32 by)
{
    return groups << by % GROUPS | groups >> (GROUPS - by) % GROUPS;
}

groups_t mirror_groups(const struct vm *vm, groups_t groups)
{
    return rotate(groups, (vm->offset >> PG_SLOT_SHIFT) / GROUP_ENTRIES);
}

groups_t mirrored_groups(const struct vm *vm, groups_t groups)
{
    return rotate(groups, GROUPS - (vm->offset >> PG_SLOT_SHIFT) / GROUP_ENTRIES);
}

/* Accessed and dirty flags are set ahead, so that the CPU never wants to write to the shadow root;
 * the dirty flag also where it means nothing, so that a change of it is none here. */
u32 shadow_native_pde(u32 pde)
{
    return pde & PG_PRESENT ? (pde & ~PG_AVAILABLE) | PG_ACCESSED | PG_DIRTY : 0;
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
    enum vm_frame_kind kind = vm_classify(vm, GPA(frame), bytes);

    *mirror = kind == VM_FRAME_MIRRORED ? frame + vm->offset : (u32)vm_sink_gpa(vm).v;
    return kind != VM_FRAME_HYPERVISOR;
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
