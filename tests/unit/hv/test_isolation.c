/*
 * No guest-physical address reaches the hypervisor: every layout of memory at small scale, and
 * every sequence of a few events from a hostile guest, each followed by a walk of all extended page
 * tables in memory. The walk and its rules share nothing with hv/vm/audit.c, which has to agree.
 */
#include "machine.h"
#include "testing.h"

#include <hv/mm/paging.h>
#include <hv/recovery/recovery.h>
#include <hv/vm/audit.h>
#include <stdlib.h>
#include <string.h>

#define KIB         1024ull
#define DEVICE      0xfee00000u
#define SINK_BYTES  (0x100000000ull - KMV_DEVICE_BASE)
#define ORDERS      120u /* of five blocks */
#define FRAMES_MAX  8192u
#define ENTRY_LARGE 0x80u

/* What stands in front of everything: the guest's and the mirror's page that a frame serves. */
static u64 owner[FRAMES_MAX];
static bool is_table[FRAMES_MAX];
static u64 lowest;
static u32 tables_shown; /* shadow roots and mirror tables */

static u32 number_of(u64 frame)
{
    u64 number = (frame - lowest) / PAGE_SIZE;

    assert_true(frame >= lowest && number < FRAMES_MAX);
    return (u32)number;
}

static bool within(u64 at, u64 base, u64 bytes)
{
    return at >= base && at - base < bytes;
}

static bool in_hole(u64 gpa)
{
    return within(gpa, KMV_VGA_GPA_BASE, KMV_VGA_GPA_END - KMV_VGA_GPA_BASE);
}

/* RAM pages have frames of their own: but for a page whose other copy is gone, and which both sides
 * share, none serves two. */
static void check_ram(u64 gpa, u64 frame, u32 perms)
{
    bool mirror = vm.mirrored && gpa >= vm.offset;
    u64 page = mirror ? gpa - vm.offset : gpa;
    u64 *owned = &owner[number_of(frame)];

    assert_true(page < vm.ram_bytes && (mirror || !in_hole(page)));
    assert_true(!mirror || !(perms & EPT_EXEC));
    assert_true(*owned == 0 || *owned == page + 1);
    *owned = page + 1;
}

static void check_leaf(u64 gpa, u64 frame, u32 perms)
{
    assert_false(within(frame, boot.hv_base, boot.hv_size));
    if (within(frame, boot.heap_base, boot.heap_size)) {
        assert_true(vm.mirrored && !(perms & EPT_EXEC) && !is_table[number_of(frame)]);
        if (frame == vm.sink.v) {
            assert_true(within(gpa, vm.offset - SINK_BYTES, SINK_BYTES));
            return;
        }
        assert_true(perms == EPT_READ && gpa - KMV_TABLES_GPA_BASE == frame - boot.heap_base);
        tables_shown++;
    } else if (within(frame, boot.guest_base, boot.guest_size) ||
               (vm.mirrored && (within(frame, boot.mirror_base, boot.guest_size) ||
                                within(frame, boot.spare_base, boot.spare_size)))) {
        check_ram(gpa, frame, perms);
    } else {
        assert_true(gpa == frame && perms == EPT_RW && (in_hole(gpa) || gpa == DEVICE));
    }
}

/* Tables at level 3 lead down to leaves at level 0, or at level 1 with bit 7 (SDM vol. 3C, 29.3.2).
 * The first walk finds the tables, the second looks at the leaves. */
static void walk(u64 table, int level, u64 gpa, bool leaves)
{
    assert_true(within(table, boot.heap_base, boot.heap_size));
    is_table[number_of(table)] = true;
    for (u32 i = 0; i < 512; i++, gpa += PAGE_SIZE << 9 * level) {
        u64 entry = ((u64 *)machine_memory(table))[i];

        if (LEAF_PERMS(entry) == 0)
            continue;
        if (level > 0 && !(entry & ENTRY_LARGE)) {
            walk(LEAF_HPA(entry), level - 1, gpa, leaves);
            continue;
        }
        assert_true(level <= 1);
        for (u64 at = 0; leaves && at < PAGE_SIZE << 9 * level; at += PAGE_SIZE)
            check_leaf(gpa + at, LEAF_HPA(entry) + at, LEAF_PERMS(entry));
    }
}

static void check_everything(void)
{
    struct vm_audit audit = vm_audit(&vm, &boot);

    memset(owner, 0, sizeof(owner));
    memset(is_table, 0, sizeof(is_table));
    tables_shown = 0;
    walk(vm.ept.root.v, 3, 0, false);
    walk(vm.ept.root.v, 3, 0, true);
    assert_int_equal(tables_shown, vm.counters[KMV_COUNTER_shadow_roots] +
                                       vm.counters[KMV_COUNTER_mirror_tables]);
    assert_int_equal(audit.wrong, 0);
}

static void start(const struct machine_config *config)
{
    machine_start(config);
    lowest = boot.hv_base;
    lowest = boot.heap_base < lowest ? boot.heap_base : lowest;
    lowest = boot.spare_base < lowest ? boot.spare_base : lowest;
    lowest = boot.guest_base < lowest ? boot.guest_base : lowest;
    lowest = boot.mirror_base < lowest ? boot.mirror_base : lowest;
    assert_int_equal(vm_map_device(&vm, GPA(DEVICE), PAGE_SIZE), 0);
}

static void every_layout(void **state)
{
    static const u64 ram[] = {PAGE_SIZE,           640 * KIB,           768 * KIB, 772 * KIB,
                              2 * MIB - PAGE_SIZE, 2 * MIB + PAGE_SIZE, 4 * MIB};
    static const u32 offsets[] = {KMV_OFFSET_DEFAULT, 0x48000000, 0xb8000000};

    (void)state;
    for (u32 i = 0; i < ORDERS * ARRAY_LEN(ram) * 2; i++) {
        struct machine_config config = {
            .ram_bytes = ram[i / ORDERS % ARRAY_LEN(ram)],
            .heap_bytes = 128 * KIB,
            .spare_bytes = i % 3 * PAGE_SIZE,
            .offset = offsets[i % ARRAY_LEN(offsets)],
            .mirrored = i / ORDERS / ARRAY_LEN(ram) == 0,
            .order = i % ORDERS,
            .gap_bytes = i % 5 == 0 ? PAGE_SIZE : 0,
        };

        start(&config);
        if (!vm.mirrored)
            boot.mirror_base = 0;
        check_everything();
        machine_stop();
    }
}

/* The events. A page directory and a table of a hostile guest, which points them anywhere; data
 * that goes bad, a table that goes bad; and what brings mirrors in step. */
#define ROOT  0x10000u
#define TABLE 0x11000u
#define OTHER 0x12000u
#define DATA  0x13000u
#define AT    0x40013000u /* maps DATA */

static void load(void)
{
    (void)machine_load_cr3(ROOT);
}
static void load_other(void)
{
    (void)machine_load_cr3(OTHER);
}
static void store_pde(u32 value)
{
    (void)guest_store(ROOT + (AT >> 22) * 4, value);
}
static void pde_to_table(void)
{
    store_pde(TABLE | 7);
}
static void pde_to_itself(void)
{
    store_pde(ROOT | 7);
}
static void pde_to_tables_window(void)
{
    store_pde(KMV_TABLES_GPA_BASE | 7);
}
static void pde_to_mirror(void)
{
    store_pde((KMV_OFFSET_DEFAULT + TABLE) | 7);
}
static void pde_large(void)
{
    store_pde(KMV_TABLES_GPA_BASE | 7 | PG_LARGE);
}
static void pte_to_tables_window(void)
{
    (void)guest_store(TABLE + (AT >> 12 & 1023) * 4, (KMV_TABLES_GPA_BASE + 0x1000) | 7);
}
static void pte_junk(void)
{
    guest_fill(TABLE, 0x01010101);
}
static void touch(void)
{
    (void)machine_access((struct access){AT, true, true});
    (void)machine_access((struct access){AT + vm.offset, true, true});
}
static void flush(void)
{
    (void)machine_invlpg(AT);
}
static void poison_table(void)
{
    (void)recovery_poison(&vm, GPA(TABLE), KMV_POISON_NATIVE);
}
static void poison_data(void)
{
    (void)recovery_poison(&vm, GPA(DATA), KMV_POISON_MIRROR);
}
static void poison_both(void)
{
    (void)recovery_poison(&vm, GPA(DATA), KMV_POISON_NATIVE | KMV_POISON_FORCE);
    (void)recovery_poison(&vm, GPA(DATA), KMV_POISON_MIRROR | KMV_POISON_FORCE);
}
static void compare(void)
{
    (void)recovery_verify(&vm);
}

static void (*const events[])(void) = {
    load,
    load_other,
    pde_to_table,
    pde_to_itself,
    pde_to_tables_window,
    pde_to_mirror,
    pde_large,
    pte_junk,
    touch,
    flush,
    poison_table,
    pte_to_tables_window,
    poison_data,
    poison_both,
    compare,
};

#define DEPTH 3u

static void every_sequence(void **state)
{
    /* Two spare frames: the third loss is degraded. */
    struct machine_config config = {.ram_bytes = 1 * MIB,
                                    .heap_bytes = 128 * KIB,
                                    .spare_bytes = 2 * PAGE_SIZE,
                                    .offset = KMV_OFFSET_DEFAULT,
                                    .mirrored = true};
    u32 count = 1;

    (void)state;
    for (u32 i = 0; i < DEPTH; i++)
        count *= ARRAY_LEN(events);
    for (u32 sequence = 0; sequence < count; sequence++) {
        start(&config);
        guest_store(ROOT + (AT >> 22) * 4, TABLE | 7);
        guest_store(TABLE + (AT >> 12 & 1023) * 4, DATA | 7);
        load();
        for (u32 i = 0, left = sequence; i < DEPTH; i++, left /= ARRAY_LEN(events)) {
            events[left % ARRAY_LEN(events)]();
            check_everything();
        }
        machine_stop();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_layout),
                                       cmocka_unit_test(every_sequence)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
