/* The scrubber: which side of a page it takes for the right one, and that it never repairs a page
 * by bytes that were overwritten. */
#include "machine.h"
#include "testing.h"

#include <hv/mm/paging.h>
#include <hv/recovery/recovery.h>
#include <hv/vm/guestmem.h>
#include <stdio.h>
#include <string.h>

#define PAGE  0x00423000u
#define PAGES (8 * MIB / PAGE_SIZE - 0x20)

static void start(void)
{
    machine_start_with(&machine_default, machine_fill);
    assert_int_equal(scrub_set_budget(&vm, 1), 0);
}

static int setup(void **state)
{
    (void)state;
    start();
    return 0;
}

static u64 counter(enum kmv_counter which)
{
    return vm.counters[which];
}

static u32 visit_all(void)
{
    u32 wrong = scrub_visit(&vm, PAGES);

    assert_int_equal(vm.scrub.next, 0);
    machine_check_ept_caches();
    return wrong;
}

/* Visits that leave every quiet page with a checksum to be trusted. */
static void settle(void)
{
    for (int i = 0; i < 4; i++)
        visit_all();
}

static bool is_sealed(u32 page)
{
    return LEAF_PERMS(machine_ept_leaf(page)) == EPT_RX;
}

static u8 *bytes_of(u32 page, enum vm_side side)
{
    return machine_memory(ept_lookup(&vm.ept, vm_side_gpa(&vm, GPA(page), side)).frame.v);
}

/* What memory does of itself: no instruction, no exit. */
static void flip(u32 address, enum vm_side side)
{
    bytes_of(address & ~(u32)PAGE_MASK, side)[address & PAGE_MASK] ^= 0x10;
}

/*
 * What happens to a page before it is visited:
 *   N M    a byte flips, native or mirror    X    another one of the mirror does
 *   W      the guest writes, both sides      n m  to one side alone
 *   h      the hypervisor writes             F    the mirror falls back to what it was at first
 *   v      a visit of all pages              S    visits until what is quiet is sealed
 */
struct situation {
    const char *name, *events;
    u32 wrong; /* sides that are found wrong and recovered */
    u32 unsure;
};

static const struct situation situations[] = {
    {"quiet, native flips", "SN", 1, 0},
    {"quiet, mirror flips", "SM", 1, 0},
    {"quiet, both flip", "SNX", 0, 1},
    {"quiet, both flip alike", "SNM", 0, 0},
    {"written, native flips", "SWN", 0, 1},
    {"written, mirror flips", "SWM", 0, 1},
    {"flips, then written elsewhere", "SNW", 0, 1},
    {"written and quiet again, native flips", "SWSN", 1, 0},
    {"written and quiet again, mirror flips", "SWSM", 1, 0},
    {"written, seen once, native flips", "SWvN", 0, 1},
    {"never seen", "N", 0, 1},
    {"seen once", "vN", 0, 1},
    {"the mirror's write is lost", "SWF", 0, 1},
    {"the mirror's write is lost after a visit", "SWvF", 0, 1},
    {"the mirror's write is lost much later", "SWSF", 1, 0},
    {"written natively alone", "Sn", 0, 1},
    {"written natively alone, from the start", "nS", 0, 1},
    {"written in the mirror alone", "Sm", 1, 0},
    {"written by the hypervisor, native flips", "ShN", 0, 1},
    {"written by the hypervisor, seen, native flips", "ShvN", 1, 0},
    {"written by the hypervisor, the mirror's write is lost", "ShF", 0, 1},
    {"recovered, flips again", "SNSM", 2, 0},
};

/* The word at PAGE: flips are elsewhere, so that it has to have the value last written natively. */
static u32 expected;

static void happen(char event)
{
    switch (event) {
    case 'S':
        settle();
        break;
    case 'v':
        visit_all();
        break;
    case 'N':
        flip(PAGE + 0x777, SIDE_NATIVE);
        break;
    case 'M':
        flip(PAGE + 0x777, SIDE_MIRROR);
        break;
    case 'X':
        flip(PAGE + 0x778, SIDE_MIRROR);
        break;
    case 'W':
        assert_true(guest_store(PAGE, ++expected));
        break;
    case 'h':
        expected++;
        assert_int_equal(guest_write(&vm, GPA(PAGE), &expected, sizeof(expected)), 0);
        break;
    case 'n':
        assert_true(guest_store_native(PAGE, ++expected));
        break;
    case 'm':
        assert_true(guest_store_native(PAGE + vm.offset, 0));
        break;
    default:
        *(u32 *)bytes_of(PAGE, SIDE_MIRROR) = MACHINE_WORD(PAGE / 4);
    }
}

static void check_situation(const struct situation *now)
{
    expected = MACHINE_WORD(PAGE / 4);
    for (const char *event = now->events; *event != '\0'; event++)
        happen(*event);
    for (int i = 0; i < 3; i++)
        visit_all();
    assert_int_equal(counter(KMV_COUNTER_scrub_wrong), now->wrong);
    assert_int_equal(counter(KMV_COUNTER_recovered), now->wrong);
    assert_int_equal(counter(KMV_COUNTER_scrub_unsure), now->unsure);
    assert_int_equal(log_count("scrub"), now->unsure);
    assert_int_equal(guest_load(PAGE), expected);
    assert_int_equal(recovery_verify(&vm), now->unsure);
}

static void every_situation(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(situations); i++) {
        machine_stop();
        start();
        print_message("%s\n", situations[i].name);
        check_situation(&situations[i]);
    }
}

static void a_wrong_side_gets_a_spare_frame(void **state)
{
    u64 bad = boot.guest_base + PAGE;
    char line[120];

    (void)state;
    settle();
    flip(PAGE, SIDE_NATIVE);
    assert_int_equal(visit_all(), 1);
    snprintf(line, sizeof(line), "gpage=0x423000 side=native bad=0x%llx new=0x%llx cause=scrub",
             (unsigned long long)bad, (unsigned long long)boot.spare_base);
    assert_string_equal(log_last("recover"), line);
    assert_int_equal(guest_load(PAGE), MACHINE_WORD(PAGE / 4));
}

static void without_a_spare_frame_the_right_side_serves_both(void **state)
{
    hpa_t frame;

    (void)state;
    settle();
    while (frame_take(&vm.spare, &frame))
        ;
    flip(PAGE, SIDE_NATIVE);
    assert_int_equal(visit_all(), 1);
    assert_int_equal(log_count("degraded"), 1);
    assert_int_equal(guest_load(PAGE), MACHINE_WORD(PAGE / 4));
    flip(PAGE, SIDE_NATIVE);
    assert_int_equal(visit_all(), 0);
}

/* The machine check is answered first; then there is nothing left to decide. */
static void what_can_not_be_read_is_passed_over(void **state)
{
    (void)state;
    settle();
    flip(PAGE, SIDE_NATIVE);
    vm.scrub.next = PAGE;
    machine_check_in = 2;
    assert_int_equal(scrub_visit(&vm, 1), 0);
    assert_int_equal(counter(KMV_COUNTER_recovered), 0);
    vm.scrub.next = PAGE;
    assert_int_equal(scrub_visit(&vm, 1), 1);
}

static void bad_and_lost_pages_are_passed_over(void **state)
{
    (void)state;
    settle();
    assert_int_equal(recovery_poison(&vm, GPA(PAGE), KMV_POISON_NATIVE), 0);
    assert_int_equal(recovery_poison(&vm, GPA(PAGE + PAGE_SIZE), KMV_POISON_NATIVE), 0);
    assert_int_equal(
        recovery_poison(&vm, GPA(PAGE + PAGE_SIZE), KMV_POISON_MIRROR | KMV_POISON_FORCE), 0);
    settle();
    assert_int_equal(counter(KMV_COUNTER_recovered), 0);
    assert_int_equal(log_count("scrub"), 0);
    assert_int_equal(guest_load(PAGE), MACHINE_WORD(PAGE / 4));
    /* Restored, it is what it was: the checksum still holds. */
    flip(PAGE + 4, SIDE_MIRROR);
    assert_int_equal(visit_all(), 1);
}

/* 2 MiB leaves stay whole as long as nobody writes to them. */
static void quiet_leaves_are_sealed_whole(void **state)
{
    (void)state;
    settle();
    assert_true(ept_lookup(&vm.ept, GPA(PAGE)).large && is_sealed(PAGE));
    assert_true(guest_store(PAGE, 1));
    assert_false(is_sealed(PAGE));
    assert_true(is_sealed(PAGE + PAGE_SIZE) && is_sealed(0x600000));
    assert_false(ept_lookup(&vm.ept, GPA(PAGE)).large);
    assert_int_equal(counter(KMV_COUNTER_scrub_opened), 1);
}

static void busy_leaves_are_split(void **state)
{
    (void)state;
    for (u32 i = 0; i < 4; i++) {
        assert_true(guest_store(PAGE, i));
        visit_all();
    }
    assert_false(is_sealed(PAGE));
    assert_true(is_sealed(PAGE + PAGE_SIZE));
    visit_all();
    flip(PAGE + PAGE_SIZE, SIDE_NATIVE);
    assert_int_equal(visit_all(), 1);
}

static void a_poor_heap_is_left_alone(void **state)
{
    hpa_t frame;

    (void)state;
    settle();
    while (frame_take(&vm.heap, &frame))
        ;
    assert_true(guest_store(PAGE, 1));
    assert_true(ept_lookup(&vm.ept, GPA(PAGE)).large);
    assert_false(is_sealed(PAGE));
    flip(PAGE + PAGE_SIZE, SIDE_NATIVE);
    settle();
    assert_int_equal(counter(KMV_COUNTER_scrub_wrong), 0);
    assert_int_equal(counter(KMV_COUNTER_scrub_unsure), 1);
}

static void the_hole_is_no_ram(void **state)
{
    (void)state;
    *(u8 *)machine_memory(boot.mirror_base + 0xb8000) ^= 1;
    settle();
    assert_int_equal(log_count("scrub"), 0);
    assert_int_equal(counter(KMV_COUNTER_scrub_pages), 4 * PAGES);
}

static void budget_has_limits(void **state)
{
    struct machine_config config = machine_default;
    hpa_t frame;

    (void)state;
    assert_int_equal(scrub_set_budget(&vm, SCRUB_PERMILLE_MAX), 0);
    assert_int_equal(scrub_set_budget(&vm, SCRUB_PERMILLE_MAX + 1), -HV_EINVAL);
    scrub_slice(&vm);
    assert_true(vm.scrub.due > counter(KMV_COUNTER_scrub_ticks));
    assert_true(counter(KMV_COUNTER_scrub_ticks) > 0);
    machine_stop();
    machine_start(&machine_default);
    assert_false(scrub_write(&vm, GPA(PAGE)));
    while (vm.heap.free_count > 1)
        frame_take(&vm.heap, &frame);
    assert_int_equal(scrub_set_budget(&vm, 1), -HV_ENOMEM);
    machine_stop();
    config.mirrored = false;
    machine_start(&config);
    assert_int_equal(scrub_set_budget(&vm, 1), -HV_EOPNOTSUPP);
    assert_false(scrub_write(&vm, GPA(PAGE)));
}

/* Of two pages that differ, one may have raced; the other one is bad memory, and decided as such.
 */
static void sealed_pages_have_not_raced(void **state)
{
    (void)state;
    settle();
    flip(PAGE, SIDE_NATIVE);
    assert_true(guest_store_native(PAGE + PAGE_SIZE, 1));
    assert_int_equal(recovery_settle(&vm, GPA(PAGE), 2), 1);
    assert_non_null(strstr(log_last("settle"), "raced=1 differing=1"));
    assert_non_null(strstr(log_last("verify_diff"), "gpa=0x423000"));
    assert_int_equal(visit_all(), 1);
    assert_int_equal(guest_load(PAGE), MACHINE_WORD(PAGE / 4));
    assert_int_equal(recovery_verify(&vm), 0);
    /* Settled, it is as good as written: sealed once it is quiet. */
    settle();
    flip(PAGE + PAGE_SIZE, SIDE_MIRROR);
    assert_int_equal(visit_all(), 1);
    assert_int_equal(guest_load(PAGE + PAGE_SIZE), 1);
    assert_int_equal(counter(KMV_COUNTER_scrub_unsure), 0);
}

#define DIRECTORY 0x00100000u
#define TABLE     0x00101000u
#define RIGHTS    (PG_PRESENT | PG_WRITE)

/* Maps the first 4 MiB one to one through TABLE. */
static void turn_paging_on(void)
{
    guest_fill(DIRECTORY, 0);
    for (u32 i = 0; i < PG_ENTRIES; i++)
        assert_true(guest_store(TABLE + i * 4, i << PAGE_SHIFT | RIGHTS));
    assert_true(guest_store(DIRECTORY, TABLE | RIGHTS));
    assert_int_equal(machine_load_cr3(DIRECTORY), MIRROR_LOAD_OK);
}

/* A table in step is read-only: a seal of its own kind. The flags that the processor sets natively
 * are no difference. */
static void page_tables_are_repaired(void **state)
{
    (void)state;
    turn_paging_on();
    assert_int_equal(machine_access((struct access){0x5000, true, false}).kind, ACCESS_OK);
    settle();
    assert_int_equal(counter(KMV_COUNTER_scrub_unsure), 0);
    assert_int_equal(machine_load_cr3(DIRECTORY), MIRROR_LOAD_OK);
    settle();
    assert_true(is_sealed(TABLE) && is_sealed(DIRECTORY));
    flip(TABLE + 0x123, SIDE_NATIVE);
    flip(DIRECTORY + 0x321, SIDE_MIRROR);
    assert_int_equal(visit_all(), 2);
    check_shadow(DIRECTORY);
}

/* A sealed page that becomes a table, and stops being one, is never trusted for what it was. */
static void seals_survive_no_table(void **state)
{
    (void)state;
    guest_fill(DIRECTORY, 0);
    for (u32 i = 0; i < PG_ENTRIES; i++)
        assert_true(guest_store(TABLE + i * 4, i << PAGE_SHIFT | RIGHTS));
    assert_true(guest_store(DIRECTORY, TABLE | RIGHTS));
    settle();
    assert_true(is_sealed(TABLE) && is_sealed(DIRECTORY));
    assert_int_equal(machine_load_cr3(DIRECTORY), MIRROR_LOAD_OK);
    settle();
    assert_int_equal(counter(KMV_COUNTER_scrub_wrong) + counter(KMV_COUNTER_scrub_unsure), 0);
    /* The flags that loading the root has set are no reason to call the mirror wrong. */
    assert_true(guest_load(DIRECTORY) & PG_ACCESSED);
    assert_int_equal(recovery_verify(&vm), 0);
}

/* Random writes, tables that come and go, and memory that flips where nothing is written: each flip
 * of a sealed page is repaired, and no write is ever undone. */
static void random_guest(void **state)
{
    static u32 shadow[64];
    u32 flips = 0;

    (void)state;
    random_seed(7);
    for (u32 i = 0; i < 64; i++)
        shadow[i] = MACHINE_WORD((PAGE + i * (u32)PAGE_SIZE) / 4);
    for (u32 round = 0; round < 4000; round++) {
        u32 i = random_below(64), page = PAGE + i * (u32)PAGE_SIZE;
        if (random_below(2) == 0) {
            shadow[i] = round;
            assert_true(guest_store(page, round));
        } else if (is_sealed(page) && vm.counters[KMV_COUNTER_spare_free] > 0 &&
                   random_below(64) == 0) {
            flip(page + 4 + random_below(PAGE_SIZE - 4),
                 random_below(2) ? SIDE_NATIVE : SIDE_MIRROR);
            flips += scrub_visit(&vm, PAGES) == 1;
        }
        if (random_below(4) == 0)
            scrub_visit(&vm, random_below(PAGES));
        assert_int_equal(guest_load(PAGE + i * (u32)PAGE_SIZE), shadow[i]);
    }
    assert_true(flips > 10);
    for (u32 i = 0; i < 64; i++)
        assert_int_equal(guest_load(PAGE + i * (u32)PAGE_SIZE), shadow[i]);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, setup, machine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(every_situation),
        SCENE(a_wrong_side_gets_a_spare_frame),
        SCENE(without_a_spare_frame_the_right_side_serves_both),
        SCENE(what_can_not_be_read_is_passed_over),
        SCENE(bad_and_lost_pages_are_passed_over),
        SCENE(quiet_leaves_are_sealed_whole),
        SCENE(busy_leaves_are_split),
        SCENE(a_poor_heap_is_left_alone),
        SCENE(the_hole_is_no_ram),
        SCENE(budget_has_limits),
        SCENE(sealed_pages_have_not_raced),
        SCENE(page_tables_are_repaired),
        SCENE(seals_survive_no_table),
        SCENE(random_guest),
    };

    return cmocka_run_group_tests_name("hv scrub", tests, NULL, NULL);
}
