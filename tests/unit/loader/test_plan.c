/* Sizes of the blocks, places for them, and the texts of errors. */
#include "loader_test.h"

#include "plan.h"
#include "ranges.h"

static void test_sizes(void **state)
{
    struct config config = {.memory_mib = 128, .spare_mib = 2, .mirror = true};
    struct plan plan;
    (void)state;

    plan_make(&config, 0x30123, &plan);
    assert_int_equal(plan.guest, 128 * MIB);
    assert_int_equal(plan.mirror, 128 * MIB);
    assert_int_equal(plan.spare, 2 * MIB);
    assert_int_equal(plan.heap, 0x73000);
    assert_true((plan.heap + 0x30123) * 200 <= plan.guest);
    config.memory_mib = 864;
    plan_make(&config, 0x30000, &plan);
    assert_true((plan.heap + 0x30000) * 200 <= plan.guest);
    assert_true((plan.heap + 0x31000) * 200 > plan.guest);
    config.memory_mib = 5;
    plan_make(&config, 0x30123, &plan);
    assert_int_equal(plan.heap, 0x73000);
    config.mirror = false;
    plan_make(&config, 8 * MIB, &plan);
    assert_int_equal(plan.heap, 64 * 4096);
    assert_int_equal(plan.guest, 5 * MIB);
    assert_int_equal(plan.mirror, 0);
    assert_int_equal(plan.spare, 0);
}

static void test_fit_in_region(void **state)
{
    uint64_t place = 0;
    (void)state;

    assert_true(plan_fit(0x1234000, 0x1000000000, &(struct block){64 * MIB, 2 * MIB, 0}, &place));
    assert_int_equal(place, 0x1400000);
    assert_true(plan_fit(0, 16 * MIB, &(struct block){MIB, 4096, 0}, &place));
    assert_int_equal(place, MIB);
    assert_true(plan_fit(2 * MIB, 4 * MIB, &(struct block){2 * MIB, 2 * MIB, 0}, &place));
    assert_int_equal(place, 2 * MIB);
    assert_false(
        plan_fit(2 * MIB + 4096, 4 * MIB + 4096, &(struct block){2 * MIB, 2 * MIB, 0}, &place));
    assert_false(plan_fit(0, MIB, &(struct block){4096, 4096, 0}, &place));
    assert_false(plan_fit(UINT64_MAX - 100, UINT64_MAX, &(struct block){4096, 4096, 0}, &place));
}

static void test_fit_apart_from_a_partner(void **state)
{
    uint64_t place = 0;
    (void)state;

    assert_true(plan_fit(66 * MIB, 200 * MIB, &(struct block){64 * MIB, 2 * MIB, 2 * MIB}, &place));
    assert_int_equal(place, 68 * MIB);
    assert_true(plan_fit(64 * MIB, 200 * MIB, &(struct block){64 * MIB, 2 * MIB, 2 * MIB}, &place));
    assert_int_equal(place, 64 * MIB);
    assert_true(plan_fit(2 * MIB, 200 * MIB, &(struct block){64 * MIB, 2 * MIB, 66 * MIB}, &place));
    assert_int_equal(place, 4 * MIB);
    assert_false(
        plan_fit(66 * MIB, 130 * MIB, &(struct block){64 * MIB, 2 * MIB, 2 * MIB}, &place));
}

static void test_ranges(void **state)
{
    struct ranges ranges = {.count = 0};
    (void)state;

    assert_true(ranges_add(&ranges, 100, 200));
    assert_false(ranges_add(&ranges, 199, 300));
    assert_false(ranges_add(&ranges, 50, 101));
    assert_false(ranges_add(&ranges, 0, 1000));
    assert_true(ranges_add(&ranges, 200, 300));
    assert_true(ranges_add(&ranges, 150, 150));
    assert_int_equal(ranges.count, 2);
    while (ranges.count < RANGES_MAX)
        assert_true(ranges_add(&ranges, ranges.count * 1000, ranges.count * 1000 + 1));
    assert_false(ranges_add(&ranges, 500, 501));
}

static void test_fit_between(void **state)
{
    struct ranges ranges = {.count = 0};
    uint64_t place = 0;
    (void)state;

    ranges_add(&ranges, 0x2000, 0x3000);
    ranges_add(&ranges, 0x5000, 0x5001);
    assert_true(ranges_fit_up(&ranges, 0x1800, 0x9000, 0x800, 0x800, &place));
    assert_int_equal(place, 0x1800);
    assert_true(ranges_fit_up(&ranges, 0x1800, 0x9000, 0x2000, 0x1000, &place));
    assert_int_equal(place, 0x3000);
    assert_true(ranges_fit_up(&ranges, 0x1800, 0x9000, 0x3000, 0x1000, &place));
    assert_int_equal(place, 0x6000);
    assert_false(ranges_fit_up(&ranges, 0x1800, 0x9000, 0x3001, 0x1000, &place));
    assert_true(ranges_fit_down(&ranges, 0x0, 0x7000, 0x1000, 0x1000, &place));
    assert_int_equal(place, 0x6000);
    assert_true(ranges_fit_down(&ranges, 0x0, 0x7000, 0x1800, 0x1000, &place));
    assert_int_equal(place, 0x3000);
    assert_true(ranges_fit_down(&ranges, 0x0, 0x5800, 0x1FF8, 0x10, &place));
    assert_int_equal(place, 0x3000);
    assert_false(ranges_fit_down(&ranges, 0x1000, 0x7000, 0x2001, 0x1000, &place));
    assert_false(ranges_fit_down(&ranges, 0x1000, 0x7000, UINT64_MAX, 0x1000, &place));
}

static void test_error_text(void **state)
{
    struct error error = {"\\file", ""};
    char line[ERROR_LINE_MAX];
    (void)state;

    assert_false(refuse(&error, "%s %c %u %x %llu %llx %%", "text", 'c', 4294967295u, 0xBEEFu,
                        18446744073709551615ull, 0x123456789ABCull));
    assert_string_equal(error.text, "text c 4294967295 beef 18446744073709551615 123456789abc %");
    refuse(&error, "zero %u", 0u);
    error_line(&error, line);
    assert_string_equal(line, "kmemvisor: error: \\file: zero 0");
}

static void test_long_text_is_cut(void **state)
{
    struct error error = {"\\file", ""};
    char text[2000];
    (void)state;

    memset(text, 'x', sizeof(text));
    text[sizeof(text) - 1] = '\0';
    refuse(&error, "%s", text);
    assert_int_equal(strlen(error.text), ERROR_TEXT_MAX - 1);
    char small[4] = "???";
    assert_int_equal(text_format(small, sizeof(small), "%u", 123456u), 3);
    assert_string_equal(small, "123");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_fit_in_region),
        cmocka_unit_test(test_fit_apart_from_a_partner),
        cmocka_unit_test(test_ranges),
        cmocka_unit_test(test_fit_between),
        cmocka_unit_test(test_error_text),
        cmocka_unit_test(test_long_text_is_cut),
    };
    return cmocka_run_group_tests_name("loader: plan and texts", tests, NULL, NULL);
}
