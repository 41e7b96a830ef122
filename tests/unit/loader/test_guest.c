/* Guest RAM after loading: the information block as a kernel walks it, and where modules go. */
#include "loader_test.h"

#include "elf_files.h"
#include "guest.h"
#include "multiboot.h"

#include <stdlib.h>

#define ADDRESS  0x100000u
#define RAM_SIZE (4 * MIB)

struct machine {
    struct guest_ram ram;
    struct config config;
    struct guest_files files;
    struct error error;
    uint32_t mbi;
};

static struct machine machine;

static int start(void **state)
{
    (void)state;
    memset(&machine, 0, sizeof(machine));
    machine.ram = (struct guest_ram){malloc(RAM_SIZE), RAM_SIZE};
    memset(machine.ram.base, 0xEE, RAM_SIZE);
    strcpy(machine.config.kernel, "\\kernel");
    machine.files.kernel = make_kernel((struct kernel_options){.address = ADDRESS});
    return 0;
}

static int stop(void **state)
{
    (void)state;
    free_file(machine.files.kernel);
    for (unsigned i = 0; i < CONFIG_MODULES_MAX; i++)
        free_file(machine.files.modules[i]);
    free(machine.ram.base);
    return 0;
}

static void use_kernel(uint32_t address, uint32_t second)
{
    free_file(machine.files.kernel);
    machine.files.kernel =
        make_kernel((struct kernel_options){.address = address, .second_address = second});
}

static void add_module(const char *string, uint64_t size, int fill)
{
    unsigned index = machine.config.module_count++;

    machine.files.modules[index] = make_filled(size, fill);
    strcpy(machine.config.modules[index].path, string);
    strcpy(machine.config.modules[index].string, string);
}

static bool try_fill(void)
{
    struct image image;
    assert_true(image_read(machine.files.kernel, &image, &machine.error));
    return guest_fill(machine.ram, &machine.config, &machine.files, &image, &machine.mbi,
                      &machine.error);
}

static void fill(void)
{
    if (!try_fill())
        fail_msg("refused: %s", machine.error.text);
}

static const void *guest_at(uint32_t address, uint32_t size)
{
    assert_true(address <= RAM_SIZE && size <= RAM_SIZE - address);
    return machine.ram.base + address;
}

static const char *guest_string(uint32_t address)
{
    assert_in_range(address, GUEST_MBI_BASE, GUEST_LOW_END - 1);
    return guest_at(address, 1);
}

static struct multiboot_info read_info(void)
{
    struct multiboot_info info;
    memcpy(&info, guest_at(machine.mbi, sizeof(info)), sizeof(info));
    return info;
}

static struct multiboot_module read_module(unsigned index)
{
    struct multiboot_module module;
    uint32_t at = read_info().mods_addr + index * (uint32_t)sizeof(module);
    memcpy(&module, guest_at(at, sizeof(module)), sizeof(module));
    return module;
}

static void test_info(void **state)
{
    (void)state;
    strcpy(machine.config.cmdline, "root=1 quiet");
    fill();
    struct multiboot_info info = read_info();
    assert_int_equal(machine.mbi, GUEST_MBI_BASE);
    assert_int_equal(info.flags, 1 << 0 | 1 << 2 | 1 << 3 | 1 << 6 | 1 << 9);
    assert_int_equal(info.mem_lower, 636);
    assert_int_equal(info.mem_upper, 3 * 1024);
    assert_string_equal(guest_string(info.cmdline), "root=1 quiet");
    assert_string_equal(guest_string(info.boot_loader_name), "kmemvisor");
    assert_int_equal(info.mods_count, 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(info.syms[i], 0);
}

/* Walked with each entry's own size, as the specification wants. */
static void test_memory_map(void **state)
{
    static const uint64_t expected[][3] = {
        {0, 0x9F000, MULTIBOOT_MEMORY_AVAILABLE},
        {0x9F000, 0x61000, MULTIBOOT_MEMORY_RESERVED},
        {0x100000, 3 * MIB, MULTIBOOT_MEMORY_AVAILABLE},
    };
    uint32_t at, count = 0;
    (void)state;

    fill();
    struct multiboot_info info = read_info();
    for (at = info.mmap_addr; at < info.mmap_addr + info.mmap_length; count++) {
        struct multiboot_memory entry;
        memcpy(&entry, guest_at(at, sizeof(entry)), sizeof(entry));
        assert_true(count < COUNT_OF(expected));
        assert_int_equal(entry.base, expected[count][0]);
        assert_int_equal(entry.length, expected[count][1]);
        assert_int_equal(entry.type, expected[count][2]);
        at += entry.size + (uint32_t)sizeof(entry.size);
    }
    assert_int_equal(at, info.mmap_addr + info.mmap_length);
    assert_int_equal(count, COUNT_OF(expected));
}

/* The BIOS data area tells where low memory ends. */
static void test_bios_data(void **state)
{
    uint16_t segment, kib;

    (void)state;
    fill();
    memcpy(&segment, machine.ram.base + 0x40e, sizeof(segment));
    memcpy(&kib, machine.ram.base + 0x413, sizeof(kib));
    assert_int_equal(segment << 4, GUEST_LOW_END);
    assert_int_equal(kib * 1024, GUEST_LOW_END);
}

static void test_everything_else_is_zero(void **state)
{
    (void)state;
    fill();
    uint32_t info_end = machine.mbi + 88 + 3 * 24 + 1 + sizeof(MULTIBOOT_LOADER_NAME);
    for (uint32_t i = 0; i < RAM_SIZE; i++) {
        bool used = (i >= machine.mbi && i < info_end) || (i >= 0x40e && i < 0x410) ||
                    (i >= 0x413 && i < 0x415) || (i >= ADDRESS && i < ADDRESS + KERNEL_TEXT_SIZE) ||
                    (i >= ADDRESS + 0x1000 && i < ADDRESS + 0x1000 + KERNEL_DATA_SIZE);
        if (!used && machine.ram.base[i] != 0)
            fail_msg("0x%x is 0x%x", i, machine.ram.base[i]);
    }
}

static void assert_module(unsigned index, uint32_t start, uint32_t size, const char *string,
                          uint8_t value)
{
    struct multiboot_module module = read_module(index);
    assert_int_equal(module.start, start);
    assert_int_equal(module.end, start + size);
    assert_string_equal(guest_string(module.string), string);
    const uint8_t *bytes = guest_at(start, size);
    for (uint32_t i = 0; i < size; i++)
        assert_int_equal(bytes[i], value);
}

static void test_modules(void **state)
{
    (void)state;
    add_module("first a b", 5000, 0xA1);
    add_module("second", 4096, 0xA2);
    add_module("empty", 0, 0);
    fill();
    assert_int_equal(read_info().mods_count, 3);
    assert_module(0, RAM_SIZE - 0x2000, 5000, "first a b", 0xA1);
    assert_module(1, RAM_SIZE - 0x3000, 4096, "second", 0xA2);
    assert_module(2, RAM_SIZE - 0x4000, 0, "empty", 0);
}

static void test_modules_clear_of_kernel(void **state)
{
    (void)state;
    use_kernel(ADDRESS, RAM_SIZE - 0x2800);
    add_module("high", 0x2000, 0xB1);
    add_module("low", 0x3000, 0xB2);
    fill();
    assert_module(0, RAM_SIZE - 0x2000, 0x2000, "high", 0xB1);
    assert_module(1, RAM_SIZE - 0x6000, 0x3000, "low", 0xB2);
    assert_int_equal(machine.ram.base[RAM_SIZE - 0x2800], KERNEL_DATA_FILL);
}

static void test_module_too_large(void **state)
{
    (void)state;
    add_module("\\fits", 2 * MIB, 1);
    add_module("\\does not", 1 * MIB, 2);
    assert_false(try_fill());
    assert_string_equal(machine.error.file, "\\does not");
    assert_error_has(&machine.error, "its 1024 KiB find no place in 4 MiB of guest RAM");
}

static void test_info_clear_of_kernel(void **state)
{
    (void)state;
    use_kernel(GUEST_MBI_BASE, 0);
    fill();
    assert_true(machine.mbi >= GUEST_MBI_BASE + KERNEL_TEXT_SIZE);
    assert_int_equal(machine.ram.base[GUEST_MBI_BASE + KERNEL_ENTRY_OFFSET], KERNEL_TEXT_FILL);
    assert_string_equal(guest_string(read_info().boot_loader_name), "kmemvisor");
}

static void test_no_room_for_info(void **state)
{
    (void)state;
    use_kernel(ADDRESS, GUEST_MBI_BASE);
    kernel_program(machine.files.kernel, 1)->p_memsz = GUEST_LOW_END - GUEST_MBI_BASE - 100;
    assert_false(try_fill());
    assert_string_equal(machine.error.file, "\\kernel");
    assert_error_has(&machine.error, "no room for the Multiboot information");
}

static void test_kernel_error_names_kernel(void **state)
{
    (void)state;
    use_kernel(ADDRESS, 0xB8000);
    assert_false(try_fill());
    assert_string_equal(machine.error.file, "\\kernel");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_info),
        TEST(test_memory_map),
        TEST(test_bios_data),
        TEST(test_everything_else_is_zero),
        TEST(test_modules),
        TEST(test_modules_clear_of_kernel),
        TEST(test_module_too_large),
        TEST(test_info_clear_of_kernel),
        TEST(test_no_room_for_info),
        TEST(test_kernel_error_names_kernel),
    };
    return cmocka_run_group_tests_name("loader: guest RAM", tests, NULL, NULL);
}
