/* The guest's memory map, and the hypervisor's own accesses to guest RAM. */
#include "machine.h"
#include "testing.h"

#include <hv/vm/audit.h>
#include <hv/vm/guestmem.h>
#include <string.h>

#define GIB        (1ull << 30)
#define SINK_START 0x36000000u

static void fill_by_address(u8 *ram, u64 bytes)
{
    for (u64 at = 0; at < bytes; at += sizeof(u64))
        *(u64 *)(ram + at) = at * 0x9e3779b97f4a7c15ull;
}

static void restart(const struct machine_config *config, void (*fill)(u8 *ram, u64 bytes))
{
    machine_stop();
    machine_start_with(config, fill);
}

static void expect(u64 gpa, u64 hpa, u32 perms, u64 type)
{
    u64 leaf = machine_ept_leaf(gpa);

    assert_int_equal(LEAF_PERMS(leaf), perms);
    assert_int_equal(LEAF_HPA(leaf), hpa);
    assert_int_equal(leaf >> 3 & 7, type);
}

/* Every page of the 4 GiB and a little beyond is what the map says, so none is the hypervisor's. */
static void check_whole_map(bool mirrored)
{
    u64 ram = vm.ram_bytes;

    for (u64 gpa = 0; gpa < 5 * GIB; gpa += PAGE_SIZE) {
        if (gpa >= KMV_VGA_GPA_BASE && gpa < KMV_VGA_GPA_END)
            expect(gpa, gpa, EPT_RW, EPT_MEM_UC);
        else if (gpa < ram)
            expect(gpa, boot.guest_base + gpa, EPT_RWX, EPT_MEM_WB);
        else if (mirrored && gpa >= SINK_START && gpa < vm.offset)
            expect(gpa, vm.sink.v, EPT_RW, EPT_MEM_WB);
        else if (mirrored && gpa >= vm.offset && gpa < vm.offset + ram)
            expect(gpa, boot.mirror_base + gpa - vm.offset, EPT_RW, EPT_MEM_WB);
        else
            assert_int_equal(machine_ept_leaf(gpa), 0);
    }
}

static void map_with_mirror(void **state)
{
    (void)state;
    check_whole_map(true);
    assert_true(vm.sink.v >= boot.heap_base && vm.sink.v < boot.heap_base + boot.heap_size);
}

static void map_without_mirror(void **state)
{
    struct machine_config config = machine_default;

    (void)state;
    config.mirrored = false;
    config.ram_bytes = 8 * MIB + 5 * PAGE_SIZE;
    restart(&config, NULL);
    check_whole_map(false);
    assert_int_equal(vm.counters[KMV_COUNTER_spare_free], 0);
}

static void map_costs_few_frames(void **state)
{
    (void)state;
    /* PML4, PDPT, directory, table of the first 2 MiB, sink, its shared table. */
    assert_int_equal(boot.heap_size / PAGE_SIZE - vm.heap.free_count, 6);
}

static u64 physical_pages_reached(u64 start, u64 bytes)
{
    u64 reached = 0;

    for (u64 gpa = 0; gpa < 4 * GIB; gpa += PAGE_SIZE) {
        u64 leaf = machine_ept_leaf(gpa);
        if (LEAF_PERMS(leaf) != 0 && LEAF_HPA(leaf) >= start && LEAF_HPA(leaf) < start + bytes &&
            LEAF_HPA(leaf) != vm.sink.v) {
            reached++;
            assert_true(gpa >= KMV_TABLES_GPA_BASE &&
                        gpa < (u64)KMV_TABLES_GPA_BASE + KMV_TABLES_GPA_SIZE);
            assert_int_equal(LEAF_PERMS(leaf), EPT_READ);
        }
    }
    return reached;
}

/* With page tables in use, exactly the shadow roots and mirror tables show, and they read-only. */
static void hypervisor_memory_is_out_of_reach(void **state)
{
    u32 real;

    (void)state;
    for (u32 root = 0x100000; root < 0x110000; root += 0x2000) {
        guest_store(root, (root + 0x1000) | 7);
        assert_int_equal(mirror_load_root(&vm, root, true, &real), MIRROR_LOAD_OK);
    }
    guest_fill(0x102000, 0x01010101);
    assert_int_equal(physical_pages_reached(boot.hv_base, boot.hv_size), 0);
    assert_int_equal(physical_pages_reached(boot.spare_base, boot.spare_size), 0);
    assert_int_equal(physical_pages_reached(boot.heap_base, boot.heap_size),
                     vm.counters[KMV_COUNTER_shadow_roots] +
                         vm.counters[KMV_COUNTER_mirror_tables]);
    assert_int_equal(vm.counters[KMV_COUNTER_shadow_roots], 7);
}

static void audit_accepts_what_is_set_up(void **state)
{
    struct machine_config config = machine_default;
    u64 leaves;

    (void)state;
    assert_int_equal(vm_map_device(&vm, GPA(0xfee00000), PAGE_SIZE), 0);
    leaves = vm_audit(&vm, &boot).leaves;
    assert_int_equal(vm_audit(&vm, &boot).wrong, 0);
    /* Two halves of RAM, of which the first 2 MiB are small pages for the VGA hole; the sink's
     * window; the device. */
    assert_int_equal(leaves, 512 + 3 + 4 + (KMV_OFFSET_DEFAULT - SINK_START) / PAGE_SIZE + 1);
    config.mirrored = false;
    restart(&config, NULL);
    boot.mirror_base = 0; /* as the loader leaves it; no other block begins there */
    assert_int_equal(vm_audit(&vm, &boot).wrong, 0);
}

/* Each leaf that would let the guest reach what is not its own. */
static void audit_finds_every_wrong_leaf(void **state)
{
    const struct {
        u64 gpa, frame;
        u32 perms;
    } wrong[] = {
        {0x20000000, boot.hv_base, EPT_READ},
        {0x20000000, boot.guest_base, EPT_RW},
        {0x1000, boot.hv_base, EPT_RWX},
        {0x1000, boot.heap_base, EPT_RWX},
        {0x1000, boot.spare_base + boot.spare_size, EPT_RWX},
        {0xb8000, boot.guest_base + 0xb8000, EPT_RW},
        {0xb8000, 0xb8000, EPT_RWX},
        {KMV_OFFSET_DEFAULT + 0x5000, boot.mirror_base + 0x5000, EPT_RWX},
        {KMV_OFFSET_DEFAULT + 0x5000, boot.hv_base, EPT_RW},
        {KMV_TABLES_GPA_BASE, boot.heap_base, EPT_RW},
        {KMV_TABLES_GPA_BASE, boot.hv_base, EPT_READ},
        {KMV_DEVICE_BASE, boot.hv_base, EPT_RW},
        {0xfee00000, 0xfee01000, EPT_RW},
        {0x100000000, 0x100000000, EPT_RW},
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(wrong); i++) {
        struct vm_audit audit;

        restart(&machine_default, NULL);
        assert_int_equal(ept_map(&vm.ept, GPA(wrong[i].gpa), HPA(wrong[i].frame), PAGE_SIZE,
                                 wrong[i].perms, EPT_MEM_WB),
                         0);
        audit = vm_audit(&vm, &boot);
        assert_int_equal(audit.wrong, 1);
        assert_int_equal(audit.first_wrong.v, wrong[i].gpa);
    }
}

static void mirror_block_starts_equal(void **state)
{
    (void)state;
    restart(&machine_default, fill_by_address);
    assert_memory_equal(machine_memory(boot.guest_base), machine_memory(boot.mirror_base),
                        boot.guest_size);
    assert_int_equal(*(u64 *)machine_memory(boot.mirror_base + 0x123450),
                     0x123450 * 0x9e3779b97f4a7c15ull);
}

static void bad_layouts_are_refused(void **state)
{
    static const struct {
        u32 offset;
        u64 ram;
    } layouts[] = {
        {0x38000000 + 0x1000, 8 * MIB},
        {0x40000000, 8 * MIB},
        {0, 8 * MIB},
        {0x38000000, 0x36001000},
        {0xd8000000, 0x08001000},
        {0xf8000000, 0x06001000},
        {0x38000000, 0},
        {0x38000000, 0x1234},
        {0x08000000, 0x06000000 + 0x1000},
    };

    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(layouts); i++) {
        struct kmv_bootinfo bad = boot;
        bad.mirror_offset = layouts[i].offset;
        bad.guest_size = layouts[i].ram;
        assert_int_equal(vm_init(&vm, &bad), -HV_EINVAL);
    }
}

static void too_small_heaps_are_told(void **state)
{
    (void)state;
    for (u64 frames = 0; frames < 6; frames++) {
        struct kmv_bootinfo small = boot;
        small.heap_size = frames * PAGE_SIZE;
        assert_int_equal(vm_init(&vm, &small), -HV_ENOMEM);
    }
}

static void devices_pass_through_only_where_free(void **state)
{
    static const u64 refused[] = {0,          0x9f000,    0xbf000 + 0x1000,   0x7ff000,
                                  SINK_START, 0x38000000, KMV_TABLES_GPA_BASE};

    (void)state;
    assert_int_equal(vm_map_device(&vm, GPA(0xfee00000), PAGE_SIZE), 0);
    expect(0xfee00000, 0xfee00000, EPT_RW, EPT_MEM_UC);
    for (u32 i = 0; i < ARRAY_LEN(refused); i++)
        assert_int_equal(vm_map_device(&vm, GPA(refused[i]), PAGE_SIZE), -HV_EINVAL);
}

static void sides_of_addresses(void **state)
{
    enum vm_side side;
    gpa_t page;

    (void)state;
    assert_true(vm_ram_side(&vm, GPA(0x1234), &side, &page));
    assert_int_equal(side, SIDE_NATIVE);
    assert_int_equal(page.v, 0x1000);
    assert_true(vm_ram_side(&vm, GPA(0x38001234), &side, &page));
    assert_int_equal(side, SIDE_MIRROR);
    assert_int_equal(page.v, 0x1000);
    assert_int_equal(vm_side_gpa(&vm, page, SIDE_MIRROR).v, 0x38001000);
    assert_int_equal(vm_side_gpa(&vm, page, SIDE_NATIVE).v, 0x1000);
    assert_false(vm_ram_side(&vm, GPA(0xa0000), &side, &page));
    assert_false(vm_ram_side(&vm, GPA(0x380bffff), &side, &page));
    assert_true(vm_ram_side(&vm, GPA(0x380c0000), &side, &page));
    assert_false(vm_ram_side(&vm, GPA(8 * MIB), &side, &page));
    assert_false(vm_ram_side(&vm, GPA(0x38000000 + 8 * MIB), &side, &page));
    assert_false(vm_ram_side(&vm, GPA(SINK_START), &side, &page));
}

static void reads_and_writes_reach_both_copies(void **state)
{
    char text[] = "a text that crosses from one page into the next", copy[sizeof(text)];
    u64 at = 0x5000 - 10;

    (void)state;
    assert_int_equal(guest_write(&vm, GPA(at), text, sizeof(text)), 0);
    assert_memory_equal(machine_memory(boot.guest_base + at), text, sizeof(text));
    assert_memory_equal(machine_memory(boot.mirror_base + at), text, sizeof(text));
    assert_int_equal(guest_read(&vm, GPA(at), copy, sizeof(copy)), 0);
    assert_memory_equal(copy, text, sizeof(text));
}

static void accesses_outside_ram_are_refused(void **state)
{
    static const struct {
        u64 gpa, bytes;
    } ranges[] = {{8 * MIB - 4, 8}, {0x9fffc, 8},   {0xb8000, 1}, {0xbfff0, 32},
                  {0x38000000, 4},  {~0ull - 2, 8}, {0, ~0ull}};
    u8 bytes[32] = {1, 2, 3, 4, 5, 6, 7, 8};

    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(ranges); i++) {
        assert_int_equal(guest_write(&vm, GPA(ranges[i].gpa), bytes, ranges[i].bytes), -HV_EFAULT);
        assert_int_equal(guest_read(&vm, GPA(ranges[i].gpa), bytes, ranges[i].bytes), -HV_EFAULT);
    }
    assert_int_equal(*(u32 *)machine_memory(boot.guest_base + 8 * MIB - 4), 0);
    assert_int_equal(*(u32 *)machine_memory(boot.guest_base + 0x9fffc), 0);
    assert_null(guest_page_native(&vm, GPA(0xb8000)));
    assert_null(guest_page_mirror(&vm, GPA(0x38000000)));
    assert_int_equal(guest_read(&vm, GPA(8 * MIB - 4), bytes, 4), 0);
}

static void writes_without_mirror(void **state)
{
    struct machine_config config = machine_default;
    u32 value = 0x12345678, back = 0;

    (void)state;
    config.mirrored = false;
    restart(&config, NULL);
    assert_int_equal(guest_write(&vm, GPA(0x1000), &value, sizeof(value)), 0);
    assert_int_equal(guest_read(&vm, GPA(0x1000), &back, sizeof(back)), 0);
    assert_int_equal(back, value);
    assert_null(guest_page_mirror(&vm, GPA(0x1000)));
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

static void counters_are_logged_once_a_period(void **state)
{
    (void)state;
    stats_start(&vm.stats, 0, 5);
    assert_true(vm.stats.next == STATS_NEVER);
    stats_start(&vm.stats, 3, 5);
    assert_int_equal(vm.stats.next, 3000005);
    log_forget();
    vm.counters[KMV_COUNTER_exits] = 12;
    vm.counters[KMV_COUNTER_pt_writes] = ~0ull;
    stats_log(&vm, 3000100);
    assert_int_equal(vm.stats.next, 6000100);
    assert_int_equal(log_count("stats"), 1);
    assert_int_equal(
        strncmp(log_last("stats"), "exits=12 cr3_loads=0 pt_writes=18446744073709551615 ", 50), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(map_with_mirror),
        SCENE(map_without_mirror),
        SCENE(map_costs_few_frames),
        SCENE(hypervisor_memory_is_out_of_reach),
        SCENE(audit_accepts_what_is_set_up),
        SCENE(audit_finds_every_wrong_leaf),
        SCENE(mirror_block_starts_equal),
        SCENE(bad_layouts_are_refused),
        SCENE(too_small_heaps_are_told),
        SCENE(devices_pass_through_only_where_free),
        SCENE(sides_of_addresses),
        SCENE(reads_and_writes_reach_both_copies),
        SCENE(accesses_outside_ram_are_refused),
        SCENE(writes_without_mirror),
        SCENE(counters_are_logged_once_a_period),
    };

    return cmocka_run_group_tests_name("hv vm", tests, NULL, NULL);
}
