/* The MultiProcessor tables as a kernel walks them. */
#include "loader_test.h"

#include "mptable.h"

#define POINTER_SIZE 16u
#define HEADER_SIZE  44u
#define ROOM         1024u

static const uint32_t apics[] = {4, 0, 9, 2};

static struct mptable_input input = {
    .cpu_apic = apics,
    .cpu_signature = 0x706e5,
    .cpu_features = 0xbfebfbff,
    .io_apic_id = 3u << 24,
    .io_apic_version = 0x170020,
};

static uint8_t memory[ROOM];
static uint32_t written;

static void write_for(uint32_t cpus)
{
    memset(memory, 0xEE, sizeof(memory));
    input.cpu_count = cpus;
    written = mptable_write(&input, memory);
}

static uint8_t sum(uint32_t start, uint32_t bytes)
{
    uint8_t total = 0;

    for (uint32_t i = 0; i < bytes; i++)
        total = (uint8_t)(total + memory[start + i]);
    return total;
}

static uint32_t read32(uint32_t at)
{
    uint32_t value;
    memcpy(&value, memory + at, sizeof(value));
    return value;
}

static uint32_t read16(uint32_t at)
{
    return memory[at] | (uint32_t)memory[at + 1] << 8;
}

static void test_pointer(void **state)
{
    (void)state;
    write_for(1);
    assert_memory_equal(memory, "_MP_", 4);
    assert_int_equal(read32(4), MPTABLE_ADDRESS + POINTER_SIZE);
    assert_int_equal(memory[8], 1);
    assert_int_equal(sum(0, POINTER_SIZE), 0);
}

static void test_header(void **state)
{
    (void)state;
    for (uint32_t cpus = 1; cpus <= COUNT_OF(apics); cpus++) {
        write_for(cpus);
        assert_memory_equal(memory + POINTER_SIZE, "PCMP", 4);
        assert_int_equal(read16(POINTER_SIZE + 4), written - POINTER_SIZE);
        assert_int_equal(sum(POINTER_SIZE, written - POINTER_SIZE), 0);
        assert_int_equal(read32(POINTER_SIZE + 36), 0xFEE00000);
        assert_int_equal(memory[written], 0xEE);
    }
}

/* Each entry's size goes by its type (MP 1.4, table 4-3). Returns how many there are of a type. */
static uint32_t count_entries(uint32_t type, uint32_t *first)
{
    uint32_t at = POINTER_SIZE + HEADER_SIZE, count = 0, before = 0;

    for (uint32_t i = 0; i < read16(POINTER_SIZE + 34); i++) {
        assert_true(at < written);
        assert_true(memory[at] >= before);
        before = memory[at];
        if (before == type && count++ == 0)
            *first = at;
        at += before == 0 ? 20 : 8;
    }
    assert_int_equal(at, written);
    return count;
}

static void test_processors(void **state)
{
    uint32_t first = 0;
    (void)state;

    write_for(4);
    assert_int_equal(count_entries(0, &first), 4);
    for (uint32_t i = 0; i < 4; i++) {
        uint32_t at = first + 20 * i;
        assert_int_equal(memory[at + 1], apics[i]);
        assert_int_equal(memory[at + 3], i == 0 ? 3 : 1);
        assert_int_equal(read32(at + 4), 0x706e5);
        assert_int_equal(read32(at + 8), 0xbfebfbff);
    }
}

static void test_io_apic(void **state)
{
    uint32_t at = 0;
    (void)state;

    write_for(2);
    assert_int_equal(count_entries(2, &at), 1);
    assert_int_equal(memory[at + 1], 3);
    assert_int_equal(memory[at + 2], 0x20);
    assert_int_equal(memory[at + 3], 1);
    assert_int_equal(read32(at + 4), 0xFEC00000);
}

static void test_interrupts(void **state)
{
    uint32_t at = 0;
    (void)state;

    write_for(2);
    assert_int_equal(count_entries(4, &at), 2);
    assert_int_equal(count_entries(3, &at), 16);
    for (uint32_t irq = 0; irq < 16; irq++) {
        assert_int_equal(memory[at + 8 * irq + 5], irq);
        assert_int_equal(memory[at + 8 * irq + 6], 3);
        assert_int_equal(memory[at + 8 * irq + 7], irq == 0 ? 2 : irq);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pointer),    cmocka_unit_test(test_header),
        cmocka_unit_test(test_processors), cmocka_unit_test(test_io_apic),
        cmocka_unit_test(test_interrupts),
    };
    return cmocka_run_group_tests_name("loader: MultiProcessor tables", tests, NULL, NULL);
}
