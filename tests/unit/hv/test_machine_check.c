/* Machine checks through fake banks: each kind of error ends as it should, and what is not the
 * guest's memory is told apart. */
#include "machine.h"
#include "testing.h"

#include <hv/cpu/mce.h>
#include <hv/cpu/msr.h>
#include <hv/recovery/machine_check.h>
#include <hv/recovery/recovery.h>
#include <hv/vm/guestmem.h>
#include <stdio.h>
#include <string.h>

#define BANKS 4
#define SER   (1ull << 24)

#define RIPV 1ull
#define EIPV 2ull
#define MCIP 4ull

#define VAL   (1ull << 63)
#define OVER  (1ull << 62)
#define UC    (1ull << 61)
#define EN    (1ull << 60)
#define MISCV (1ull << 59)
#define ADDRV (1ull << 58)
#define PCC   (1ull << 57)
#define S     (1ull << 56)
#define AR    (1ull << 55)

#define PLACED (MISCV | ADDRV)
#define UCNA   (VAL | UC | PLACED | 0x9f)
#define SRAO   (VAL | UC | EN | S | PLACED | 0xc1)
#define SRAR   (VAL | UC | EN | S | AR | PLACED | 0x134)
#define FETCH  (VAL | UC | EN | S | AR | PLACED | 0x150)

#define PHYSICAL 0x86 /* address mode 2, address known to 64 bytes */
#define PAGE     0x00123000u
#define WORD     0xc0ffee00u

static struct {
    u64 cap, global, global_control;
    u64 control[BANKS], status[BANKS], address[BANKS], misc[BANKS];
} fake;

static u64 *fake_register(u32 msr)
{
    u64 *kinds[] = {fake.control, fake.status, fake.address, fake.misc};

    if (msr >= MSR_MC0_CTL && msr < MSR_MC0_CTL + 4 * BANKS)
        return kinds[msr % 4] + (msr - MSR_MC0_CTL) / 4;
    return msr == MSR_MCG_CAP      ? &fake.cap
           : msr == MSR_MCG_STATUS ? &fake.global
           : msr == MSR_MCG_CTL    ? &fake.global_control
                                   : NULL;
}

static bool fake_read(u32 msr, u64 *value)
{
    u64 *found = fake_register(msr);

    if (found != NULL)
        *value = *found;
    return found != NULL;
}

static bool fake_write(u32 msr, u64 value)
{
    u64 *found = fake_register(msr);

    /* Anything but 0 in a status register is #GP (SDM vol. 3B, 16.3.2.2). */
    if (found >= fake.status && found < fake.status + BANKS)
        assert_int_equal(value, 0);
    if (found != NULL)
        *found = value;
    return found != NULL;
}

static const struct mce_source banks = {fake_read, fake_write};
static struct mce_queue queue;

static void fill(u8 *ram, u64 bytes)
{
    for (u64 i = 0; i < bytes / 4; i++)
        ((u32 *)ram)[i] = WORD + (u32)i;
}

static int setup(void **state)
{
    (void)state;
    machine_start_with(&machine_default, fill);
    memset(&fake, 0, sizeof(fake));
    memset(&queue, 0, sizeof(queue));
    fake.cap = SER | BANKS;
    fake.global = MCIP | RIPV | EIPV;
    return 0;
}

static u64 frame(enum vm_side side)
{
    return LEAF_HPA(machine_ept_leaf(vm_side_gpa(&vm, GPA(PAGE), side).v));
}

static void put(u32 bank, u64 status, u64 address)
{
    fake.status[bank] = status;
    fake.address[bank] = address;
    fake.misc[bank] = PHYSICAL;
}

static void assert_intact(void)
{
    for (u32 at = 0; at < PAGE_SIZE; at += 4) {
        assert_int_equal(guest_load(PAGE + at), WORD + (PAGE + at) / 4);
        assert_int_equal(guest_load(PAGE + at + vm.offset), WORD + (PAGE + at) / 4);
    }
    assert_int_equal(recovery_verify(&vm), 0);
}

enum place { NATIVE, MIRROR, SPARE, HYPERVISOR, NOWHERE };

/* What one bank says, and what comes of it. */
static const struct row {
    const char *name;
    u64 status;
    enum place place;
    enum mce_kind kind;
    const char *action;
    bool survives;
    u64 cap, global, misc; /* 0: as set up */
} rows[] = {
    {"corrected", VAL | EN | PLACED | 0x9f, NATIVE, MCE_CORRECTED, "none", true, 0, 0, 0},
    {"corrected, written over", VAL | OVER | EN, NATIVE, MCE_CORRECTED, "none", true, 0, 0, 0},
    {"reporting is off", SRAO & ~EN, NATIVE, MCE_UNSIGNALLED, "none", true, 0, 0, 0},
    {"UCNA, native", UCNA, NATIVE, MCE_UCNA, "recover", true, 0, 0, 0},
    {"UCNA, mirror", UCNA, MIRROR, MCE_UCNA, "recover", true, 0, 0, 0},
    {"UCNA without address", UCNA & ~ADDRV, NATIVE, MCE_UNPLACED, "none", true, 0, 0, 0},
    {"UCNA of a spare frame", UCNA, SPARE, MCE_UCNA, "retire", true, 0, 0, 0},
    {"UCNA of our memory", UCNA, HYPERVISOR, MCE_UCNA, "none", true, 0, 0, 0},
    {"SRAO scrub, native", SRAO, NATIVE, MCE_SRAO, "recover", true, 0, 0, 0},
    {"SRAO scrub, mirror", SRAO, MIRROR, MCE_SRAO, "recover", true, 0, 0, 0},
    {"SRAO written over", SRAO | OVER, NATIVE, MCE_SRAO, "recover", true, 0, 0, 0},
    {"SRAO write-back", (SRAO & ~0xffull) | 0x17a, NATIVE, MCE_SRAO, "recover", true, 0, 0, 0},
    {"SRAO of another unit", (SRAO & ~0xffull) | 0x400, NATIVE, MCE_UNPLACED, "none", true, 0, 0,
     0},
    {"SRAO without address", SRAO & ~PLACED, NATIVE, MCE_UNPLACED, "none", true, 0, 0, 0},
    {"SRAO, linear address", SRAO, NATIVE, MCE_UNPLACED, "none", true, 0, 0, 0x46},
    {"SRAO, coarser than a page", SRAO, NATIVE, MCE_UNPLACED, "none", true, 0, 0, 0x80 | 21},
    {"SRAO, a page", SRAO, NATIVE, MCE_SRAO, "recover", true, 0, 0, 0x80 | 12},
    {"SRAO, no return", SRAO, NATIVE, MCE_SRAO, "recover", false, 0, MCIP, 0},
    {"SRAO outside memory", SRAO, NOWHERE, MCE_SRAO, "none", true, 0, 0, 0},
    {"SRAR load, native", SRAR, NATIVE, MCE_SRAR, "recover", true, 0, 0, 0},
    {"SRAR load, mirror", SRAR, MIRROR, MCE_SRAR, "recover", true, 0, 0, 0},
    {"SRAR fetch", FETCH, NATIVE, MCE_SRAR, "recover", true, 0, MCIP | RIPV, 0},
    {"SRAR of a spare frame", SRAR, SPARE, MCE_SRAR, "retire", true, 0, 0, 0},
    {"SRAR of our memory", SRAR, HYPERVISOR, MCE_SRAR, "stop", false, 0, 0, 0},
    {"SRAR outside memory", SRAR, NOWHERE, MCE_SRAR, "stop", false, 0, 0, 0},
    {"SRAR written over", SRAR | OVER, NATIVE, MCE_OVERFLOWED, "stop", false, 0, 0, 0},
    {"SRAR, no return", SRAR, NATIVE, MCE_NO_RETURN, "stop", false, 0, MCIP | EIPV, 0},
    {"SRAR without address", SRAR & ~ADDRV, NATIVE, MCE_UNKNOWN, "stop", false, 0, 0, 0},
    {"SRAR of another unit", (SRAR & ~0xffffull) | 0x400, NATIVE, MCE_UNKNOWN, "stop", false, 0, 0,
     0},
    {"action, not signalled", UCNA | AR, NATIVE, MCE_UNKNOWN, "stop", false, 0, 0, 0},
    {"context corrupt", SRAR | PCC, NATIVE, MCE_LOST_CONTEXT, "stop", false, 0, 0, 0},
    {"context corrupt, no action", UCNA | PCC, NATIVE, MCE_LOST_CONTEXT, "stop", false, 0, 0, 0},
    {"no software recovery", SRAR, NATIVE, MCE_UNKNOWN, "stop", false, BANKS, 0, 0},
};

static u64 place_address(enum place place)
{
    switch (place) {
    case NATIVE:
        return frame(SIDE_NATIVE) + 0x340;
    case MIRROR:
        return frame(SIDE_MIRROR) + 0xfc0;
    case SPARE:
        return boot.spare_base + 2 * PAGE_SIZE + 0x40;
    case HYPERVISOR:
        return boot.heap_base + 0x80;
    default:
        return 0x1000;
    }
}

/* Survives: the banks are free. Fatal: they stay, for the firmware to read. */
static void check_registers(const struct row *row)
{
    bool fatal = mce_is_fatal(row->kind) || (fake.global & RIPV) == 0;

    assert_int_equal((fake.global & MCIP) != 0, fatal);
    assert_int_equal(fake.status[2] != 0, mce_is_fatal(row->kind));
}

static void check_row(const struct row *row)
{
    u64 address = place_address(row->place), spare = vm.spare.free_count;
    bool recovers = strcmp(row->action, "recover") == 0;
    char line[160];

    put(2, row->status, address);
    fake.cap = row->cap ? row->cap : fake.cap;
    fake.global = row->global ? row->global : fake.global;
    fake.misc[2] = row->misc ? row->misc : fake.misc[2];
    log_forget();
    mce_collect(&banks, &queue);
    check_registers(row);
    assert_int_equal(queue.errors[0].kind, row->kind);
    assert_int_equal(machine_check_answer(&vm, &queue, false), row->survives);
    assert_int_equal(queue.count, 0);
    snprintf(line, sizeof(line), "bank=2 status=0x%llx address=0x%llx",
             (unsigned long long)row->status,
             (unsigned long long)(row->status & ADDRV ? address : 0));
    assert_non_null(strstr(log_last("machine_check"), line));
    snprintf(line, sizeof(line), "action=%s", row->action);
    assert_non_null(strstr(log_last("machine_check"), line));
    assert_int_equal(vm.counters[KMV_COUNTER_recovered], recovers);
    assert_int_equal(spare - vm.spare.free_count, recovers || strcmp(row->action, "retire") == 0);
    assert_intact();
}

static void every_kind_ends_as_it_should(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        print_message("%s\n", rows[i].name);
        machine_stop();
        setup(NULL);
        check_row(&rows[i]);
    }
}

/* Hardware's bad frame keeps its bytes: writing to it might raise the next machine check. */
static void bad_frame_is_left_alone(void **state)
{
    u64 bad = frame(SIDE_NATIVE), fresh;
    u8 before[PAGE_SIZE];

    (void)state;
    memcpy(before, machine_memory(bad), PAGE_SIZE);
    put(0, SRAR, bad);
    assert_int_equal(mce_collect(&banks, &queue), MCE_SRAR);
    assert_true(machine_check_answer(&vm, &queue, false));
    assert_memory_equal(before, machine_memory(bad), PAGE_SIZE);
    fresh = frame(SIDE_NATIVE);
    assert_true(fresh != bad);
    assert_non_null(strstr(log_last("recover"), "cause=machine_check"));
    /* The same frame again: nobody's now. */
    put(0, SRAO, bad);
    mce_collect(&banks, &queue);
    assert_true(machine_check_answer(&vm, &queue, false));
    assert_int_equal(frame(SIDE_NATIVE), fresh);
    assert_intact();
}

static void another_processors_check_is_ignored(void **state)
{
    (void)state;
    assert_int_equal(mce_collect(&banks, &queue), MCE_CORRECTED);
    assert_int_equal(queue.count, 0);
    assert_int_equal(fake.global & MCIP, 0);
    assert_int_equal(log_count("machine_check"), 0);
}

static void no_bank_and_no_return_is_fatal(void **state)
{
    (void)state;
    fake.global = MCIP;
    assert_int_equal(mce_collect(&banks, &queue), MCE_NO_RETURN);
    assert_false(machine_check_answer(&vm, &queue, false));
    assert_non_null(strstr(log_last("machine_check"), "kind=no_ripv bank=-1"));
    assert_int_equal(fake.global & MCIP, MCIP);
}

static void several_banks_at_once(void **state)
{
    (void)state;
    put(0, VAL | EN, 0);
    put(1, SRAO, frame(SIDE_NATIVE));
    put(2, UCNA, frame(SIDE_NATIVE) + 3 * PAGE_SIZE);
    put(3, SRAR, frame(SIDE_MIRROR) + 5 * PAGE_SIZE);
    assert_int_equal(mce_collect(&banks, &queue), MCE_SRAR);
    assert_true(machine_check_answer(&vm, &queue, false));
    assert_int_equal(log_count("machine_check"), 4);
    assert_int_equal(vm.counters[KMV_COUNTER_recovered], 3);
    assert_intact();
}

static void both_copies_bad_is_lost(void **state)
{
    (void)state;
    assert_int_equal(recovery_poison(&vm, GPA(PAGE), KMV_POISON_MIRROR), 0);
    put(1, SRAR, frame(SIDE_NATIVE));
    mce_collect(&banks, &queue);
    assert_true(machine_check_answer(&vm, &queue, false));
    assert_int_equal(vm.counters[KMV_COUNTER_lost], 1);
    assert_false(guest_store(PAGE, 1));
}

/* In the hypervisor, which copies the mirror over a bad native page: neither of the two is left. */
static void the_last_copy_goes_bad_while_it_is_read(void **state)
{
    u64 spare = vm.spare.free_count;

    (void)state;
    assert_int_equal(recovery_poison(&vm, GPA(PAGE), KMV_POISON_NATIVE), 0);
    machine_check_in = 2;
    put(1, SRAR, frame(SIDE_MIRROR) + 0x40);
    assert_int_equal(recovery_restore(&vm, GPA(PAGE), SIDE_NATIVE, "access"), RECOVERY_LOST);
    assert_int_equal(mce_collect(&banks, &queue), MCE_SRAR);
    /* Before the guest runs on. */
    assert_true(machine_check_answer(&vm, &queue, false));
    assert_int_equal(vm.counters[KMV_COUNTER_lost], 1);
    assert_int_equal(vm.counters[KMV_COUNTER_recovered], 0);
    assert_int_equal(vm.spare.free_count, spare);
    assert_false(guest_store(PAGE, 1));
    /* Nothing of it comes to light in who gets the frame that it was to be copied to. */
    assert_int_equal(recovery_renew(&vm, GPA(PAGE)), 0);
    for (enum vm_side side = SIDE_NATIVE; side <= SIDE_MIRROR; side++) {
        const u8 *bytes = phys_ptr(HPA(frame(side)));
        for (u32 i = 0; i < PAGE_SIZE; i++)
            assert_int_equal(bytes[i], 0);
    }
    /* What was there before is no reason to give up another page. */
    assert_int_equal(recovery_poison(&vm, GPA(PAGE + PAGE_SIZE), KMV_POISON_NATIVE), 0);
    machine_check_in = 1;
    assert_int_equal(recovery_restore(&vm, GPA(PAGE + PAGE_SIZE), SIDE_NATIVE, "access"),
                     RECOVERY_DONE);
}

/* Told of once, although the reader met it twice. */
static void a_page_goes_bad_while_it_is_compared(void **state)
{
    u32 value;

    (void)state;
    machine_check_in = 2;
    assert_int_equal(recovery_compare(HPA(frame(SIDE_NATIVE)), HPA(frame(SIDE_MIRROR)), PAGE_SIZE),
                     RECOVERY_UNREADABLE);
    assert_int_equal(recovery_compare(HPA(frame(SIDE_NATIVE)), HPA(frame(SIDE_MIRROR)), PAGE_SIZE),
                     RECOVERY_SAME);
    machine_check_in = 2;
    assert_int_equal(guest_read(&vm, GPA(PAGE), &value, sizeof(value)), -HV_EFAULT);
    for (int i = 0; i < 2; i++) {
        put(1, SRAR, frame(SIDE_NATIVE) + 0x40);
        assert_int_equal(mce_collect(&banks, &queue), MCE_SRAR);
    }
    assert_int_equal(queue.count, 1);
    assert_true(machine_check_answer(&vm, &queue, false));
    assert_int_equal(vm.counters[KMV_COUNTER_recovered], 1);
    assert_intact();
}

static void degraded_page_has_one_frame_to_lose(void **state)
{
    hpa_t spare;

    (void)state;
    while (frame_take(&vm.spare, &spare)) {
    }
    assert_int_equal(recovery_poison(&vm, GPA(PAGE), KMV_POISON_NATIVE), 0);
    assert_intact();
    assert_int_equal(frame(SIDE_NATIVE), frame(SIDE_MIRROR));
    put(1, SRAO, frame(SIDE_MIRROR));
    mce_collect(&banks, &queue);
    assert_true(machine_check_answer(&vm, &queue, false));
    assert_int_equal(vm.counters[KMV_COUNTER_lost], 1);
    assert_true(ept_lookup(&vm.ept, GPA(PAGE)).lost);
    assert_true(ept_lookup(&vm.ept, vm_side_gpa(&vm, GPA(PAGE), SIDE_MIRROR)).lost);
}

/* Inside a window what can wait does; what can't has no whole copy of a native page. */
static void inside_a_window(void **state)
{
    (void)state;
    put(0, SRAO, frame(SIDE_NATIVE));
    put(1, SRAR, frame(SIDE_MIRROR) + PAGE_SIZE);
    mce_collect(&banks, &queue);
    assert_true(machine_check_answer(&vm, &queue, true));
    assert_int_equal(queue.count, 1);
    assert_int_equal(vm.counters[KMV_COUNTER_recovered], 1);
    assert_true(machine_check_answer(&vm, &queue, false));
    assert_int_equal(queue.count, 0);
    assert_int_equal(vm.counters[KMV_COUNTER_recovered], 2);
    assert_intact();
    put(1, SRAR, frame(SIDE_NATIVE));
    mce_collect(&banks, &queue);
    assert_true(machine_check_answer(&vm, &queue, true));
    assert_int_equal(vm.counters[KMV_COUNTER_lost], 1);
    assert_false(guest_store(PAGE, 1));
}

static void a_full_queue_is_fatal(void **state)
{
    (void)state;
    for (u32 i = 0; i < MCE_ERRORS; i++) {
        put(0, UCNA, frame(SIDE_NATIVE) + i * 64);
        assert_int_equal(mce_collect(&banks, &queue), MCE_UCNA);
    }
    put(0, UCNA, frame(SIDE_NATIVE) + MCE_ERRORS * 64);
    assert_int_equal(mce_collect(&banks, &queue), MCE_OVERFLOWED);
    assert_int_equal(queue.count, MCE_ERRORS);
}

static void retired_frames_are_never_handed_out(void **state)
{
    hpa_t taken;

    (void)state;
    for (u32 i = 0; i < FRAMES_RETIRED; i++)
        assert_true(frame_retire(&vm.spare, HPA(boot.spare_base + 2 * i * PAGE_SIZE + 8)));
    assert_true(vm.spare.free_count == boot.spare_size / PAGE_SIZE - FRAMES_RETIRED);
    assert_false(frame_retire(&vm.spare, HPA(boot.spare_base + PAGE_SIZE)));
    for (u32 i = 0; frame_take(&vm.spare, &taken); i++)
        assert_true(i >= FRAMES_RETIRED || taken.v == boot.spare_base + (2 * i + 1) * PAGE_SIZE);
    assert_true(taken.v < boot.spare_base + boot.spare_size);
}

/* Reporting is turned on; errors from before the start are told, not acted upon. */
static void start_turns_reporting_on(void **state)
{
    (void)state;
    fake.cap |= 1 << 8;
    put(3, SRAR | PCC, frame(SIDE_NATIVE));
    mce_start(&banks, &queue);
    assert_true(fake.global_control == ~0ull);
    for (u32 i = 0; i < BANKS; i++) {
        assert_true(fake.control[i] == ~0ull);
        assert_int_equal(fake.status[i], 0);
    }
    assert_true(machine_check_answer(&vm, &queue, false));
    assert_non_null(strstr(log_last("machine_check"), "kind=corrected bank=3"));
    assert_int_equal(vm.counters[KMV_COUNTER_recovered], 0);
}

static void without_banks(void **state)
{
    (void)state;
    fake.cap = 0;
    mce_start(&banks, &queue);
    assert_int_equal(mce_collect(&banks, &queue), MCE_CORRECTED);
    assert_int_equal(queue.count, 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, machine_teardown)
    const struct CMUnitTest tests[] = {
        TEST(every_kind_ends_as_it_should),
        TEST(bad_frame_is_left_alone),
        TEST(another_processors_check_is_ignored),
        TEST(no_bank_and_no_return_is_fatal),
        TEST(several_banks_at_once),
        TEST(both_copies_bad_is_lost),
        TEST(the_last_copy_goes_bad_while_it_is_read),
        TEST(a_page_goes_bad_while_it_is_compared),
        TEST(degraded_page_has_one_frame_to_lose),
        TEST(inside_a_window),
        TEST(a_full_queue_is_fatal),
        TEST(retired_frames_are_never_handed_out),
        TEST(start_turns_reporting_on),
        TEST(without_banks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
