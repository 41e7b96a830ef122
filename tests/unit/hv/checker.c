/* What shadow roots and mirror tables have to be, worked out from the address contract alone. */
#include "machine.h"
#include "testing.h"

#include <hv/mm/paging.h>

#define SINK_BYTES   (0x100000000ull - KMV_DEVICE_BASE)
#define RIGHTS       (PG_PRESENT | PG_WRITE | PG_USER | PG_PWT | PG_PCD)
#define LEAF_FLAGS   (RIGHTS | PG_GLOBAL | PG_LARGE)
#define TABLES_END   (KMV_TABLES_GPA_BASE + (u64)KMV_TABLES_GPA_SIZE)
#define NATIVE_FLAGS ~(PG_AVAILABLE | PG_ACCESSED | PG_DIRTY)

static bool overlap(u64 a, u64 a_end, u64 b, u64 b_end)
{
    return a < b_end && b < a_end;
}

static bool in_ram(u64 gpa)
{
    return gpa < vm.ram_bytes && !(gpa >= KMV_VGA_GPA_BASE && gpa < KMV_VGA_GPA_END);
}

/* Frame of the mirror of a mapping; false: there must be none. */
static bool expected_frame(u64 frame, u64 bytes, u32 *mirror)
{
    u64 sink = vm.offset - SINK_BYTES;

    if (frame < vm.ram_bytes || (frame >= KMV_DEVICE_BASE && frame < 0x100000000ull)) {
        *mirror = (u32)(frame + vm.offset);
        return true;
    }
    *mirror = (u32)sink;
    return !overlap(frame, frame + bytes, sink, vm.offset + vm.ram_bytes) &&
           !overlap(frame, frame + bytes, KMV_TABLES_GPA_BASE, TABLES_END);
}

static u64 large_frame(u32 pde)
{
    return (pde & PG_LARGE_FRAME) | (u64)(pde & PG_LARGE_HIGH) << (32 - 13);
}

/* An entry as the guest finds it, after recovery if its page is bad. */
static u32 guest_entry(u32 table, u32 index)
{
    return in_ram(table) ? guest_load(table + index * sizeof(u32))
                         : machine_raw_entry(table, index);
}

static u32 expected_pte(u32 pte)
{
    u32 frame;

    if (!(pte & PG_PRESENT) || !expected_frame(pte & PG_FRAME, PAGE_SIZE, &frame))
        return 0;
    return frame | (pte & LEAF_FLAGS) | PG_ACCESSED | PG_DIRTY;
}

static void check_table(u32 slot, u32 table, u32 mirror_table)
{
    for (u32 i = 0; i < PG_ENTRIES; i++) {
        u32 want = expected_pte(guest_entry(table, i));
        u32 have = machine_raw_entry(mirror_table, i);
        if (want != have)
            fail_msg("mirror of 0x%08x: want entry 0x%08x, have 0x%08x",
                     slot << PG_SLOT_SHIFT | i << PAGE_SHIFT, want, have);
    }
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(table)) & EPT_WRITE, 0);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(mirror_table)), EPT_READ);
}

static void check_large(u32 pde, u32 mirror)
{
    u32 frame;

    if (!expected_frame(large_frame(pde), PG_SLOT_BYTES, &frame)) {
        assert_int_equal(mirror, 0);
        return;
    }
    assert_int_equal(mirror & PG_LARGE_FRAME, frame);
    assert_int_equal(mirror & PG_LARGE_HIGH, 0);
    assert_int_equal(mirror & (LEAF_FLAGS | PG_LARGE_PAT), pde & (LEAF_FLAGS | PG_LARGE_PAT));
    assert_int_equal(mirror & (PG_ACCESSED | PG_DIRTY), PG_ACCESSED | PG_DIRTY);
}

static void check_slot(u32 slot, u32 pde, u32 mirror)
{
    if (pde & PG_LARGE) {
        check_large(pde, mirror);
    } else if (in_ram(pde & PG_FRAME)) {
        assert_int_equal(mirror & RIGHTS, pde & RIGHTS);
        assert_true(mirror & PG_ACCESSED);
        check_table(slot, pde & PG_FRAME, mirror & PG_FRAME);
    } else {
        assert_int_equal(mirror, 0);
    }
}

void check_shadow(u32 guest_cr3)
{
    u32 shift = vm.offset >> PG_SLOT_SHIFT, root = real_cr3 & PG_FRAME;

    guest_load(guest_cr3 & PG_FRAME);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(guest_cr3 & PG_FRAME)) & EPT_WRITE, 0);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(root)), EPT_READ);
    for (u32 slot = 0; slot < PG_ENTRIES; slot++) {
        u32 pde = guest_entry(guest_cr3 & PG_FRAME, slot);
        u32 below = guest_entry(guest_cr3 & PG_FRAME, (slot - shift) % PG_ENTRIES);
        u32 shadow = machine_raw_entry(root, slot);
        if (pde & PG_PRESENT) {
            assert_int_equal(shadow & NATIVE_FLAGS, pde & NATIVE_FLAGS);
            assert_true(pde & shadow & PG_ACCESSED);
            check_slot(slot, pde, machine_raw_entry(root, (slot + shift) % PG_ENTRIES));
        } else if (!(below & PG_PRESENT)) {
            assert_int_equal(shadow, 0);
        }
    }
}
