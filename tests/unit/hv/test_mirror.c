/* The mirror of page tables, scene by scene. */
#include "spaces.h"

#include <hv/recovery/recovery.h>
#include <hv/vm/guestmem.h>

static void loaded_root_maps_native_and_mirror(void **state)
{
    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    assert_reaches(USER_WRITE(0x1000), DATA);
    assert_reaches(USER_WRITE(0x1234 + OFFSET), DATA + 0x234 + OFFSET);
    assert_reaches(WRITE(KERNEL), 0x300000);
    assert_reaches(WRITE(KERNEL + OFFSET), 0x300000 + OFFSET);
    assert_true(frame_of(DATA) != frame_of(DATA + OFFSET));
    assert_faults(USER_READ(KERNEL + OFFSET), PF_PRESENT | PF_USER);
    assert_faults(READ(0x2000 + OFFSET), 0);
    assert_int_equal(vm.counters[KMV_COUNTER_shadow_roots], 1);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_tables], 2);
}

static void cr3_keeps_its_cache_bits(void **state)
{
    u32 real;

    (void)state;
    assert_int_equal(mirror_load_root(&vm, ROOT | PG_PCD | PG_PWT | 7, true, &real),
                     MIRROR_LOAD_OK);
    assert_int_equal(real & PAGE_MASK, PG_PCD | PG_PWT);
    assert_true(real >= KMV_TABLES_GPA_BASE);
}

static void new_mapping_is_found_by_the_mirror_fault(void **state)
{
    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    set_pte(TABLE, 0x5000, (DATA + 0x5000) | RWU);
    assert_reaches(USER_WRITE(0x5000), DATA + 0x5000);
    assert_reaches(USER_WRITE(0x5000 + OFFSET), DATA + 0x5000 + OFFSET);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_faults], 1);
    sync_tables(ROOT);
}

/* The table stays unsync, so growth costs no further exit for an entry written. */
static void growth_by_much_costs_a_fault(void **state)
{
    u64 syncs;

    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    syncs = vm.counters[KMV_COUNTER_pt_syncs];
    for (u32 page = 0x10000; page < 0x30000; page += PAGE_SIZE)
        set_pte(TABLE, page, (DATA + page % 0x8000) | RWU);
    for (u32 page = 0x10000; page < 0x30000; page += PAGE_SIZE)
        assert_reaches(USER_WRITE(page + OFFSET), DATA + page % 0x8000 + OFFSET);
    assert_int_equal(vm.counters[KMV_COUNTER_pt_writes], 1);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_faults], 1);
    assert_int_equal(vm.counters[KMV_COUNTER_pt_syncs], syncs);
    sync_tables(ROOT);
}

/* Upwards and downwards: the pages may be used in any order. */
static void growth_is_found_from_its_middle(void **state)
{
    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    for (u32 page = 0x10000; page < 0x70000; page += PAGE_SIZE)
        set_pte(TABLE, page, (DATA + page % 0x8000) | RWU);
    for (u32 page = 0x10000; page < 0x70000; page += PAGE_SIZE) {
        u32 at = (page - 0x10000 + 0x30000) % 0x60000 + 0x10000;
        assert_reaches(USER_WRITE(at + OFFSET), DATA + at % 0x8000 + OFFSET);
    }
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_faults], 1);
    sync_tables(ROOT);
}

static void new_table_is_found_by_the_native_fault(void **state)
{
    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    set_pte(ROOT_2, 0x400000, DATA | RWU); /* an unused page as table */
    set_pde(ROOT, 0x400000, ROOT_2 | RWU);
    assert_reaches(USER_WRITE(0x400000), DATA);
    assert_reaches(USER_WRITE(0x400000 + OFFSET), DATA + OFFSET);
    sync_tables(ROOT);
}

static void writes_to_one_table_cost_one_exit(void **state)
{
    u64 before;

    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    before = vm.counters[KMV_COUNTER_pt_writes];
    for (u32 page = 0; page < 64; page++)
        set_pte(TABLE, page << 12, (DATA + (page << 12)) | RWU);
    assert_int_equal(vm.counters[KMV_COUNTER_pt_writes] - before, 1);
    sync_tables(ROOT);
}

static void removed_mapping_is_flushed(void **state)
{
    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    assert_reaches(USER_WRITE(0x1000 + OFFSET), DATA + OFFSET);
    set_pte(TABLE, 0x1000, 0);
    sync_tables(ROOT);
    assert_faults(USER_READ(0x1000 + OFFSET), PF_USER);
    assert_true(flushes.address > 0);
    assert_int_equal(flushes.guest, 0);
}

static void many_removed_mappings_are_flushed_at_once(void **state)
{
    (void)state;
    build_small_space(ROOT);
    for (u32 page = 0; page < 20; page++)
        set_pte(TABLE, page << 12, (DATA + (page << 12)) | RWU);
    load(ROOT);
    for (u32 page = 0; page < 20; page++) {
        assert_reaches(USER_WRITE((page << 12) + OFFSET), DATA + (page << 12) + OFFSET);
        set_pte(TABLE, page << 12, (DATA + (page << 12)) | PG_PRESENT | PG_USER);
    }
    sync_tables(ROOT);
    assert_int_equal(flushes.guest, 1);
    assert_faults(USER_WRITE(0x3000 + OFFSET), PF_PRESENT | PF_WRITE | PF_USER);
}

static void cheap_path_scans_nothing(void **state)
{
    u64 syncs;
    unsigned ept;

    (void)state;
    build_small_space(ROOT);
    build_small_space(ROOT_2);
    load(ROOT);
    load(ROOT_2);
    syncs = vm.counters[KMV_COUNTER_pt_syncs];
    ept = flushes.ept;
    for (int i = 0; i < 10; i++)
        load(i % 2 ? ROOT : ROOT_2);
    assert_int_equal(vm.counters[KMV_COUNTER_pt_syncs], syncs);
    assert_int_equal(flushes.ept, ept);
}

static void shared_table_is_tracked_once(void **state)
{
    (void)state;
    build_small_space(ROOT);
    build_small_space(ROOT_2);
    set_pde(ROOT, KERNEL + 0x400000, OTHER | RW); /* twice in one root */
    load(ROOT);
    load(ROOT_2);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_tables], 2);
    set_pte(OTHER, KERNEL + 0x3000, (DATA + 0x3000) | RW);
    assert_reaches(WRITE(KERNEL + 0x3000 + OFFSET), DATA + 0x3000 + OFFSET);
    load(ROOT);
    assert_reaches(WRITE(KERNEL + 0x403000 + OFFSET), DATA + 0x3000 + OFFSET);
    set_pte(OTHER, KERNEL + 0x3000, 0);
    sync_tables(ROOT);
    assert_faults(READ(KERNEL + 0x403000 + OFFSET), 0);
    assert_faults(READ(KERNEL + 0x3000 + OFFSET), 0);
}

static void large_pages_mirror_as_large_pages(void **state)
{
    (void)state;
    set_pde(ROOT, 0, 0x000000 | RWU | PG_LARGE);
    set_pde(ROOT, KERNEL, 0x400000 | RW | PG_LARGE | PG_GLOBAL);
    load(ROOT);
    assert_reaches(WRITE(0x123456), 0x123456);
    assert_reaches(WRITE(0x123456 + OFFSET), 0x123456 + OFFSET);
    assert_reaches(WRITE(KERNEL + 0x3ff000 + OFFSET), 0x7ff000 + OFFSET);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_tables], 0);
    /* The guest finds the flags that its processor would have set. */
    assert_true(guest_load(ROOT) & PG_DIRTY);
    assert_int_equal(recovery_verify(&vm), 0);
}

static void large_page_bit_means_nothing_without_pse(void **state)
{
    u32 real;

    (void)state;
    set_pde(ROOT, 0, TABLE | RWU | PG_LARGE);
    set_pte(TABLE, 0x1000, DATA | RWU);
    assert_int_equal(mirror_load_root(&vm, ROOT, false, &real), MIRROR_LOAD_OK);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_tables], 1);
    assert_int_equal(mirror_load_root(&vm, ROOT, true, &real), MIRROR_LOAD_OK);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_tables], 0);
}

static void freed_tables_make_no_mappings(void **state)
{
    (void)state;
    build_small_space(ROOT);
    set_pde(ROOT_2, KERNEL, OTHER | RW);
    load(ROOT);
    load(ROOT_2);
    /* The order of a kernel that frees an address space: user pages, tables, root. */
    set_pte(TABLE, 0x1000, 0);
    guest_fill(TABLE, FILLED);
    sync_tables(ROOT_2);
    /* ROOT still points to the table, but nobody runs on it. */
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(TABLE)), EPT_RWX);
    guest_fill(ROOT, FILLED);
    sync_tables(ROOT_2);
    assert_int_equal(vm.counters[KMV_COUNTER_shadow_roots], 1);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_tables], 1);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(TABLE)), EPT_RWX);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(ROOT)), EPT_RWX);
    assert_int_equal(recovery_verify(&vm), 0);
}

static void table_freed_under_the_current_root_is_forgotten(void **state)
{
    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    set_pde(ROOT, 0, 0);
    guest_fill(TABLE, FILLED);
    sync_tables(ROOT);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_tables], 1);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(TABLE)), EPT_RWX);
    assert_faults(USER_READ(0x1000 + OFFSET), PF_USER);
}

static void self_map_follows_the_root(void **state)
{
    u32 window = 0xffc00000, root_at = 0xfffff000;

    (void)state;
    build_small_space(ROOT);
    set_pde(ROOT, window, ROOT | RW);
    load(ROOT);
    assert_reaches(READ(root_at), ROOT);
    assert_reaches(WRITE(root_at + OFFSET), ROOT + OFFSET);
    /* A write through the window itself, as such kernels do it. */
    assert_reaches(WRITE(root_at + 4), ROOT + 4);
    set_pde(ROOT, 0x400000, OTHER | RW);
    sync_tables(ROOT);
    assert_reaches(WRITE(0x400000), 0x300000);
    assert_reaches(WRITE(0x400000 + OFFSET), 0x300000 + OFFSET);
    load(ROOT_2);
    guest_fill(ROOT, FILLED);
    assert_int_equal(vm.counters[KMV_COUNTER_shadow_roots], 1);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_tables], 0);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(ROOT)), EPT_RWX);
}

static void rights_of_a_whole_table_change(void **state)
{
    unsigned flushed;
    u64 tables;

    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    flushed = flushes.guest;
    tables = vm.counters[KMV_COUNTER_pt_syncs];
    assert_reaches(USER_WRITE(0x1000 + OFFSET), DATA + OFFSET);
    set_pde(ROOT, 0, TABLE | PG_PRESENT | PG_USER);
    sync_tables(ROOT);
    assert_int_equal(flushes.guest, flushed + 1);
    assert_faults(USER_WRITE(0x1000 + OFFSET), PF_PRESENT | PF_WRITE | PF_USER);
    assert_reaches(USER_READ(0x1000 + OFFSET), DATA + OFFSET);
    set_pde(ROOT, 0, TABLE | RWU);
    assert_reaches(USER_WRITE(0x1000 + OFFSET), DATA + OFFSET);
    /* The table itself had no change. */
    assert_int_equal(vm.counters[KMV_COUNTER_pt_syncs], tables);
}

static void native_slot_can_become_a_mirror_slot(void **state)
{
    (void)state;
    build_small_space(ROOT);
    set_pde(ROOT, OFFSET + 0x400000, OTHER | RW);
    load(ROOT);
    set_pde(ROOT, OFFSET + 0x400000, 0);
    set_pde(ROOT, 0x400000, OTHER | RW);
    sync_tables(ROOT);
    set_pde(ROOT, 0x400000, 0);
    set_pde(ROOT, OFFSET + 0x400000, OTHER | RW);
    sync_tables(ROOT);
}

static void accessed_and_dirty_flags_reach_the_copy(void **state)
{
    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    assert_reaches(USER_WRITE(0x1000), DATA);
    assert_true(guest_load(TABLE + 4) & PG_DIRTY);
    assert_false(guest_load(TABLE + 4 + OFFSET) & PG_DIRTY);
    sync_tables(ROOT);
    assert_int_equal(guest_load(TABLE + 4 + OFFSET), guest_load(TABLE + 4));
    assert_int_equal(guest_load(ROOT + OFFSET), guest_load(ROOT));
    assert_true(guest_load(ROOT) & PG_ACCESSED);
    assert_int_equal(recovery_verify(&vm), 0);
}

static void flags_reach_the_copy_also_when_another_root_runs(void **state)
{
    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    assert_reaches(USER_WRITE(0x1000), DATA);
    set_pde(ROOT_2, KERNEL, OTHER | RW);
    load(ROOT_2);
    assert_int_equal(recovery_verify(&vm), 0);
    assert_int_equal(vm.counters[KMV_COUNTER_verify_pages], (vm.ram_bytes - 0x20000) / PAGE_SIZE);
}

static void a_write_left_behind_in_a_root_is_not_lost(void **state)
{
    (void)state;
    build_small_space(ROOT);
    build_small_space(ROOT_2);
    load(ROOT);
    set_pde(ROOT, 0x400000, OTHER | RW);
    load(ROOT_2);
    load(ROOT);
    assert_reaches(WRITE(0x400000 + OFFSET), 0x300000 + OFFSET);
    /* Left unsync again, then freed: the root must not stay. */
    set_pde(ROOT, 0x400000, 0);
    load(ROOT_2);
    guest_fill(ROOT, FILLED);
    assert_int_equal(vm.counters[KMV_COUNTER_shadow_roots], 1);
}

static void paging_off_leaves_no_current_root(void **state)
{
    enum mirror_load_result result;

    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    mirror_unload_root(&vm);
    assert_int_equal(mirror_sync(&vm), MIRROR_LOAD_OK);
    assert_false(mirror_page_fault(&vm, GVA(0x1000), 0, &result));
    guest_fill(ROOT, FILLED);
    assert_int_equal(vm.counters[KMV_COUNTER_shadow_roots], 0);
}

static void guests_own_faults_stay_the_guests(void **state)
{
    (void)state;
    build_small_space(ROOT);
    set_pte(TABLE, 0x2000, DATA | PG_PRESENT | PG_USER);
    set_pte(TABLE, 0x3000, DATA | RW);
    load(ROOT);
    assert_faults(USER_READ(0x9000), PF_USER);
    assert_faults(USER_WRITE(0x2000), PF_PRESENT | PF_WRITE | PF_USER);
    assert_faults(USER_WRITE(0x2000 + OFFSET), PF_PRESENT | PF_WRITE | PF_USER);
    assert_faults(WRITE(0x2000 + OFFSET), PF_PRESENT | PF_WRITE);
    assert_faults(USER_READ(0x3000), PF_PRESENT | PF_USER);
    assert_faults(USER_READ(0x50000000), PF_USER);
    /* None of them was tried again first. */
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_faults], 0);
}

static void more_rights_are_found_by_the_fault(void **state)
{
    (void)state;
    build_small_space(ROOT);
    set_pte(TABLE, 0x1000, DATA | PG_PRESENT | PG_USER);
    load(ROOT);
    assert_reaches(USER_READ(0x1000 + OFFSET), DATA + OFFSET);
    set_pte(TABLE, 0x1000, DATA | RWU);
    assert_reaches(USER_WRITE(0x1000 + OFFSET), DATA + OFFSET);
}

static void a_fault_that_nothing_explains_is_retried_once(void **state)
{
    u32 smap = PF_PRESENT, smep = PF_PRESENT | PF_FETCH;
    enum mirror_load_result result;

    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    assert_true(mirror_page_fault(&vm, GVA(0x1000), smap, &result));
    assert_false(mirror_page_fault(&vm, GVA(0x1000), smap, &result));
    assert_true(mirror_page_fault(&vm, GVA(0x1000), smap, &result));
    assert_false(mirror_page_fault(&vm, GVA(0x1000), smep, &result));
}

static void write_from_the_hypervisor_is_seen(void **state)
{
    u32 pte = (DATA + 0x7000) | RWU;

    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    assert_int_equal(guest_write(&vm, GPA(TABLE + 7 * 4), &pte, sizeof(pte)), 0);
    sync_tables(ROOT);
    assert_reaches(USER_WRITE(0x7000 + OFFSET), DATA + 0x7000 + OFFSET);
}

static void bad_tables_are_recovered_with_their_protection(void **state)
{
    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    assert_int_equal(recovery_poison(&vm, GPA(TABLE), KMV_POISON_NATIVE), 0);
    assert_int_equal(recovery_poison(&vm, GPA(ROOT), KMV_POISON_NATIVE), 0);
    machine_check_ept_caches();
    assert_reaches(USER_WRITE(0x1000), DATA);
    set_pte(TABLE, 0x4000, (DATA + 0x4000) | RWU);
    assert_int_equal(recovery_poison(&vm, GPA(TABLE), KMV_POISON_MIRROR), 0);
    assert_true(guest_load(ROOT) & PG_PRESENT);
    sync_tables(ROOT);
    set_pde(ROOT, 0x400000, OTHER | RW);
    sync_tables(ROOT);
    assert_reaches(WRITE(0x400000 + OFFSET), 0x300000 + OFFSET);
    assert_int_equal(recovery_verify(&vm), 0);
}

static void lost_tables_and_roots_are_told(void **state)
{
    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    set_pte(TABLE, 0x4000, (DATA + 0x4000) | RWU);
    assert_int_equal(recovery_poison(&vm, GPA(TABLE), KMV_POISON_NATIVE), 0);
    assert_int_equal(recovery_poison(&vm, GPA(TABLE), KMV_POISON_MIRROR | KMV_POISON_FORCE), 0);
    assert_int_equal(machine_invlpg(0), MIRROR_LOAD_OK);
    assert_int_equal(machine_access(USER_READ(0x1000)).kind, ACCESS_STOPPED);
    assert_int_equal(machine_access(USER_READ(0x1000 + OFFSET)).kind, ACCESS_FAULT);
    set_pde(ROOT, 0x400000, OTHER | RW);
    assert_int_equal(recovery_poison(&vm, GPA(ROOT), KMV_POISON_NATIVE), 0);
    assert_int_equal(recovery_poison(&vm, GPA(ROOT), KMV_POISON_MIRROR | KMV_POISON_FORCE), 0);
    assert_int_equal(machine_invlpg(0), MIRROR_LOAD_LOST_ROOT);
}

static void without_mirror_cr3_is_the_guests(void **state)
{
    struct machine_config config = machine_default;
    enum mirror_load_result result;
    u32 real;

    (void)state;
    machine_stop();
    config.mirrored = false;
    machine_start(&config);
    assert_int_equal(mirror_load_root(&vm, ROOT | PG_PCD, true, &real), MIRROR_LOAD_OK);
    assert_int_equal(real, ROOT | PG_PCD);
    assert_int_equal(mirror_sync(&vm), MIRROR_LOAD_OK);
    assert_false(mirror_page_fault(&vm, GVA(0), 0, &result));
    assert_false(mirror_table_write(&vm, GPA(ROOT)));
    mirror_unload_root(&vm);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(loaded_root_maps_native_and_mirror),
        SCENE(cr3_keeps_its_cache_bits),
        SCENE(new_mapping_is_found_by_the_mirror_fault),
        SCENE(growth_by_much_costs_a_fault),
        SCENE(growth_is_found_from_its_middle),
        SCENE(new_table_is_found_by_the_native_fault),
        SCENE(writes_to_one_table_cost_one_exit),
        SCENE(removed_mapping_is_flushed),
        SCENE(many_removed_mappings_are_flushed_at_once),
        SCENE(cheap_path_scans_nothing),
        SCENE(shared_table_is_tracked_once),
        SCENE(large_pages_mirror_as_large_pages),
        SCENE(large_page_bit_means_nothing_without_pse),
        SCENE(freed_tables_make_no_mappings),
        SCENE(table_freed_under_the_current_root_is_forgotten),
        SCENE(self_map_follows_the_root),
        SCENE(rights_of_a_whole_table_change),
        SCENE(native_slot_can_become_a_mirror_slot),
        SCENE(accessed_and_dirty_flags_reach_the_copy),
        SCENE(flags_reach_the_copy_also_when_another_root_runs),
        SCENE(a_write_left_behind_in_a_root_is_not_lost),
        SCENE(paging_off_leaves_no_current_root),
        SCENE(guests_own_faults_stay_the_guests),
        SCENE(more_rights_are_found_by_the_fault),
        SCENE(a_fault_that_nothing_explains_is_retried_once),
        SCENE(write_from_the_hypervisor_is_seen),
        SCENE(bad_tables_are_recovered_with_their_protection),
        SCENE(lost_tables_and_roots_are_told),
        SCENE(without_mirror_cr3_is_the_guests),
    };

    return cmocka_run_group_tests_name("hv mirror", tests, NULL, NULL);
}
