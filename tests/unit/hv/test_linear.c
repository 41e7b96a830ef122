/* The guest's linear addresses as the hypervisor walks them for the processor. */
#include "machine.h"
#include "testing.h"

#include <hv/mm/paging.h>
#include <hv/vm/linear.h>
#include <string.h>

#define ROOT      0x10000u
#define TABLE     0x11000u
#define DIRECTORY 0x12000u
#define PAGE      0x20000u
#define AT        0x40001ff8u /* 8 bytes before the end of a page */
#define RIGHTS    (PG_PRESENT | PG_WRITE)

static const struct linear_space plain = {.cr3 = ROOT, .paging = true, .pse = true};

/* AT's page and the next one are PAGE and the one behind it. */
static void map_small(u32 rights)
{
    guest_store(ROOT + (AT >> 22) * 4, TABLE | RIGHTS);
    guest_store(TABLE + (AT >> 12 & 1023) * 4, PAGE | rights);
    guest_store(TABLE + ((AT >> 12 & 1023) + 1) * 4, (PAGE + 0x1000) | rights);
}

static struct linear_fault fault;

static bool copy(const struct linear_space *space, u32 at, void *bytes, enum linear_access access)
{
    memset(&fault, 0, sizeof(fault));
    return linear_copy(&vm, space, at, bytes, 16, access, &fault);
}

static void expect_fault(u32 gva, u32 error)
{
    assert_false(fault.no_ram);
    assert_int_equal(fault.gva.v, gva);
    assert_int_equal(fault.error, error);
}

static void crosses_pages(void **state)
{
    u32 words[4] = {1, 2, 3, 4}, back[4];

    (void)state;
    map_small(RIGHTS);
    assert_true(copy(&plain, AT, words, LINEAR_WRITE));
    assert_true(copy(&plain, AT, back, LINEAR_READ));
    assert_memory_equal(words, back, sizeof(words));
    for (u32 i = 0; i < 4; i++) {
        assert_int_equal(guest_load(PAGE + 0xff8 + 4 * i), i + 1);
        assert_int_equal(*(u32 *)machine_memory(boot.mirror_base + PAGE + 0xff8 + 4 * i), i + 1);
    }
}

static void without_paging(void **state)
{
    struct linear_space flat = plain;
    u32 words[4] = {5, 6, 7, 8};

    (void)state;
    flat.paging = false;
    assert_true(copy(&flat, PAGE, words, LINEAR_WRITE));
    assert_int_equal(guest_load(PAGE + 12), 8);
}

static void large_page(void **state)
{
    struct linear_space without_pse = plain;
    u32 words[4];

    (void)state;
    guest_store(PAGE + 0x234, 0x1234);
    guest_store(ROOT + (AT >> 22) * 4, RIGHTS | PG_LARGE);
    assert_true(copy(&plain, (AT & 0xffc00000) + PAGE + 0x234, words, LINEAR_READ));
    assert_int_equal(words[0], 0x1234);
    /* Without CR4.PSE it is a table at 0, empty here. */
    without_pse.pse = false;
    assert_false(copy(&without_pse, AT, words, LINEAR_READ));
    expect_fault(AT, 0);
}

static void pae(void **state)
{
    struct linear_space space = {.cr3 = ROOT + 0x20, .paging = true, .pae = true};
    u32 words[4];

    (void)state;
    guest_store(ROOT + 0x20 + (AT >> 30) * 8, DIRECTORY | PG_PRESENT);
    guest_store(DIRECTORY + (AT >> 21 & 511) * 8, TABLE | RIGHTS);
    guest_store(TABLE + (AT >> 12 & 511) * 8, PAGE | RIGHTS);
    guest_store(TABLE + ((AT >> 12 & 511) + 1) * 8, (PAGE + 0x1000) | RIGHTS);
    guest_store(PAGE + 0xff8, 0x9ae);
    assert_true(copy(&space, AT, words, LINEAR_READ));
    assert_int_equal(words[0], 0x9ae);
    assert_int_equal(guest_load(ROOT + 0x20 + (AT >> 30) * 8), DIRECTORY | PG_PRESENT);
    assert_int_equal(guest_load(DIRECTORY + (AT >> 21 & 511) * 8), TABLE | RIGHTS | PG_ACCESSED);
    guest_store(DIRECTORY + (AT >> 21 & 511) * 8, 0x200000 | RIGHTS | PG_LARGE);
    guest_store(0x200000 + (AT & 0x1fffff), 0x1a26e);
    assert_true(copy(&space, AT, words, LINEAR_READ));
    assert_int_equal(words[0], 0x1a26e);
}

static void flags_are_set(void **state)
{
    u32 pde = ROOT + (AT >> 22) * 4, pte = TABLE + (AT >> 12 & 1023) * 4, words[4];

    (void)state;
    map_small(RIGHTS);
    assert_true(copy(&plain, AT, words, LINEAR_READ));
    assert_int_equal(guest_load(pde), TABLE | RIGHTS | PG_ACCESSED);
    assert_int_equal(guest_load(pte), PAGE | RIGHTS | PG_ACCESSED);
    assert_true(copy(&plain, AT, words, LINEAR_READ_TO_WRITE));
    assert_int_equal(guest_load(pde), TABLE | RIGHTS | PG_ACCESSED);
    assert_int_equal(guest_load(pte), PAGE | RIGHTS | PG_ACCESSED | PG_DIRTY);
}

static void faults(void **state)
{
    struct linear_space protect = plain;
    u32 words[4] = {0};

    (void)state;
    assert_false(copy(&plain, AT, words, LINEAR_READ));
    expect_fault(AT, 0);
    map_small(PG_PRESENT);
    assert_true(copy(&plain, AT, words, LINEAR_WRITE));
    protect.write_protect = true;
    assert_true(copy(&protect, AT, words, LINEAR_READ));
    assert_false(copy(&protect, AT, words, LINEAR_READ_TO_WRITE));
    expect_fault(AT, PF_PRESENT | PF_WRITE);
    /* The second page's own address is told. */
    map_small(RIGHTS);
    guest_store(TABLE + ((AT >> 12 & 1023) + 1) * 4, 0);
    assert_false(copy(&protect, AT, words, LINEAR_WRITE));
    expect_fault((AT & ~0xfffu) + 0x1000, PF_WRITE);
}

static void outside_of_ram(void **state)
{
    u32 words[4];

    (void)state;
    map_small(RIGHTS);
    guest_store(TABLE + (AT >> 12 & 1023) * 4, 0xfee00000 | RIGHTS);
    assert_false(copy(&plain, AT, words, LINEAR_READ));
    assert_true(fault.no_ram);
    guest_store(ROOT + (AT >> 22) * 4, 0xe0000000 | RIGHTS); /* the tables window */
    assert_false(copy(&plain, AT, words, LINEAR_READ));
    assert_true(fault.no_ram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(crosses_pages, machine_setup, machine_teardown),
        cmocka_unit_test_setup_teardown(without_paging, machine_setup, machine_teardown),
        cmocka_unit_test_setup_teardown(large_page, machine_setup, machine_teardown),
        cmocka_unit_test_setup_teardown(pae, machine_setup, machine_teardown),
        cmocka_unit_test_setup_teardown(flags_are_set, machine_setup, machine_teardown),
        cmocka_unit_test_setup_teardown(faults, machine_setup, machine_teardown),
        cmocka_unit_test_setup_teardown(outside_of_ram, machine_setup, machine_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
