/* Stores to page tables that the hypervisor does in the guest's place. */
#include "machine.h"
#include "testing.h"

#include <hv/exit/decode.h>
#include <hv/mirror/mirror.h>
#include <hv/mm/paging.h>

#define RWU     (PG_PRESENT | PG_WRITE | PG_USER | PG_ACCESSED | PG_DIRTY)
#define ROOT    0x00100000u
#define ROOT_2  0x00101000u
#define TABLE   0x00102000u
#define TABLE_2 0x00103000u
#define DATA    0x00200000u
#define CODE    0x00400000u /* of a 4 MiB page */
#define ENTRY   (TABLE + 5 * 4)
#define ADDRESS 0x5000u

static void load(u32 root)
{
    assert_int_equal(machine_load_cr3(root), MIRROR_LOAD_OK);
    check_shadow(root);
}

/* A space with one table, in step. */
static void start(void)
{
    assert_true(guest_store(ROOT, TABLE | RWU));
    assert_true(guest_store(ROOT_2, TABLE_2 | RWU));
    assert_true(guest_store(TABLE, DATA | RWU));
    load(ROOT);
}

static bool store(u32 gpa, u32 value)
{
    struct mirror_page *page = mirror_storable(&vm, GPA(gpa));
    bool done = page != NULL && mirror_table_store(&vm, page, GPA(gpa), value);

    machine_check_ept_caches();
    machine_check_mirror_tlb();
    return done;
}

static u64 reached(u32 address)
{
    struct outcome outcome = machine_access((struct access){.address = address, .write = true});

    return outcome.kind == ACCESS_OK ? outcome.hpa.v : 0;
}

static void stored_entry_maps_both_sides_at_once(void **state)
{
    u64 faults, syncs;

    (void)state;
    start();
    faults = vm.counters[KMV_COUNTER_mirror_faults];
    syncs = vm.counters[KMV_COUNTER_pt_syncs];
    assert_true(store(ENTRY, (DATA + 0x3000) | RWU));
    assert_int_equal(guest_load(ENTRY), (DATA + 0x3000) | RWU);
    assert_int_equal(reached(ADDRESS), LEAF_HPA(machine_ept_leaf(DATA + 0x3000)));
    assert_int_equal(reached(ADDRESS + vm.offset),
                     LEAF_HPA(machine_ept_leaf(DATA + 0x3000 + vm.offset)));
    assert_int_equal(vm.counters[KMV_COUNTER_mirror_faults], faults);
    load(ROOT);
    assert_int_equal(vm.counters[KMV_COUNTER_pt_syncs], syncs);
}

/* A processor that runs in the same space may be about to write through the entry: it goes at the
 * flush point, when that one has been stopped. */
static void shared_entry_is_removed_at_the_flush_point(void **state)
{
    (void)state;
    start();
    assert_true(store(ENTRY, (DATA + 0x3000) | RWU));
    machine_on_cpu(1);
    load(ROOT);
    assert_true(reached(ADDRESS + vm.offset) != 0);
    machine_on_cpu(0);
    assert_true(store(ENTRY, 0));
    assert_int_equal(guest_load(ENTRY), 0);
    machine_on_cpu(1);
    assert_true(reached(ADDRESS + vm.offset) != 0);
    machine_on_cpu(0);
    assert_int_equal(machine_invlpg(ADDRESS), MIRROR_LOAD_OK);
    assert_int_equal(machine_stops, 1);
    machine_on_cpu(1);
    assert_int_equal(reached(ADDRESS + vm.offset), 0);
}

static void removed_entry_is_flushed_in_the_mirror(void **state)
{
    (void)state;
    start();
    assert_int_not_equal(reached(vm.offset), 0);
    assert_true(store(TABLE, 0));
    assert_int_equal(reached(vm.offset), 0);
    load(ROOT);
}

static void many_stores_let_the_table_go(void **state)
{
    u32 done = 0;

    (void)state;
    start();
    while (done < PG_ENTRIES && store(TABLE + done * 4, (DATA + done * PAGE_SIZE) | RWU))
        done++;
    assert_in_range(done, 2, 64);
    assert_true(guest_store(TABLE + done * 4, DATA | RWU));
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(TABLE)), EPT_RWX);
    assert_false(store(ENTRY, 0)); /* no longer in step */
    load(ROOT);
    assert_true(store(ENTRY, 0));
    load(ROOT);
}

static void other_pages_are_left_alone(void **state)
{
    (void)state;
    start();
    assert_false(store(ROOT, 0));
    assert_false(store(DATA, 0));
    assert_false(store(ENTRY + 2, DATA | RWU));
    load(ROOT_2);
    assert_false(store(ENTRY, DATA | RWU)); /* another root's */
    assert_int_equal(guest_load(ENTRY), 0);
    mirror_unload_root(&vm);
    assert_false(store(TABLE_2, DATA | RWU));
}

static void code_is_found_behind_both_sizes_of_page(void **state)
{
    const u8 *native;
    u32 bytes;

    (void)state;
    start();
    assert_true(guest_store(ROOT + 4 * 512, CODE | RWU | PG_LARGE));
    load(ROOT);
    native = mirror_code_at(&vm, GVA(0x80003ff0), &bytes);
    assert_ptr_equal(native, machine_memory(LEAF_HPA(machine_ept_leaf(CODE + 0x3000)) + 0xff0));
    assert_int_equal(bytes, 16);
    native = mirror_code_at(&vm, GVA(0x10), &bytes);
    assert_ptr_equal(native, machine_memory(LEAF_HPA(machine_ept_leaf(DATA)) + 0x10));
    assert_int_equal(bytes, PAGE_SIZE - 0x10);
    assert_null(mirror_code_at(&vm, GVA(ADDRESS), &bytes));
    assert_null(mirror_code_at(&vm, GVA(vm.offset), &bytes)); /* code never lives there */
    assert_null(mirror_code_at(&vm, GVA(0x90000000), &bytes));
    mirror_unload_root(&vm);
    assert_null(mirror_code_at(&vm, GVA(0x10), &bytes));
}

struct code {
    u8 bytes[16];
    u32 length; /* 0: refused */
    bool has_gpr;
    unsigned gpr;
    u32 value;
};

static const struct code codes[] = {
    {{0x89, 0x02}, 2, true, 0, 0},                                   /* mov %eax,(%edx) */
    {{0x89, 0x58, 0x7f}, 3, true, 3, 0},                             /* mov %ebx,127(%eax) */
    {{0x89, 0xba, 1, 2, 3, 4}, 6, true, 7, 0},                       /* mov %edi,disp32(%edx) */
    {{0x89, 0x0d, 1, 2, 3, 4}, 6, true, 1, 0},                       /* mov %ecx,disp32 */
    {{0x89, 0x04, 0xb3}, 3, true, 0, 0},                             /* mov %eax,(%ebx,%esi,4) */
    {{0x89, 0x04, 0x8d, 1, 2, 3, 4}, 7, true, 0, 0},                 /* mov %eax,d32(,%ecx,4) */
    {{0x89, 0x6c, 0x24, 4}, 4, true, 5, 0},                          /* mov %ebp,4(%esp) */
    {{0x89, 0xb4, 0x24, 1, 2, 3, 4}, 7, true, 6, 0},                 /* mov %esi,d32(%esp) */
    {{0xc7, 0x00, 0x44, 0x33, 0x22, 0x11}, 6, false, 0, 0x11223344}, /* movl $imm,(%eax) */
    {{0xc7, 0x42, 8, 1, 0, 0, 0}, 7, false, 0, 1},                   /* movl $1,8(%edx) */
    {{0xc7, 0x05, 1, 2, 3, 4, 7, 0, 0, 0}, 10, false, 0, 7},         /* movl $7,disp32 */
    {{0xc7, 0x84, 0x98, 1, 2, 3, 4, 9, 0, 0, 0}, 11, false, 0, 9},   /* movl $9,d32(%eax,%ebx,4) */
    {{0x89, 0xc2}, 0, false, 0, 0},                                  /* mov %eax,%edx */
    {{0xc7, 0xc0, 1, 0, 0, 0}, 0, false, 0, 0},                      /* mov $1,%eax */
    {{0xc7, 0xf8, 1, 0, 0, 0}, 0, false, 0, 0},                      /* xbegin */
    {{0xc7, 0x48, 1, 0, 0, 0, 0}, 0, false, 0, 0},                   /* c7 /1 */
    {{0x66, 0x89, 0x02}, 0, false, 0, 0},                            /* mov %ax,(%edx) */
    {{0x67, 0x89, 0x02}, 0, false, 0, 0},                            /* 16-bit addressing */
    {{0xf0, 0x89, 0x02}, 0, false, 0, 0},                            /* lock: #UD */
    {{0x88, 0x02}, 0, false, 0, 0},                                  /* mov %al,(%edx) */
    {{0x83, 0x20, 0xfe}, 0, false, 0, 0},                            /* andl $-2,(%eax) */
};

static void stores_are_decoded(void **state)
{
    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(codes); i++) {
        const struct code *code = &codes[i];
        struct store store;

        assert_int_equal(decode_store(code->bytes, sizeof(code->bytes), &store), code->length != 0);
        if (code->length == 0)
            continue;
        assert_int_equal(store.length, code->length);
        assert_int_equal(store.has_gpr, code->has_gpr);
        if (code->has_gpr)
            assert_int_equal(store.gpr, code->gpr);
        else
            assert_int_equal(store.value, code->value);
    }
}

/* A copy of each length, so that the sanitizer sees a read too far. */
static void cut_off_code_is_refused(void **state)
{
    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(codes); i++) {
        for (u32 bytes = 0; bytes < codes[i].length; bytes++) {
            struct store store;
            u8 *copy = test_malloc(bytes + 1);

            __builtin_memcpy(copy + 1, codes[i].bytes, bytes);
            assert_false(decode_store(copy + 1, bytes, &store));
            test_free(copy);
        }
    }
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, machine_setup, machine_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        SCENE(stored_entry_maps_both_sides_at_once),
        SCENE(removed_entry_is_flushed_in_the_mirror),
        SCENE(shared_entry_is_removed_at_the_flush_point),
        SCENE(many_stores_let_the_table_go),
        SCENE(other_pages_are_left_alone),
        SCENE(code_is_found_behind_both_sizes_of_page),
        cmocka_unit_test(stores_are_decoded),
        cmocka_unit_test(cut_off_code_is_refused),
    };

    return cmocka_run_group_tests_name("hv store", tests, NULL, NULL);
}
