/* What the mirror refuses or does without: mappings that have none, conflicts, want of memory. */
#include "spaces.h"

static void device_mappings_mirror_to_the_sink(void **state)
{
    (void)state;
    set_pde(ROOT, 0xfec00000, TABLE | RW);
    set_pde(ROOT, KERNEL, OTHER | RW);
    set_pte(TABLE, 0xfee00000, 0xfee00000 | RW | PG_PCD | PG_PWT);
    set_pte(OTHER, KERNEL, 0xb8000 | RW);
    set_pte(OTHER, KERNEL + 0x1000, 0xc0000000 | RW); /* neither RAM nor device */
    assert_int_equal(vm_map_device(&vm, GPA(0xfee00000), PAGE_SIZE), 0);
    load(ROOT);
    /* The device itself is outside the machine's memory, so only the mirror is accessed. */
    assert_int_equal(machine_access(WRITE((u32)(0xfee00000 + OFFSET))).hpa.v, vm.sink.v);
    assert_int_equal(machine_access(WRITE(KERNEL + 0x1000 + OFFSET)).hpa.v, vm.sink.v);
    assert_reaches(WRITE(KERNEL + OFFSET), 0xb8000 + OFFSET);
}

static void hostile_mappings_have_no_mirror(void **state)
{
    static const u32 frames[] = {KMV_OFFSET_DEFAULT, KMV_OFFSET_DEFAULT + 0x123000, 0x36000000,
                                 KMV_TABLES_GPA_BASE, KMV_TABLES_GPA_BASE + 0x5000};

    (void)state;
    build_small_space(ROOT);
    for (u32 i = 0; i < ARRAY_LEN(frames); i++)
        set_pte(TABLE, 0x10000 + (i << 12), frames[i] | RWU);
    load(ROOT);
    for (u32 i = 0; i < ARRAY_LEN(frames); i++)
        assert_faults(USER_WRITE(0x10000 + (i << 12) + OFFSET), PF_WRITE | PF_USER);
    /* Its shadow root is there to be seen, not to be written. */
    set_pte(TABLE, 0x20000, (real_cr3 & PG_FRAME) | RWU);
    assert_int_equal(machine_access(USER_READ(0x20000)).kind, ACCESS_OK);
    assert_int_equal(machine_access(USER_WRITE(0x20000)).kind, ACCESS_STOPPED);
}

static void tables_outside_ram_have_no_mirror(void **state)
{
    (void)state;
    build_small_space(ROOT);
    set_pde(ROOT, 0x400000, 0xfee00000 | RW);
    set_pde(ROOT, 0x800000, 0xb8000 | RW);
    set_pde(ROOT, 0xc00000, (u32)vm.ram_bytes | RW);
    load(ROOT);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_tables], 2);
}

static void roots_outside_ram_are_refused(void **state)
{
    static const u32 roots[] = {0xb8000, 0x800000, KMV_OFFSET_DEFAULT, 0xfee00000,
                                KMV_TABLES_GPA_BASE};
    u32 real;

    (void)state;
    build_small_space(ROOT);
    load(ROOT);
    for (u32 i = 0; i < ARRAY_LEN(roots); i++)
        assert_int_equal(mirror_load_root(&vm, roots[i], true, &real), MIRROR_LOAD_BAD_ROOT);
    /* The root before stays current. */
    assert_reaches(USER_WRITE(0x1000 + OFFSET), DATA + OFFSET);
    sync_tables(ROOT);
}

static void conflict_names_both_addresses(void **state)
{
    u32 real;

    (void)state;
    build_small_space(ROOT);
    build_small_space(ROOT_2);
    set_pde(ROOT_2, OFFSET, OTHER | RW);
    load(ROOT);
    assert_int_equal(mirror_load_root(&vm, ROOT_2, true, &real), MIRROR_LOAD_CONFLICT);
    assert_string_equal(log_last("conflict"), "native=0x38000000 mirror_of=0x0");
    sync_tables(ROOT);
    assert_int_equal(vm.counters[KMV_COUNTER_shadow_roots], 1);
}

static void conflict_appears_whichever_mapping_comes_second(void **state)
{
    (void)state;
    build_small_space(ROOT);
    set_pde(ROOT, OFFSET + 0x400000, OTHER | RW);
    load(ROOT);
    set_pde(ROOT, 0x400000, TABLE | RW);
    assert_int_equal(machine_invlpg(0), MIRROR_LOAD_CONFLICT);
    assert_string_equal(log_last("conflict"), "native=0x38400000 mirror_of=0x400000");
    /* Still there at the next flush point, gone when the guest takes one of the two away. */
    assert_int_equal(machine_invlpg(0), MIRROR_LOAD_CONFLICT);
    set_pde(ROOT, OFFSET + 0x400000, 0);
    sync_tables(ROOT);
}

static void conflict_appears_when_the_mirror_is_mapped_over(void **state)
{
    (void)state;
    build_small_space(ROOT);
    set_pde(ROOT, 0x400000, TABLE | RW);
    load(ROOT);
    set_pde(ROOT, OFFSET + 0x400000, OTHER | RW);
    assert_int_equal(machine_invlpg(0), MIRROR_LOAD_CONFLICT);
    assert_string_equal(log_last("conflict"), "native=0x38400000 mirror_of=0x400000");
    set_pde(ROOT, 0x400000, 0);
    sync_tables(ROOT);
}

#define ROOTS (MIRROR_ROOTS_MAX + 20)

static u32 many_root(u32 i)
{
    return 0x400000 + i * 0x2000;
}

static void build_many(u32 i)
{
    set_pde(many_root(i), 0, (many_root(i) + 0x1000) | RWU);
    set_pde(many_root(i), KERNEL, OTHER | RW);
    set_pte(many_root(i) + 0x1000, 0x1000, DATA | RWU);
}

static void the_oldest_roots_are_evicted(void **state)
{
    (void)state;
    for (u32 i = 0; i < ROOTS; i++)
        build_many(i);
    for (u32 i = 0; i < ROOTS; i++)
        load(many_root(i));
    assert_int_equal(vm.counters[KMV_COUNTER_shadow_roots], MIRROR_ROOTS_MAX);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_tables], MIRROR_ROOTS_MAX + 1);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(many_root(0))), EPT_RWX);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(many_root(ROOTS - 1))), EPT_RX);
    load(many_root(0));
    assert_reaches(USER_WRITE(0x1000 + OFFSET), DATA + OFFSET);
}

static void small_heap_evicts_and_goes_on(void **state)
{
    struct machine_config config = machine_default;

    (void)state;
    machine_stop();
    config.heap_bytes = 128 * 1024;
    machine_start(&config);
    for (u32 i = 0; i < ROOTS; i++)
        build_many(i);
    for (u32 round = 0; round < 3; round++) {
        for (u32 i = 0; i < ROOTS; i++)
            load(many_root(i));
    }
    assert_true(vm.counters[KMV_COUNTER_shadow_roots] < 20);
    assert_true(vm.counters[KMV_COUNTER_shadow_roots] > 2);
}

static void one_root_too_big_for_the_heap_is_told(void **state)
{
    struct machine_config config = machine_default;
    u32 real;

    (void)state;
    machine_stop();
    config.heap_bytes = 128 * 1024;
    machine_start(&config);
    build_small_space(ROOT);
    load(ROOT);
    for (u32 slot = 0; slot < 100; slot++)
        set_pde(ROOT_2, slot << 22, (0x400000 + slot * 0x1000) | RW);
    assert_int_equal(mirror_load_root(&vm, ROOT_2, true, &real), MIRROR_LOAD_NO_MEMORY);
    sync_tables(ROOT);
    assert_int_equal(vm.counters[KMV_COUNTER_shadow_roots], 1);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_tables], 2);
    assert_reaches(USER_WRITE(0x1000 + OFFSET), DATA + OFFSET);
}

/* Wherever memory ends, trying again and again uses up no more. */
static void want_of_memory_leaks_nothing(void **state)
{
    struct machine_config config = machine_default;
    u32 real, failures = 0;
    u64 left = 0;

    (void)state;
    for (u64 frames = 8; frames < 40; frames++) {
        machine_stop();
        config.heap_bytes = frames * PAGE_SIZE;
        machine_start(&config);
        for (u32 slot = 0; slot < 16; slot++)
            set_pde(ROOT, slot << 22, (0x200000 + slot * 0x21000) | RW);
        for (u32 round = 0; round < 12; round++) {
            u32 root = round % 2 ? ROOT : ROOT_2;
            failures += mirror_load_root(&vm, root, true, &real) == MIRROR_LOAD_NO_MEMORY;
            /* A root that could not be made gave its frame back. */
            if (vm.counters[KMV_COUNTER_shadow_roots] == 0)
                assert_true(vm.heap.free_count > 0);
            if (round == 3)
                left = vm.heap.free_count;
            if (round > 3 && round % 2)
                assert_int_equal(vm.heap.free_count, left);
        }
    }
    assert_true(failures > 50);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(device_mappings_mirror_to_the_sink),
        SCENE(hostile_mappings_have_no_mirror),
        SCENE(tables_outside_ram_have_no_mirror),
        SCENE(roots_outside_ram_are_refused),
        SCENE(conflict_names_both_addresses),
        SCENE(conflict_appears_whichever_mapping_comes_second),
        SCENE(conflict_appears_when_the_mirror_is_mapped_over),
        SCENE(the_oldest_roots_are_evicted),
        SCENE(small_heap_evicts_and_goes_on),
        SCENE(one_root_too_big_for_the_heap_is_told),
        SCENE(want_of_memory_leaks_nothing),
    };

    return cmocka_run_group_tests_name("hv mirror limits", tests, NULL, NULL);
}
