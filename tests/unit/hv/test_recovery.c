/* Pages that go bad on either side, and the comparison of the two copies. */
#include "machine.h"
#include "testing.h"

#include <hv/recovery/recovery.h>
#include <hv/vm/audit.h>
#include <hv/vm/guestmem.h>
#include <stdio.h>
#include <string.h>

#define PAGE   0x00123000u
#define NATIVE KMV_POISON_NATIVE
#define MIRROR KMV_POISON_MIRROR
#define FORCE  KMV_POISON_FORCE

static int setup(void **state)
{
    (void)state;
    machine_start_with(&machine_default, machine_fill);
    return 0;
}

static u64 counter(enum kmv_counter which)
{
    return vm.counters[which];
}

static int poison(u32 page, u32 where)
{
    int error = recovery_poison(&vm, GPA(page), where);

    machine_check_ept_caches();
    return error;
}

static u64 frame(u32 page, enum vm_side side)
{
    return LEAF_HPA(machine_ept_leaf(vm_side_gpa(&vm, GPA(page), side).v));
}

static void assert_intact(u32 page)
{
    for (u32 at = 0; at < PAGE_SIZE; at += 4) {
        assert_int_equal(guest_load(page + at), MACHINE_WORD((page + at) / 4));
        assert_int_equal(guest_load(page + at + vm.offset), MACHINE_WORD((page + at) / 4));
    }
}

static void poison_takes_the_page_away(void **state)
{
    u64 old = frame(PAGE, SIDE_NATIVE);
    char line[80];

    (void)state;
    guest_load(PAGE);
    guest_load(PAGE + vm.offset);
    assert_int_equal(poison(PAGE + 0x10, NATIVE), 0);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(PAGE)), 0);
    assert_true(*(u32 *)machine_memory(old + 8) != MACHINE_WORD((PAGE + 8) / 4));
    assert_int_equal(counter(KMV_COUNTER_poisoned), 1);
    snprintf(line, sizeof(line), "gpage=0x123000 side=native frame=0x%llx cause=order",
             (unsigned long long)old);
    assert_string_equal(log_last("poison"), line);
}

static void access_recovers(u32 where, enum vm_side side, const char *name)
{
    u64 old = frame(PAGE, side), fresh;
    char line[120];

    assert_int_equal(poison(PAGE, where), 0);
    assert_intact(PAGE);
    fresh = frame(PAGE, side);
    assert_true(fresh != old && fresh >= boot.spare_base &&
                fresh < boot.spare_base + boot.spare_size);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(vm_side_gpa(&vm, GPA(PAGE), side).v)),
                     side == SIDE_NATIVE ? EPT_RWX : EPT_RW);
    snprintf(line, sizeof(line), "gpage=0x123000 side=%s bad=0x%llx new=0x%llx cause=access", name,
             (unsigned long long)old, (unsigned long long)fresh);
    assert_string_equal(log_last("recover"), line);
    assert_int_equal(counter(KMV_COUNTER_recovered), 1);
    assert_int_equal(counter(KMV_COUNTER_spare_free), boot.spare_size / PAGE_SIZE - 1);
    assert_int_equal(recovery_verify(&vm), 0);
}

static void native_page_comes_back_from_the_mirror(void **state)
{
    (void)state;
    access_recovers(NATIVE, SIDE_NATIVE, "native");
}

static void mirror_page_comes_back_from_the_native(void **state)
{
    (void)state;
    access_recovers(MIRROR, SIDE_MIRROR, "mirror");
}

static void poison_checks_its_arguments(void **state)
{
    static const u32 not_ram[] = {0xa0000, 0xbffff, 0x800000, 0x38000000, 0xfee00000, 0x36000000};

    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(not_ram); i++)
        assert_int_equal(poison(not_ram[i], NATIVE), -HV_EINVAL);
    assert_int_equal(poison(PAGE, 3), -HV_EINVAL);
    assert_int_equal(poison(PAGE, KMV_POISON_BOTH), -HV_EINVAL);
    assert_int_equal(poison(PAGE, 0x200), -HV_EINVAL);
    assert_int_equal(poison(PAGE, MIRROR), 0);
    assert_int_equal(poison(PAGE, MIRROR), -HV_EALREADY);
    assert_int_equal(poison(PAGE, MIRROR | FORCE), -HV_EALREADY);
    assert_int_equal(poison(PAGE, NATIVE), -HV_EBUSY);
    assert_int_equal(counter(KMV_COUNTER_poisoned), 1);
}

static void a_fresh_frame_that_goes_bad_is_replaced_again(void **state)
{
    u64 first = frame(PAGE, SIDE_NATIVE), second;

    (void)state;
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_int_equal(recovery_restore(&vm, GPA(PAGE), SIDE_NATIVE, "access"), RECOVERY_DONE);
    second = frame(PAGE, SIDE_NATIVE);
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_intact(PAGE);
    assert_true(frame(PAGE, SIDE_NATIVE) != first && frame(PAGE, SIDE_NATIVE) != second);
    assert_int_equal(counter(KMV_COUNTER_recovered), 2);
}

static void a_source_that_goes_bad_first_loses_the_page(void **state)
{
    (void)state;
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_int_equal(recovery_hard_error(&vm, GPA(PAGE), SIDE_MIRROR, false, "machine_check"),
                     RECOVERY_LOST);
    assert_int_equal(counter(KMV_COUNTER_lost), 1);
    assert_int_equal(counter(KMV_COUNTER_recovered), 0);
}

static void a_page_reported_twice_is_recovered_once(void **state)
{
    (void)state;
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_int_equal(recovery_hard_error(&vm, GPA(PAGE), SIDE_NATIVE, false, "machine_check"),
                     RECOVERY_DONE);
    assert_int_equal(recovery_restore(&vm, GPA(PAGE), SIDE_NATIVE, "access"), RECOVERY_NOT_BAD);
    assert_intact(PAGE);
    assert_int_equal(log_count("poison"), 1);
    assert_int_equal(log_count("recover"), 1);
}

static void both_sides_bad_is_lost(void **state)
{
    u32 value;

    (void)state;
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_int_equal(poison(PAGE, MIRROR | FORCE), 0);
    assert_int_equal(recovery_restore(&vm, GPA(PAGE), SIDE_MIRROR, "access"), RECOVERY_LOST);
    assert_int_equal(recovery_restore(&vm, GPA(PAGE), SIDE_NATIVE, "access"), RECOVERY_LOST);
    assert_int_equal(log_count("lost"), 1);
    assert_int_equal(counter(KMV_COUNTER_lost), 1);
    assert_int_equal(counter(KMV_COUNTER_recovered), 0);
    assert_int_equal(guest_read(&vm, GPA(PAGE - 4), &value, 4), 0);
    assert_int_equal(guest_read(&vm, GPA(PAGE - 2), &value, 4), -HV_EFAULT);
    assert_int_equal(guest_write(&vm, GPA(PAGE - 2), &value, 4), -HV_EFAULT);
    assert_false(guest_store(PAGE, 1));
    /* A page without two equal copies can't count as equal. */
    assert_int_equal(recovery_verify(&vm), 1);
}

static void a_lost_page_comes_back_empty(void **state)
{
    u64 native = frame(PAGE, SIDE_NATIVE), mirror = frame(PAGE, SIDE_MIRROR);

    (void)state;
    assert_int_equal(recovery_renew(&vm, GPA(PAGE)), -HV_EINVAL);
    assert_int_equal(poison(PAGE, KMV_POISON_BOTH | FORCE), 0);
    assert_int_equal(recovery_renew(&vm, GPA(PAGE)), -HV_EINVAL); /* nobody has met it yet */
    assert_int_equal(recovery_restore(&vm, GPA(PAGE), SIDE_NATIVE, "access"), RECOVERY_LOST);
    assert_int_equal(recovery_renew(&vm, GPA(PAGE + vm.offset)), -HV_EINVAL);
    assert_int_equal(recovery_renew(&vm, GPA(PAGE)), 0);
    assert_int_equal(guest_load(PAGE), 0);
    assert_int_equal(guest_load(PAGE + vm.offset + 0xffc), 0);
    assert_true(frame(PAGE, SIDE_NATIVE) != native && frame(PAGE, SIDE_MIRROR) != mirror);
    assert_true(guest_store(PAGE, 5));
    assert_int_equal(recovery_verify(&vm), 0);
    assert_int_equal(counter(KMV_COUNTER_renewed), 1);
    /* It is recovered as any other. */
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_int_equal(guest_load(PAGE), 5);
}

static void a_lost_page_needs_two_spare_frames(void **state)
{
    hpa_t taken;

    (void)state;
    assert_int_equal(poison(PAGE, KMV_POISON_BOTH | FORCE), 0);
    assert_int_equal(recovery_restore(&vm, GPA(PAGE), SIDE_NATIVE, "access"), RECOVERY_LOST);
    while (vm.spare.free_count > 1)
        frame_alloc(&vm.spare, &taken);
    assert_int_equal(recovery_renew(&vm, GPA(PAGE)), -HV_ENOMEM);
    assert_true(ept_lookup(&vm.ept, GPA(PAGE)).lost);
    assert_int_equal(vm.spare.free_count, 1);
}

#define LIST 0x00200000u

/* A list of one word: `count` pages from `page` on. */
static int protect(u32 page, u32 count, u32 flags)
{
    u32 word = page | (count - 1);

    assert_int_equal(guest_write(&vm, GPA(LIST), &word, sizeof(word)), 0);
    return recovery_protect(&vm, GPA(LIST), 1 | flags);
}

static void an_unprotected_native_page_is_lost(void **state)
{
    (void)state;
    assert_int_equal(protect(PAGE, 2, KMV_PROTECT_OFF), 0);
    assert_int_equal(counter(KMV_COUNTER_unprotected), 2);
    assert_false(recovery_protects(&vm, GPA(PAGE + PAGE_SIZE)));
    assert_true(recovery_protects(&vm, GPA(PAGE + 2 * PAGE_SIZE)));
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_int_equal(recovery_restore(&vm, GPA(PAGE), SIDE_NATIVE, "access"), RECOVERY_LOST);
    assert_int_equal(protect(PAGE, 2, 0), 1);
    assert_int_equal(counter(KMV_COUNTER_unprotected), 1);
    assert_int_equal(recovery_renew(&vm, GPA(PAGE)), 0);
    assert_int_equal(counter(KMV_COUNTER_unprotected), 0);
}

static void an_unprotected_mirror_page_is_replaced(void **state)
{
    (void)state;
    assert_int_equal(protect(PAGE, 1, KMV_PROTECT_OFF), 0);
    assert_int_equal(poison(PAGE, MIRROR), 0);
    assert_intact(PAGE);
    assert_int_equal(counter(KMV_COUNTER_recovered), 1);
}

static void verify_leaves_unprotected_pages_alone(void **state)
{
    (void)state;
    assert_int_equal(protect(PAGE, 1, KMV_PROTECT_OFF), 0);
    assert_true(guest_store_native(PAGE + 8, 1));
    assert_true(guest_store_native(PAGE + PAGE_SIZE, 1));
    assert_int_equal(recovery_verify(&vm), 1);
    assert_non_null(strstr(log_last("verify"), "pages=2015 differing=1"));
    assert_non_null(strstr(log_last("verify"), "unprotected=1"));
    assert_int_equal(guest_load(PAGE + vm.offset + 8), MACHINE_WORD((PAGE + 8) / 4));
}

static void a_page_that_becomes_protected_is_copied(void **state)
{
    (void)state;
    assert_int_equal(protect(PAGE, 1, KMV_PROTECT_OFF), 0);
    assert_true(guest_store_native(PAGE + 8, 7));
    assert_int_equal(protect(PAGE, 1, 0), 0);
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_int_equal(guest_load(PAGE + 8), 7);
    assert_int_equal(recovery_verify(&vm), 0);
    /* What is protected already is not copied: a difference would be hidden. */
    assert_true(guest_store_native(PAGE + 8, 9));
    assert_int_equal(protect(PAGE, 1, 0), 0);
    assert_int_equal(guest_load(PAGE + vm.offset + 8), 7);
}

static void protection_checks_its_arguments(void **state)
{
    (void)state;
    assert_int_equal(protect(0x9f000, 2, KMV_PROTECT_OFF), -HV_EINVAL);
    assert_int_equal(protect(0x7ff000, 2, KMV_PROTECT_OFF), -HV_EINVAL);
    assert_int_equal(protect(vm.offset, 1, KMV_PROTECT_OFF), -HV_EINVAL);
    assert_int_equal(recovery_protect(&vm, GPA(LIST), KMV_PROTECT_WORDS_MAX + 1), -HV_EINVAL);
    assert_int_equal(recovery_protect(&vm, GPA(0x800000), 1), -HV_EFAULT);
    assert_int_equal(recovery_protect(&vm, GPA(LIST), KMV_PROTECT_OFF), 0);
    /* What stands before the wrong page is done. */
    assert_int_equal(counter(KMV_COUNTER_unprotected), 2);
}

static void without_mirror_a_bad_page_is_lost(void **state)
{
    struct machine_config config = machine_default;

    (void)state;
    machine_stop();
    config.mirrored = false;
    machine_start(&config);
    assert_int_equal(poison(PAGE, MIRROR), -HV_EINVAL);
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_int_equal(recovery_restore(&vm, GPA(PAGE), SIDE_NATIVE, "access"), RECOVERY_LOST);
    assert_int_equal(log_count("lost"), 1);
    assert_int_equal(recovery_verify(&vm), -HV_EOPNOTSUPP);
}

static void good_pages_need_no_recovery(void **state)
{
    (void)state;
    assert_int_equal(recovery_restore(&vm, GPA(PAGE), SIDE_NATIVE, "access"), RECOVERY_NOT_BAD);
    assert_int_equal(log_count("recover"), 0);
}

static void hypervisors_accesses_recover_first(void **state)
{
    u32 value = 0;

    (void)state;
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_int_equal(guest_read(&vm, GPA(PAGE + 4), &value, sizeof(value)), 0);
    assert_int_equal(value, MACHINE_WORD((PAGE + 4) / 4));
    assert_non_null(strstr(log_last("recover"), "cause=hypervisor"));
    assert_int_equal(poison(PAGE, MIRROR), 0);
    value = MACHINE_WORD(PAGE / 4);
    assert_int_equal(guest_write(&vm, GPA(PAGE), &value, sizeof(value)), 0);
    assert_intact(PAGE);
}

static void exhaust_spares(void)
{
    hpa_t frame_taken;

    while (frame_alloc(&vm.spare, &frame_taken))
        ;
}

static void without_spare_frames_the_page_runs_on_one_copy(void **state)
{
    u64 survivor = frame(PAGE, SIDE_MIRROR);

    (void)state;
    exhaust_spares();
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_intact(PAGE);
    assert_int_equal(log_count("degraded"), 1);
    assert_int_equal(counter(KMV_COUNTER_degraded), 1);
    assert_int_equal(counter(KMV_COUNTER_recovered), 0);
    assert_int_equal(frame(PAGE, SIDE_NATIVE), survivor);
    assert_int_equal(frame(PAGE, SIDE_MIRROR), survivor);
    assert_true(guest_store(PAGE, 7));
    assert_int_equal(guest_load(PAGE), 7);
    assert_int_equal(recovery_verify(&vm), 0);
    assert_non_null(strstr(log_last("verify"), "degraded=1"));
}

static void degraded_pages_heal_when_frames_return(void **state)
{
    u64 given = frame(0x300000, SIDE_NATIVE), other = frame(0x300000, SIDE_MIRROR), fresh;

    (void)state;
    exhaust_spares();
    for (u32 i = 0; i < 3; i++) {
        assert_int_equal(poison(PAGE + i * PAGE_SIZE, i % 2 ? NATIVE : MIRROR), 0);
        assert_intact(PAGE + i * PAGE_SIZE);
    }
    assert_int_equal(counter(KMV_COUNTER_degraded), 3);
    assert_int_equal(recovery_give(&vm, GPA(0x300000)), 0);
    machine_check_ept_caches();
    assert_int_equal(counter(KMV_COUNTER_healed), 2);
    assert_int_equal(log_count("heal"), 2);
    fresh = frame(PAGE, SIDE_MIRROR);
    assert_true(fresh == given || fresh == other);
    assert_true(fresh != frame(PAGE, SIDE_NATIVE));
    assert_int_equal(recovery_give(&vm, GPA(0x301000)), 0);
    assert_int_equal(counter(KMV_COUNTER_healed), 3);
    assert_int_equal(counter(KMV_COUNTER_spare_free), 1);
    for (u32 i = 0; i < 3; i++)
        assert_intact(PAGE + i * PAGE_SIZE);
    assert_int_equal(recovery_verify(&vm), 0);
    assert_non_null(strstr(log_last("verify"), "degraded=0"));
    /* Full strength: each is recovered as any other. */
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_intact(PAGE);
    assert_int_equal(counter(KMV_COUNTER_recovered), 1);
}

static void a_given_page_is_gone_until_it_is_renewed(void **state)
{
    u32 value;

    (void)state;
    assert_int_equal(poison(PAGE, MIRROR), 0);
    assert_int_equal(recovery_give(&vm, GPA(PAGE)), -HV_EBUSY);
    assert_intact(PAGE);
    assert_int_equal(recovery_give(&vm, GPA(PAGE)), 0);
    assert_int_equal(recovery_give(&vm, GPA(PAGE)), -HV_EALREADY);
    assert_int_equal(recovery_give(&vm, GPA(0xb8000)), -HV_EINVAL);
    assert_int_equal(recovery_give(&vm, GPA(PAGE + vm.offset)), -HV_EINVAL);
    assert_int_equal(guest_read(&vm, GPA(PAGE), &value, sizeof(value)), -HV_EFAULT);
    assert_int_equal(poison(PAGE, NATIVE), -HV_EALREADY);
    assert_false(guest_store(PAGE, 1));
    assert_int_equal(recovery_verify(&vm), 0);
    assert_int_equal(counter(KMV_COUNTER_verify_pages), (8 * MIB - 0x20000) / PAGE_SIZE - 1);
    assert_int_equal(recovery_renew(&vm, GPA(PAGE)), 0);
    assert_int_equal(guest_load(PAGE), 0);
    assert_int_equal(vm_audit(&vm, &boot).wrong, 0);
}

static void a_bad_frame_is_never_used_again(void **state)
{
    u64 bad[] = {frame(PAGE, SIDE_NATIVE), frame(PAGE + 0x1000, SIDE_MIRROR)};
    hpa_t taken;

    (void)state;
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_int_equal(poison(PAGE + 0x1000, MIRROR), 0);
    assert_intact(PAGE);
    assert_intact(PAGE + 0x1000);
    assert_int_equal(recovery_give(&vm, GPA(PAGE)), 0);
    assert_int_equal(recovery_give(&vm, GPA(PAGE + 0x1000)), 0);
    /* Nor one that goes bad while it waits. */
    assert_true(frame_retire(&vm.spare, HPA(boot.guest_base + PAGE + 0x1000)));
    while (frame_take(&vm.spare, &taken)) {
        assert_true(taken.v != bad[0] && taken.v != bad[1]);
        assert_true(taken.v != boot.guest_base + PAGE + 0x1000);
    }
}

static void a_degraded_page_that_goes_bad_is_lost(void **state)
{
    (void)state;
    exhaust_spares();
    assert_int_equal(poison(PAGE, MIRROR), 0);
    assert_int_equal(recovery_restore(&vm, GPA(PAGE), SIDE_MIRROR, "access"), RECOVERY_DEGRADED);
    assert_int_equal(poison(PAGE, NATIVE), -HV_EBUSY);
    assert_int_equal(poison(PAGE, NATIVE | FORCE), 0);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(PAGE)), 0);
    assert_int_equal(LEAF_PERMS(machine_ept_leaf(PAGE + vm.offset)), 0);
    assert_int_equal(recovery_restore(&vm, GPA(PAGE), SIDE_NATIVE, "access"), RECOVERY_LOST);
}

static void spares_run_out_one_by_one(void **state)
{
    u64 spares = boot.spare_size / PAGE_SIZE;

    (void)state;
    for (u32 i = 0; i < spares + 8; i++) {
        u32 page = 0x200000 + i * 0x3000;
        assert_int_equal(poison(page, i % 2 ? NATIVE : MIRROR), 0);
        assert_intact(page);
        assert_int_equal(counter(KMV_COUNTER_spare_free), i < spares ? spares - i - 1 : 0);
    }
    assert_int_equal(counter(KMV_COUNTER_recovered), spares);
    assert_int_equal(counter(KMV_COUNTER_degraded), 8);
    assert_int_equal(recovery_verify(&vm), 0);
}

static void verify_counts_every_page(void **state)
{
    (void)state;
    assert_int_equal(recovery_verify(&vm), 0);
    assert_int_equal(counter(KMV_COUNTER_verify_pages), (8 * MIB - 0x20000) / PAGE_SIZE);
    assert_int_equal(counter(KMV_COUNTER_verify_differ), 0);
    assert_string_equal(log_last("verify"),
                        "pages=2016 differing=0 degraded=0 lost=0 unprotected=0");
}

static void verify_finds_differences(void **state)
{
    static const u32 at[] = {0, 0x9fffc, 0xc0000, PAGE + 0x7f8, 0x3ffffc, 0x400000, 0x7ffffc};

    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(at); i++)
        assert_true(guest_store_native(at[i], 0x11111111));
    assert_int_equal(recovery_verify(&vm), ARRAY_LEN(at));
    assert_int_equal(counter(KMV_COUNTER_verify_differ), ARRAY_LEN(at));
    assert_int_equal(log_count("verify_diff"), ARRAY_LEN(at));
    assert_string_equal(log_last("verify_diff"),
                        "gpa=0x7ffffc native=0x11111111 mirror=0xc11fedff");
    /* The hole is no RAM. */
    *(u8 *)machine_memory(boot.mirror_base + 0xb8000) ^= 1;
    assert_int_equal(recovery_verify(&vm), ARRAY_LEN(at));
}

static void verify_logs_the_first_eight(void **state)
{
    (void)state;
    for (u32 page = 0x300000; page < 0x300000 + 40 * PAGE_SIZE; page += PAGE_SIZE)
        assert_true(guest_store_native(page, 0));
    assert_int_equal(recovery_verify(&vm), 40);
    assert_int_equal(log_count("verify_diff"), 8);
    assert_non_null(strstr(log_last("verify_diff"), "gpa=0x307000 native=0x00000000"));
}

static void verify_recovers_bad_pages_first(void **state)
{
    (void)state;
    assert_int_equal(poison(PAGE, NATIVE), 0);
    assert_int_equal(poison(PAGE + PAGE_SIZE, MIRROR), 0);
    assert_int_equal(recovery_verify(&vm), 0);
    assert_int_equal(log_count("recover"), 2);
    assert_non_null(strstr(log_last("recover"), "cause=verify"));
    assert_intact(PAGE);
    assert_intact(PAGE + PAGE_SIZE);
}

static void settle_takes_the_native_bytes_over(void **state)
{
    (void)state;
    assert_true(guest_store_native(PAGE + 8, 0x11111111));
    assert_true(guest_store_native(PAGE + PAGE_SIZE + 0xffc,
                                   MACHINE_WORD((PAGE + PAGE_SIZE + 0xffc) / 4) ^ 1));
    assert_true(guest_store_native(PAGE + 2 * PAGE_SIZE, 0x22222222));
    assert_int_equal(recovery_verify(&vm), 3);

    assert_int_equal(recovery_settle(&vm, GPA(PAGE), 2), 2);
    assert_int_equal(log_count("raced"), 2);
    assert_string_equal(log_last("settle"), "raced=2 differing=0");
    assert_int_equal(counter(KMV_COUNTER_raced), 2);
    assert_int_equal(guest_load(PAGE + 8), 0x11111111);
    assert_int_equal(guest_load(PAGE + 8 + vm.offset), 0x11111111);
    /* What nobody calls a race stays what it is. */
    assert_int_equal(recovery_verify(&vm), 1);
    assert_non_null(strstr(log_last("verify_diff"), "gpa=0x125000 native=0x22222222"));
    assert_int_equal(recovery_settle(&vm, GPA(PAGE), 2), 0);
    assert_int_equal(counter(KMV_COUNTER_raced), 2);
}

static void settle_of_all_memory(void **state)
{
    static const u32 at[] = {0, 0x9fffc, 0xc0000, PAGE + 0x7f8, 0x3ffffc, 0x400000, 0x7ffffc};

    (void)state;
    for (u32 i = 0; i < ARRAY_LEN(at); i++)
        assert_true(guest_store_native(at[i], 0x11111111));
    assert_int_equal(recovery_settle(&vm, GPA(0), 8 * MIB / PAGE_SIZE), ARRAY_LEN(at));
    assert_non_null(strstr(log_last("settle"), "raced=7 differing=0"));
    assert_int_equal(recovery_verify(&vm), 0);
    /* The hole is no RAM. */
    *(u8 *)machine_memory(boot.mirror_base + 0xb8000) ^= 1;
    assert_int_equal(recovery_settle(&vm, GPA(0xb8000), 1), 0);
    assert_int_equal(recovery_settle(&vm, GPA(0xa0000), 0x20), 0);
    assert_non_null(strstr(log_last("settle"), "raced=0 differing=0"));
}

static void settle_checks_its_arguments(void **state)
{
    u32 ram_pages = 8 * MIB / PAGE_SIZE;

    (void)state;
    assert_int_equal(recovery_settle(&vm, GPA(PAGE + 4), 1), -HV_EINVAL);
    assert_int_equal(recovery_settle(&vm, GPA(0), ram_pages + 1), -HV_EINVAL);
    assert_int_equal(recovery_settle(&vm, GPA(PAGE), 0xffffffff), -HV_EINVAL);
    assert_int_equal(recovery_settle(&vm, GPA(0xfffff000), 1), -HV_EINVAL);
    assert_int_equal(recovery_settle(&vm, GPA(vm.offset), 1), -HV_EINVAL);
    assert_int_equal(recovery_settle(&vm, GPA(PAGE), 0), 0);
    assert_int_equal(recovery_settle(&vm, GPA(8 * MIB), 0), 0);
}

/* The mirror of a page that is not protected is no copy, and a page that went bad is recovered
 * first, from the side that is left. */
static void settle_leaves_other_pages_to_recovery(void **state)
{
    u32 list[1] = {PAGE};

    (void)state;
    guest_store(0x700000, list[0]);
    assert_int_equal(recovery_protect(&vm, GPA(0x700000), 1 | KMV_PROTECT_OFF), 0);
    assert_true(guest_store_native(PAGE, 0x11111111));
    assert_int_equal(poison(PAGE + PAGE_SIZE, NATIVE), 0);
    assert_int_equal(poison(PAGE + 2 * PAGE_SIZE, MIRROR), 0);
    assert_int_equal(recovery_settle(&vm, GPA(PAGE), 3), 0);
    assert_int_equal(log_count("recover"), 2);
    assert_int_equal(guest_load(PAGE + vm.offset), MACHINE_WORD(PAGE / 4));
    assert_intact(PAGE + PAGE_SIZE);
    assert_intact(PAGE + 2 * PAGE_SIZE);
}

static void many_random_pages(void **state)
{
    (void)state;
    machine_stop();
    machine_start_with(
        &(struct machine_config){8 * MIB, 4 * MIB, 8 * MIB, KMV_OFFSET_DEFAULT, true, 0, 0},
        machine_fill);
    random_seed(1);
    for (u32 i = 0; i < 1500; i++) {
        u32 page = random_below(8 * MIB / PAGE_SIZE) * PAGE_SIZE;
        int error = poison(page, random_below(2));
        if (page >= KMV_VGA_GPA_BASE && page < KMV_VGA_GPA_END)
            assert_int_equal(error, -HV_EINVAL);
        else
            assert_true(error == 0 || error == -HV_EBUSY || error == -HV_EALREADY);
        if (random_below(3) == 0 && error == 0)
            assert_intact(page);
    }
    assert_int_equal(recovery_verify(&vm), 0);
    assert_int_equal(counter(KMV_COUNTER_recovered), counter(KMV_COUNTER_poisoned));
    assert_int_equal(log_count("poison"), counter(KMV_COUNTER_poisoned));
}

/* Each bad page may need a table of its own, and the heap is small. */
static void faults_all_over_leave_memory_for_page_tables(void **state)
{
    u64 kept;

    (void)state;
    machine_stop();
    machine_start_with(&(struct machine_config){.ram_bytes = 64 * MIB,
                                                .heap_bytes = 60 * PAGE_SIZE,
                                                .spare_bytes = 4 * MIB,
                                                .offset = KMV_OFFSET_DEFAULT,
                                                .mirrored = true},
                       machine_fill);
    kept = vm.heap.free_count < 15 ? vm.heap.free_count : 15;
    for (u32 page = 0x1000; page < 64 * MIB; page += LARGE_PAGE_SIZE) {
        assert_int_equal(poison(page, NATIVE), 0);
        assert_int_equal(poison(page + PAGE_SIZE, MIRROR), 0);
        assert_intact(page);
        assert_intact(page + PAGE_SIZE);
    }
    assert_true(vm.heap.free_count >= kept - 1);
    assert_int_equal(counter(KMV_COUNTER_recovered), 64);
    assert_int_equal(recovery_verify(&vm), 0);
    assert_int_equal(vm_audit(&vm, &boot).wrong, 0);
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, setup, machine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(poison_takes_the_page_away),
        SCENE(native_page_comes_back_from_the_mirror),
        SCENE(mirror_page_comes_back_from_the_native),
        SCENE(poison_checks_its_arguments),
        SCENE(a_fresh_frame_that_goes_bad_is_replaced_again),
        SCENE(a_source_that_goes_bad_first_loses_the_page),
        SCENE(a_page_reported_twice_is_recovered_once),
        SCENE(both_sides_bad_is_lost),
        SCENE(a_lost_page_comes_back_empty),
        SCENE(a_lost_page_needs_two_spare_frames),
        SCENE(an_unprotected_native_page_is_lost),
        SCENE(an_unprotected_mirror_page_is_replaced),
        SCENE(verify_leaves_unprotected_pages_alone),
        SCENE(a_page_that_becomes_protected_is_copied),
        SCENE(protection_checks_its_arguments),
        SCENE(without_mirror_a_bad_page_is_lost),
        SCENE(good_pages_need_no_recovery),
        SCENE(hypervisors_accesses_recover_first),
        SCENE(without_spare_frames_the_page_runs_on_one_copy),
        SCENE(degraded_pages_heal_when_frames_return),
        SCENE(a_given_page_is_gone_until_it_is_renewed),
        SCENE(a_bad_frame_is_never_used_again),
        SCENE(a_degraded_page_that_goes_bad_is_lost),
        SCENE(spares_run_out_one_by_one),
        SCENE(verify_counts_every_page),
        SCENE(verify_finds_differences),
        SCENE(verify_logs_the_first_eight),
        SCENE(settle_takes_the_native_bytes_over),
        SCENE(settle_of_all_memory),
        SCENE(settle_checks_its_arguments),
        SCENE(settle_leaves_other_pages_to_recovery),
        SCENE(verify_recovers_bad_pages_first),
        SCENE(many_random_pages),
        SCENE(faults_all_over_leave_memory_for_page_tables),
    };

    return cmocka_run_group_tests_name("hv recovery", tests, NULL, NULL);
}
