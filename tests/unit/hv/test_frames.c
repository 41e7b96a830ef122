#include "machine.h"
#include "testing.h"

#include <hv/mm/frames.h>
#include <string.h>

#define FRAMES 16

static struct frame_pool pool;

static int setup(void **state)
{
    (void)state;
    machine_start(&machine_default);
    /* A pool of its own, in memory that nothing else uses now. */
    frame_pool_init(&pool, HPA(boot.spare_base), FRAMES * PAGE_SIZE);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    machine_stop();
    return 0;
}

static bool is_zero(hpa_t frame)
{
    const u8 *bytes = machine_memory(frame.v);

    return bytes[0] == 0 && memcmp(bytes, bytes + 1, PAGE_SIZE - 1) == 0;
}

static void each_frame_comes_once_and_zeroed(void **state)
{
    bool seen[FRAMES] = {false};
    hpa_t frame;

    (void)state;
    for (u64 left = FRAMES; left > 0; left--) {
        u64 index;
        assert_int_equal(pool.free_count, left);
        assert_true(frame_alloc(&pool, &frame));
        index = (frame.v - boot.spare_base) / PAGE_SIZE;
        assert_true(index < FRAMES && frame.v % PAGE_SIZE == 0);
        assert_false(seen[index]);
        assert_true(is_zero(frame));
        seen[index] = true;
        memset(machine_memory(frame.v), 0x5a, PAGE_SIZE);
    }
    assert_false(frame_alloc(&pool, &frame));
}

static void frames_given_back_come_again_zeroed(void **state)
{
    hpa_t taken[FRAMES], frame;

    (void)state;
    for (u32 i = 0; i < FRAMES; i++)
        assert_true(frame_alloc(&pool, &taken[i]));
    frame_free(&pool, taken[3]);
    frame_free(&pool, taken[9]);
    assert_int_equal(pool.free_count, 2);
    assert_true(frame_alloc(&pool, &frame));
    assert_int_equal(frame.v, taken[9].v);
    assert_true(frame_alloc(&pool, &frame));
    assert_int_equal(frame.v, taken[3].v);
    assert_true(is_zero(frame));
    assert_false(frame_alloc(&pool, &frame));
}

static void empty_and_odd_sizes(void **state)
{
    hpa_t frame;

    (void)state;
    frame_pool_init(&pool, HPA(0), 0);
    assert_false(frame_alloc(&pool, &frame));
    frame_pool_init(&pool, HPA(boot.spare_base), 2 * PAGE_SIZE - 1);
    assert_true(frame_alloc(&pool, &frame));
    assert_false(frame_alloc(&pool, &frame));
}

#define SCENE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(each_frame_comes_once_and_zeroed),
        SCENE(frames_given_back_come_again_zeroed),
        SCENE(empty_and_odd_sizes),
    };

    return cmocka_run_group_tests_name("hv frames", tests, NULL, NULL);
}
