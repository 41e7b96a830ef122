/*
 * Hostile files: cut at every length, and random changes from a fixed seed. None may be read or
 * written outside of its buffer (ASan, UBSan), every refusal has a text, and what is accepted is
 * loaded where it says.
 */
#include "loader_test.h"

#include "elf64.h"
#include "elf_files.h"
#include "image.h"
#include "multiboot.h"

#include <stdlib.h>

#define ADDRESS   0x100000u
#define RAM_SIZE  (2 * MIB)
#define MUTATIONS 200000

static uint8_t *ram_memory;

static bool try_kernel(struct bytes file)
{
    struct image image;
    struct ranges taken = {.count = 0};
    struct error error = {"test", ""};
    struct guest_ram ram = {ram_memory, RAM_SIZE};

    bool loaded = image_read(file, &image, &error) && image_load(&image, file, ram, &taken, &error);
    assert_true(loaded || error.text[0] != '\0');
    for (unsigned i = 0; loaded && i < image.segment_count; i++) {
        const struct segment *segment = &image.segments[i];
        assert_memory_equal(ram_memory + segment->address, file.data + segment->file_offset,
                            segment->file_size);
        memset(ram_memory + segment->address, 0, segment->memory_size);
    }
    return loaded;
}

static bool try_hypervisor(struct bytes file)
{
    struct elf64_image image;
    struct error error = {"test", ""};

    if (!elf64_read(file, &image, &error)) {
        assert_true(error.text[0] != '\0');
        return false;
    }
    assert_true(image.size <= ELF64_IMAGE_MAX && image.entry < image.size);
    if (image.size > RAM_SIZE) /* would only cost time */
        return false;
    uint8_t *out = malloc(image.size);
    bool loaded = elf64_load(file, &image, out, 0x40000000, &error);
    assert_true(loaded || error.text[0] != '\0');
    free(out);
    return loaded;
}

/* Returns how many of the cut files were accepted. */
static unsigned cut_everywhere(struct bytes file, bool (*try)(struct bytes))
{
    unsigned accepted = 0;
    for (uint64_t size = 0; size < file.size; size++) {
        struct bytes cut = cut_file(file, size);
        accepted += try(cut);
        free_file(cut);
    }
    return accepted;
}

static const uint8_t favourites[] = {0x00, 0x01, 0x7F, 0x80, 0xFF, 0x10};

/* Changes up to eight bytes; most of them among the headers, where they do most harm. */
static void mutate(struct bytes file, uint64_t headers)
{
    int changes = 1 + rand() % 8;
    while (changes-- > 0) {
        uint64_t range = rand() % 4 != 0 ? headers : file.size;
        uint8_t *byte = file_at(file, (uint64_t)rand() % range);
        if (rand() % 2 != 0)
            *byte = favourites[(size_t)rand() % sizeof(favourites)];
        else
            *byte = (uint8_t)rand();
    }
}

static unsigned mutate_often(struct bytes file, uint64_t headers, bool (*try)(struct bytes))
{
    unsigned accepted = 0;
    srand(20);
    for (int round = 0; round < MUTATIONS; round++) {
        struct bytes copy = cut_file(file, file.size);
        mutate(copy, headers);
        accepted += try(copy);
        free_file(copy);
    }
    return accepted;
}

static struct bytes usual_kernel(void)
{
    return make_kernel((struct kernel_options){.address = ADDRESS, .note_offset = 0x38000000});
}

static void test_cut_kernel(void **state)
{
    struct bytes file = usual_kernel();
    (void)state;
    assert_true(try_kernel(file));
    assert_int_equal(cut_everywhere(file, try_kernel), 0);
    free_file(file);
}

static void test_cut_hypervisor(void **state)
{
    struct bytes file = make_hypervisor();
    (void)state;
    assert_true(try_hypervisor(file));
    assert_int_equal(cut_everywhere(file, try_hypervisor), 0);
    free_file(file);
}

/* Some changes hit bytes that do no harm: both outcomes have to be seen, or the test proves
 * nothing. */
static void assert_both_outcomes(unsigned accepted)
{
    assert_in_range(accepted, MUTATIONS / 1000, MUTATIONS - MUTATIONS / 10);
}

static void test_mutated_kernel(void **state)
{
    struct bytes file = usual_kernel();
    (void)state;
    assert_both_outcomes(mutate_often(file, KERNEL_TEXT_OFFSET + 12, try_kernel));
    free_file(file);
}

/* With the address fields in use, every field of the header counts. */
static void test_mutated_flat_kernel(void **state)
{
    struct multiboot_header header = {MULTIBOOT_HEADER_MAGIC,
                                      MULTIBOOT_HEADER_ADDRESSES,
                                      -(MULTIBOOT_HEADER_MAGIC + MULTIBOOT_HEADER_ADDRESSES),
                                      ADDRESS,
                                      ADDRESS,
                                      ADDRESS + 60,
                                      ADDRESS + 100,
                                      ADDRESS + 40};
    uint8_t data[64] = {0};
    unsigned accepted = 0;
    (void)state;

    memcpy(data, &header, sizeof(header));
    srand(21);
    for (int round = 0; round < MUTATIONS; round++) {
        struct bytes copy = cut_file((struct bytes){data, sizeof(data)}, sizeof(data));
        *file_at(copy, 12 + (uint64_t)rand() % 20) = (uint8_t)rand();
        *file_at(copy, 12 + (uint64_t)rand() % 20) = (uint8_t)rand();
        accepted += try_kernel(copy);
        free_file(copy);
    }
    assert_both_outcomes(accepted);
}

static void test_mutated_hypervisor(void **state)
{
    struct bytes file = make_hypervisor();
    (void)state;
    assert_both_outcomes(mutate_often(file, 0x100, try_hypervisor));
    assert_both_outcomes(mutate_often(file, file.size, try_hypervisor));
    free_file(file);
}

static int make_ram(void **state)
{
    (void)state;
    ram_memory = calloc(1, RAM_SIZE);
    return ram_memory == NULL;
}

static int drop_ram(void **state)
{
    (void)state;
    free(ram_memory);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_kernel),         cmocka_unit_test(test_cut_hypervisor),
        cmocka_unit_test(test_mutated_kernel),     cmocka_unit_test(test_mutated_flat_kernel),
        cmocka_unit_test(test_mutated_hypervisor),
    };
    return cmocka_run_group_tests_name("loader: hostile files", tests, make_ram, drop_ram);
}
