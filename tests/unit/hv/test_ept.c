#include "machine.h"
#include "testing.h"

#include <hv/mm/ept.h>

#define BASE       (1ull << 30)
#define TARGET     (5ull << 30)
#define TYPE(leaf) ((leaf) >> 3 & 7)

static struct ept ept;
static struct frame_pool heap;

/* The walker of the machine looks at vm.ept, so the tables under test stand there. */
static int setup(void **state)
{
    (void)state;
    machine_start(&machine_default);
    frame_pool_init(&heap, HPA(boot.heap_base), boot.heap_size);
    assert_int_equal(ept_init(&ept, &heap), 0);
    vm.ept = ept;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    machine_stop();
    return 0;
}

static void map(u64 gpa, u64 hpa, u64 bytes, u32 perms)
{
    assert_int_equal(ept_map(&ept, GPA(gpa), HPA(hpa), bytes, perms, EPT_MEM_WB), 0);
}

static void assert_leaf(u64 gpa, u64 hpa, u32 perms)
{
    u64 leaf = machine_ept_leaf(gpa);
    struct ept_page page = ept_lookup(&ept, GPA(gpa));

    assert_int_equal(LEAF_PERMS(leaf), perms);
    assert_int_equal(LEAF_HPA(leaf), hpa);
    assert_true(page.mapped && !page.bad);
    assert_int_equal(page.frame.v, hpa);
    assert_int_equal(page.perms, perms);
}

static void pointer_is_4_levels_write_back_without_flags(void **state)
{
    (void)state;
    assert_int_equal(ept_pointer(&ept), ept.root.v | 3 << 3 | 6);
}

static void nothing_is_mapped_at_first(void **state)
{
    (void)state;
    assert_false(ept_lookup(&ept, GPA(0)).mapped);
    map(BASE, TARGET, PAGE_SIZE, EPT_RWX);
    assert_false(ept_lookup(&ept, GPA(BASE + PAGE_SIZE)).mapped);
    assert_false(ept_lookup(&ept, GPA(BASE + LARGE_PAGE_SIZE)).mapped);
    assert_int_equal(ept_set_perms(&ept, GPA(0), EPT_RX), -HV_EINVAL);
    assert_int_equal(ept_set_bad(&ept, GPA(0)), -HV_EINVAL);
    assert_int_equal(ept_replace(&ept, GPA(0), HPA(0)), -HV_EINVAL);
    assert_int_equal(ept_unmap(&ept, GPA(0)), -HV_EINVAL);
}

static void large_entries_where_they_fit(void **state)
{
    u64 before;

    (void)state;
    before = heap.free_count;
    map(BASE, TARGET, 64 * MIB, EPT_RWX);
    assert_int_equal(before - heap.free_count, 2); /* one PDPT, one directory */
    map(2 * BASE + 3 * PAGE_SIZE, TARGET + 3 * PAGE_SIZE, 4 * MIB, EPT_RW);
    for (u64 at = 0; at < 64 * MIB; at += PAGE_SIZE)
        assert_leaf(BASE + at, TARGET + at, EPT_RWX);
    for (u64 at = 3 * PAGE_SIZE; at < 4 * MIB + 3 * PAGE_SIZE; at += PAGE_SIZE)
        assert_leaf(2 * BASE + at, TARGET + at, EPT_RW);
    assert_false(ept_lookup(&ept, GPA(2 * BASE + 2 * PAGE_SIZE)).mapped);
    assert_false(ept_lookup(&ept, GPA(2 * BASE + 4 * MIB + 3 * PAGE_SIZE)).mapped);
    assert_int_equal(ept_lookup(&ept, GPA(BASE + PAGE_SIZE)).run, LARGE_PAGE_SIZE - PAGE_SIZE);
    assert_int_equal(ept_lookup(&ept, GPA(2 * BASE + 3 * PAGE_SIZE)).run, PAGE_SIZE);
}

static void misaligned_frames_get_small_entries(void **state)
{
    (void)state;
    map(BASE, TARGET + PAGE_SIZE, 4 * MIB, EPT_RWX);
    for (u64 at = 0; at < 4 * MIB; at += PAGE_SIZE)
        assert_leaf(BASE + at, TARGET + PAGE_SIZE + at, EPT_RWX);
}

static void memory_types(void **state)
{
    (void)state;
    assert_int_equal(ept_map(&ept, GPA(BASE), HPA(BASE), PAGE_SIZE, EPT_RW, EPT_MEM_UC), 0);
    map(2 * BASE, TARGET, LARGE_PAGE_SIZE, EPT_RWX);
    assert_int_equal(TYPE(machine_ept_leaf(BASE)), EPT_MEM_UC);
    assert_int_equal(TYPE(machine_ept_leaf(2 * BASE)), EPT_MEM_WB);
    assert_int_equal(ept_set_bad(&ept, GPA(BASE)), 0);
    assert_int_equal(ept_replace(&ept, GPA(BASE), HPA(TARGET)), 0);
    assert_int_equal(TYPE(machine_ept_leaf(BASE)), EPT_MEM_UC);
    assert_int_equal(ept_set_perms(&ept, GPA(2 * BASE + PAGE_SIZE), EPT_RX), 0);
    assert_int_equal(TYPE(machine_ept_leaf(2 * BASE + PAGE_SIZE)), EPT_MEM_WB);
}

#define CHANGED (BASE + 5 * PAGE_SIZE)
static unsigned stores;

/* Whatever is being changed, after each single store every other page of the large one is still
 * there. */
static void check_neighbours(const u64 *entry, u64 old, u64 value)
{
    (void)entry, (void)old, (void)value;
    stores++;
    for (u64 at = 0; at < LARGE_PAGE_SIZE; at += PAGE_SIZE) {
        u64 leaf = machine_ept_leaf(BASE + at);
        if (BASE + at == CHANGED)
            continue;
        assert_int_equal(LEAF_PERMS(leaf), EPT_RWX);
        assert_int_equal(LEAF_HPA(leaf), TARGET + at);
    }
}

static void splitting_is_never_seen_torn(void **state)
{
    (void)state;
    map(BASE, TARGET, LARGE_PAGE_SIZE, EPT_RWX);
    stores = 0;
    machine_after_store64 = check_neighbours;
    assert_int_equal(ept_set_perms(&ept, GPA(CHANGED), EPT_RX), 0);
    assert_int_equal(stores, 2);
    assert_leaf(CHANGED, TARGET + 5 * PAGE_SIZE, EPT_RX);
    assert_int_equal(ept_set_bad(&ept, GPA(CHANGED)), 0);
    assert_int_equal(ept_replace(&ept, GPA(CHANGED), HPA(2 * TARGET)), 0);
    assert_int_equal(ept_unmap(&ept, GPA(CHANGED)), 0);
    assert_int_equal(stores, 5);
}

static void same_permissions_split_nothing(void **state)
{
    u64 before;

    (void)state;
    map(BASE, TARGET, LARGE_PAGE_SIZE, EPT_RWX);
    before = heap.free_count;
    assert_int_equal(ept_set_perms(&ept, GPA(BASE), EPT_RWX), 0);
    assert_int_equal(heap.free_count, before);
    assert_int_equal(ept_set_perms(&ept, GPA(BASE), EPT_WRITE), -HV_EINVAL);
    assert_int_equal(ept_set_perms(&ept, GPA(BASE), EPT_WRITE | EPT_EXEC), -HV_EINVAL);
    assert_int_equal(ept_set_perms(&ept, GPA(BASE), 0), -HV_EINVAL);
}

static void bad_page_remembers_all(void **state)
{
    struct ept_page page;

    (void)state;
    map(BASE, TARGET, LARGE_PAGE_SIZE, EPT_RWX);
    assert_int_equal(ept_set_perms(&ept, GPA(CHANGED), EPT_RX), 0);
    assert_int_equal(ept_set_bad(&ept, GPA(CHANGED)), 0);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(CHANGED)), 0);
    page = ept_lookup(&ept, GPA(CHANGED));
    assert_true(page.mapped && page.bad && !page.lost);
    assert_int_equal(page.frame.v, TARGET + 5 * PAGE_SIZE);
    assert_int_equal(page.perms, EPT_RX);
    /* Its protection can change meanwhile; it doesn't become present by that. */
    assert_int_equal(ept_set_perms(&ept, GPA(CHANGED), EPT_RWX), 0);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(CHANGED)), 0);
    assert_int_equal(ept_set_bad(&ept, GPA(CHANGED)), 0);
    assert_int_equal(ept_replace(&ept, GPA(CHANGED), HPA(TARGET + MIB)), 0);
    assert_leaf(CHANGED, TARGET + MIB, EPT_RWX);
    ept_mark_lost(&ept, GPA(CHANGED));
    assert_false(ept_lookup(&ept, GPA(CHANGED)).lost);
    assert_int_equal(ept_set_bad(&ept, GPA(CHANGED)), 0);
    ept_mark_lost(&ept, GPA(CHANGED));
    assert_true(ept_lookup(&ept, GPA(CHANGED)).lost);
}

static void repeated_page_costs_one_table(void **state)
{
    u64 before;

    (void)state;
    map(BASE, TARGET, PAGE_SIZE, EPT_RW);
    before = heap.free_count;
    assert_int_equal(ept_map_repeated(&ept, GPA(BASE + 32 * MIB), HPA(TARGET), 32 * MIB, EPT_RW),
                     0);
    assert_int_equal(before - heap.free_count, 1);
    for (u64 at = 0; at < 32 * MIB; at += PAGE_SIZE)
        assert_leaf(BASE + 32 * MIB + at, TARGET, EPT_RW);
    assert_int_equal(ept_set_perms(&ept, GPA(BASE + 33 * MIB), EPT_RX), -HV_EINVAL);
    assert_int_equal(ept_set_bad(&ept, GPA(BASE + 33 * MIB)), -HV_EINVAL);
    assert_int_equal(ept_map(&ept, GPA(BASE + 33 * MIB), HPA(0), PAGE_SIZE, EPT_RW, EPT_MEM_WB),
                     -HV_EINVAL);
    assert_int_equal(ept_map_repeated(&ept, GPA(BASE), HPA(TARGET), 2 * MIB, EPT_RW), -HV_EINVAL);
    assert_int_equal(ept_map_repeated(&ept, GPA(BASE + MIB), HPA(TARGET), 2 * MIB, EPT_RW),
                     -HV_EINVAL);
}

static void every_failure_for_memory_is_told(void **state)
{
    (void)state;
    for (u64 frames = 0; frames < 4; frames++) {
        frame_pool_init(&heap, HPA(boot.heap_base), frames * PAGE_SIZE);
        if (frames == 0) {
            assert_int_equal(ept_init(&ept, &heap), -HV_ENOMEM);
            continue;
        }
        assert_int_equal(ept_init(&ept, &heap), 0);
        assert_int_equal(ept_map(&ept, GPA(BASE), HPA(TARGET), PAGE_SIZE, EPT_RWX, EPT_MEM_WB),
                         -HV_ENOMEM);
    }
    frame_pool_init(&heap, HPA(boot.heap_base), 3 * PAGE_SIZE);
    assert_int_equal(ept_init(&ept, &heap), 0);
    vm.ept = ept;
    map(BASE, TARGET, LARGE_PAGE_SIZE, EPT_RWX);
    assert_int_equal(ept_set_perms(&ept, GPA(CHANGED), EPT_RX), -HV_ENOMEM);
    assert_int_equal(ept_set_bad(&ept, GPA(CHANGED)), -HV_ENOMEM);
    assert_leaf(CHANGED, TARGET + 5 * PAGE_SIZE, EPT_RWX);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(pointer_is_4_levels_write_back_without_flags),
        SCENE(nothing_is_mapped_at_first),
        SCENE(large_entries_where_they_fit),
        SCENE(misaligned_frames_get_small_entries),
        SCENE(memory_types),
        SCENE(splitting_is_never_seen_torn),
        SCENE(same_permissions_split_nothing),
        SCENE(bad_page_remembers_all),
        SCENE(repeated_page_costs_one_table),
        SCENE(every_failure_for_memory_is_told),
    };

    return cmocka_run_group_tests_name("hv ept", tests, NULL, NULL);
}
