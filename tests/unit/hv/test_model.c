/*
 * Random guests. After each flush point an independent checker works out from the guest's tables
 * what the shadow has to map; the CPU's stale caches are checked after each exit.
 */
#include "machine.h"
#include "testing.h"

#include <hv/mm/paging.h>
#include <hv/recovery/recovery.h>
#include <hv/vm/audit.h>

#define STEPS       6000
#define AUDIT_EVERY 64
#define ROOTS       12u
#define TABLES      24u
#define FILLED      0x01010101u

#define FIRST_ROOT  0x00100000u
#define FIRST_TABLE 0x00180000u
#define FIRST_DATA  0x00200000u

/* Native slots that keep clear of each other's mirrors for every offset tested, whose smallest is
 * 96 slots. */
#define SLOTS 14u
static const u32 slots[SLOTS] = {0, 1, 2, 3, 40, 41, 512, 513, 514, 550, 1016, 1017, 1022, 1023};

static u32 cpu, cpu_count;           /* who runs, and how many there are */
static u32 current_of[MACHINE_CPUS]; /* page directories; 0: none */
#define current (current_of[cpu])

static u32 a_root(void)
{
    return FIRST_ROOT + random_below(ROOTS) * PAGE_SIZE;
}

static u32 a_table(void)
{
    return FIRST_TABLE + random_below(TABLES) * PAGE_SIZE;
}

static u32 a_slot(void)
{
    return slots[random_below(SLOTS)];
}

static u32 ram_page(void)
{
    return random_below((u32)vm.ram_bytes / PAGE_SIZE) * PAGE_SIZE;
}

/* Now and then something that a guest has no business to map. */
static u32 a_frame(void)
{
    switch (random_below(12)) {
    case 0:
        return 0xfe000000 + random_below(0x2000) * PAGE_SIZE;
    case 1:
        return vm.offset + ram_page();
    case 2:
        return KMV_TABLES_GPA_BASE + random_below(64) * PAGE_SIZE;
    case 3:
        return 0x20000000 + random_below(256) * PAGE_SIZE;
    case 4:
        return KMV_VGA_GPA_BASE + random_below(32) * PAGE_SIZE;
    default:
        return ram_page();
    }
}

/* Present three times in four. Of pages that roots share, global ones are not asked for: the guest
 * would owe more flushes. */
static u32 some_flags(void)
{
    u32 flags = random_below(0x1000) & ~(PG_GLOBAL | PG_LARGE | PG_PRESENT);

    return flags | (random_below(4) != 0 ? PG_PRESENT : 0);
}

/* With the PAT bit at times, and at times beyond 4 GiB (PSE-36). */
static u32 some_large_pde(void)
{
    u32 high = random_below(8) == 0 ? PG_LARGE_HIGH : 0;

    return (a_frame() & PG_LARGE_FRAME) | some_flags() | PG_LARGE | high |
           random_below(2) * PG_LARGE_PAT;
}

static u32 some_pde(void)
{
    switch (random_below(10)) {
    case 0:
        return 0;
    case 1:
        return some_large_pde();
    case 2:
        return a_root() | some_flags();
    case 3:
        return a_frame() | some_flags();
    default:
        return a_table() | some_flags();
    }
}

static void flush_point_done(enum mirror_load_result result)
{
    assert_int_equal(result, MIRROR_LOAD_OK);
    if (current != 0)
        check_shadow(current);
}

static void step_write_pte(void)
{
    guest_store(a_table() + random_below(PG_ENTRIES) * 4, a_frame() | some_flags());
}

/* Where accesses go often: the first pages of each slot. */
static void step_write_low_pte(void)
{
    guest_store(a_table() + random_below(4) * 4, ram_page() | some_flags());
}

static void step_write_pde(void)
{
    guest_store(a_root() + a_slot() * 4, some_pde());
}

static void step_write_current_pde(void)
{
    if (current != 0)
        guest_store(current + a_slot() * 4, some_pde());
}

static void step_load(void)
{
    u32 root = random_below(8) != 0 ? a_root() : current;

    if (root == 0)
        return;
    current = root;
    flush_point_done(machine_load_cr3(root));
}

static void run_on(u32 index)
{
    cpu = index;
    machine_on_cpu(cpu);
}

static void step_flush(void)
{
    flush_point_done(machine_invlpg(random_below(PG_ENTRIES) << PAGE_SHIFT));
}

/* What is to be used for something else has to be flushed everywhere, as kernels know. */
static void flush_everywhere(void)
{
    u32 self = cpu;

    for (u32 i = 0; i < cpu_count; i++) {
        run_on(i);
        step_flush();
    }
    run_on(self);
}

static bool is_current(u32 root)
{
    bool found = false;

    for (u32 i = 0; i < cpu_count; i++)
        found |= current_of[i] == root;
    return found;
}

static void step_access(void)
{
    u32 address =
        a_slot() << PG_SLOT_SHIFT | random_below(4) << PAGE_SHIFT | random_below(1024) * 4;
    struct access access = {address, random_below(2), random_below(2)};

    if (current == 0)
        return;
    if (random_below(2))
        access.address += vm.offset;
    machine_access(access);
}

static bool in_use_as_table(u32 page)
{
    for (u32 root = FIRST_ROOT; root < FIRST_ROOT + ROOTS * PAGE_SIZE; root += PAGE_SIZE) {
        for (u32 i = 0; i < SLOTS; i++) {
            if ((guest_load(root + slots[i] * 4) & PG_FRAME) == page)
                return true;
        }
    }
    return false;
}

/* A kernel frees a table only after it took it out of its directories, and fills it. */
static void step_free_table(void)
{
    u32 table = a_table();

    if (in_use_as_table(table))
        return;
    guest_fill(table, FILLED);
    flush_everywhere();
    guest_fill(table, 0);
}

/* A directory that isn't current is freed without further ado. It may serve as another's table, so
 * no filling here then. */
static void step_free_root(void)
{
    u32 root = a_root();

    if (is_current(root) || in_use_as_table(root))
        return;
    guest_fill(root, FILLED);
    flush_everywhere();
    guest_fill(root, 0);
}

static void step_poison(void)
{
    u32 first[] = {FIRST_ROOT, FIRST_TABLE, FIRST_DATA};
    u32 page = first[random_below(3)] + random_below(ROOTS) * PAGE_SIZE;

    recovery_poison(&vm, GPA(page), random_below(2));
    machine_check_ept_caches();
}

static void step_verify(void)
{
    if (random_below(20) != 0)
        return;
    vm.mirror.alone = true; /* the call's handler has the others stopped */
    assert_int_equal(recovery_verify(&vm), 0);
    vm.mirror.alone = false;
    machine_check_ept_caches();
    if (current != 0)
        check_shadow(current);
}

static void step_unload(void)
{
    if (random_below(10) != 0)
        return;
    machine_unload();
    current = 0;
}

/* By weight. */
static void (*const steps[])(void) = {
    step_write_pte,     step_write_pte,  step_write_low_pte, step_write_low_pte,
    step_write_low_pte, step_write_pde,  step_write_pde,     step_write_current_pde,
    step_load,          step_load,       step_flush,         step_access,
    step_access,        step_access,     step_access,        step_access,
    step_access,        step_free_table, step_free_root,     step_poison,
    step_verify,        step_unload,
};

/* All roots dropped, nothing may be left: no table, no protected page. */
static void check_nothing_left(void)
{
    for (u32 i = 0; i < cpu_count; i++) {
        run_on(i);
        machine_unload();
        current = 0;
    }
    for (u32 root = FIRST_ROOT; root < FIRST_ROOT + ROOTS * PAGE_SIZE; root += PAGE_SIZE)
        guest_fill(root, 0);
    assert_int_equal(vm.counters[KMV_COUNTER_shadow_roots], 0);
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_tables], 0);
    for (u32 page = 0; page < vm.ram_bytes; page += PAGE_SIZE) {
        struct ept_page found = ept_lookup(&vm.ept, GPA(page));
        if (page < KMV_VGA_GPA_BASE || page >= KMV_VGA_GPA_END)
            assert_int_equal(found.perms, EPT_RWX);
    }
    assert_int_equal(recovery_verify(&vm), 0);
}

static void run_model(u64 seed, u32 offset, u64 heap_bytes, u32 processors)
{
    struct machine_config config = machine_default;

    config.offset = offset;
    config.heap_bytes = heap_bytes;
    config.spare_bytes = 16 * MIB;
    machine_start(&config);
    random_seed(seed);
    cpu_count = processors;
    for (cpu = 0; cpu < cpu_count; cpu++)
        current = 0;
    run_on(0);
    machine_stores_done = 0;
    for (u32 i = 0; i < STEPS; i++) {
        if (cpu_count > 1)
            run_on(random_below(cpu_count));
        machine_does_stores = random_below(2);
        steps[random_below(ARRAY_LEN(steps))]();
        if (i % AUDIT_EVERY == 0)
            assert_int_equal(vm_audit(&vm, &boot).wrong, 0);
    }
    machine_does_stores = false;
    assert_int_equal(machine_stops > 0, processors > 1);
    check_nothing_left();
    assert_true(machine_stores_done > 0);
    machine_stop();
}

static void random_guest(void **state)
{
    (void)state;
    for (u64 seed = 1; seed <= 4; seed++)
        run_model(seed, KMV_OFFSET_DEFAULT, 4 * MIB, 1);
}

static void random_guest_other_offsets(void **state)
{
    static const u32 offsets[] = {0x18000000, 0x48000000, 0x88000000};

    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(offsets); i++)
        run_model(10 + i, offsets[i], 4 * MIB, 1);
}

/* A heap just large enough for one root with its tables: evictions all the time. */
static void random_guest_small_heap(void **state)
{
    (void)state;
    for (u64 seed = 20; seed <= 22; seed++)
        run_model(seed, KMV_OFFSET_DEFAULT, 180 * 1024, 1);
}

/* What one processor changes holds on the others, and what one runs on stays. */
static void random_guest_several_processors(void **state)
{
    (void)state;
    for (u64 seed = 30; seed <= 33; seed++)
        run_model(seed, KMV_OFFSET_DEFAULT, 4 * MIB, MACHINE_CPUS);
    for (u64 seed = 34; seed <= 36; seed++)
        run_model(seed, KMV_OFFSET_DEFAULT, 3 * 180 * 1024, MACHINE_CPUS);
}

#define KERNEL_SLOT  512u
#define LIFE_ROUNDS  100000u
#define LIFE_PROCS   16u
#define PROC_PAGES   4u
#define KERNEL_TABLE 0x00110000u

static u32 proc_root(u32 proc)
{
    return 0x00400000 + proc * PROC_PAGES * PAGE_SIZE;
}

/* fork or exec: a fresh directory with the kernel's shared table and two tables of its own. */
static void life_create(u32 proc)
{
    u32 root = proc_root(proc), low = root + PAGE_SIZE, high = low + PAGE_SIZE;

    guest_store(low, FIRST_DATA | PG_PRESENT | PG_WRITE | PG_USER);
    guest_store(low + 4, (FIRST_DATA + random_below(64) * PAGE_SIZE) | PG_PRESENT | PG_USER);
    guest_store(high + 0xffc, (FIRST_DATA + PAGE_SIZE) | PG_PRESENT | PG_WRITE | PG_USER);
    guest_store(root, low | PG_PRESENT | PG_WRITE | PG_USER);
    guest_store(root + 4 * 200, high | PG_PRESENT | PG_WRITE | PG_USER);
    guest_store(root + 4 * KERNEL_SLOT, KERNEL_TABLE | PG_PRESENT | PG_WRITE);
}

/* exit and wait: tables and directory are filled as they are freed, here their used words for
 * speed. */
static void life_destroy(u32 proc)
{
    u32 root = proc_root(proc);

    for (u32 page = root + 2 * PAGE_SIZE; page >= root; page -= PAGE_SIZE) {
        guest_store(page, 0);
        guest_store(page + 4, 0);
        guest_store(page + 0xffc, 0);
        guest_store(page + 4 * 200, 0);
        guest_store(page + 4 * KERNEL_SLOT, 0);
    }
}

static void life_run(u32 proc)
{
    assert_int_equal(machine_load_cr3(proc_root(proc)), MIRROR_LOAD_OK);
    current = proc_root(proc);
    machine_access((struct access){.address = 0, .write = true, .user = true});
    machine_access((struct access){.address = vm.offset, .write = true, .user = true});
}

static void lives_leave_nothing_behind(void **state)
{
    bool alive[LIFE_PROCS] = {false};
    u64 baseline = 0;

    (void)state;
    machine_start(&machine_default);
    random_seed(99);
    for (u32 round = 0; round < LIFE_ROUNDS; round++) {
        u32 proc = 1 + random_below(LIFE_PROCS - 1);
        if (alive[proc] && proc_root(proc) == current)
            life_run(0);
        if (alive[proc])
            life_destroy(proc);
        else
            life_create(proc);
        alive[proc] = !alive[proc];
        if (alive[proc] && random_below(4) != 0)
            life_run(proc);
        if (round % 1000 != 999)
            continue;
        life_run(0);
        for (proc = 1; proc < LIFE_PROCS; proc++) {
            if (alive[proc])
                life_destroy(proc);
            alive[proc] = false;
        }
        assert_int_equal(vm.counters[KMV_COUNTER_shadow_roots], 1);
        /* The first thousand split large pages and make nodes; from there on the heap stays as it
         * is. */
        if (round / 1000 == 0)
            baseline = vm.heap.free_count;
        assert_int_equal(vm.heap.free_count, baseline);
    }
    assert_int_equal(recovery_verify(&vm), 0);
    machine_stop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_guest),
        cmocka_unit_test(random_guest_other_offsets),
        cmocka_unit_test(random_guest_small_heap),
        cmocka_unit_test(random_guest_several_processors),
        cmocka_unit_test(lives_leave_nothing_behind),
    };

    return cmocka_run_group_tests_name("hv model", tests, NULL, NULL);
}
