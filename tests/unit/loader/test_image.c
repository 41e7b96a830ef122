/* The guest's kernel file: ELF32, Multiboot header, .note.kmv, and where its segments may go. */
#include "loader_test.h"

#include "elf_files.h"
#include "image.h"
#include "multiboot.h"

#include <stdlib.h>

#define ADDRESS 0x100000u
#define OFFSET  0x38000000u

static const struct kernel_options usual = {.address = ADDRESS, .note_offset = OFFSET};

static struct bytes kernel;
static struct image image;
static struct error error;

static int make_usual(void **state)
{
    (void)state;
    kernel = make_kernel(usual);
    memset(&error, 0, sizeof(error));
    return 0;
}

static int drop(void **state)
{
    (void)state;
    free_file(kernel);
    return 0;
}

static void use(struct kernel_options options)
{
    free_file(kernel);
    kernel = make_kernel(options);
}

static void assert_refused(const char *reason)
{
    memset(&error, 0, sizeof(error));
    assert_false(image_read(kernel, &image, &error));
    assert_error_has(&error, reason);
}

static void assert_read(void)
{
    if (!image_read(kernel, &image, &error))
        fail_msg("refused: %s", error.text);
}

static void test_reads_segments(void **state)
{
    (void)state;
    assert_read();
    assert_int_equal(image.segment_count, 2);
    assert_int_equal(image.segments[0].address, ADDRESS);
    assert_int_equal(image.segments[1].memory_size, KERNEL_DATA_MEMORY);
    assert_int_equal(image.entry, ADDRESS + KERNEL_ENTRY_OFFSET);
    assert_true(image.translated);
    assert_int_equal(image.note.offset, OFFSET);
}

static void test_refuses_other_files(void **state)
{
    (void)state;
    kernel_header(kernel)->e_ident[EI_CLASS] = ELFCLASS64;
    assert_refused("not a 32-bit x86 ELF file");
    kernel_header(kernel)->e_ident[EI_CLASS] = ELFCLASS32;
    kernel_header(kernel)->e_machine = EM_ARM;
    assert_refused("not a 32-bit x86 ELF file");
    kernel_header(kernel)->e_machine = EM_386;
    kernel_header(kernel)->e_type = ET_REL;
    assert_refused("ELF type 1 is not an executable");
    kernel_header(kernel)->e_type = ET_EXEC;
    kernel_header(kernel)->e_phnum = 0;
    assert_refused("no program headers");
    kernel_header(kernel)->e_phnum = 0xFFFF;
    assert_refused("program header table is cut off");
    kernel_header(kernel)->e_phnum = KERNEL_PROGRAM_COUNT;
    kernel_header(kernel)->e_phoff = UINT32_MAX;
    assert_refused("program header table is cut off");
    kernel_header(kernel)->e_phoff = sizeof(Elf32_Ehdr);
    kernel_header(kernel)->e_phentsize = 31;
    assert_refused("program headers of 31 bytes");
    kernel_header(kernel)->e_phentsize = sizeof(Elf32_Phdr);
    assert_read();
}

static void test_refuses_bad_segments(void **state)
{
    Elf32_Phdr *data = kernel_program(kernel, 1);
    const Elf32_Phdr good = *data;
    (void)state;

    data->p_offset = UINT32_MAX;
    assert_refused("the segment at 0x101000 reaches past the end of the file");
    *data = good;
    data->p_filesz = UINT32_MAX;
    data->p_memsz = UINT32_MAX;
    assert_refused("the segment at 0x101000 reaches past the end of the file");
    *data = good;
    data->p_memsz = KERNEL_DATA_SIZE - 1;
    assert_refused("the segment at 0x101000 has more bytes in the file than in memory");
    *data = good;
    data->p_paddr = 0xFFFFFF01;
    assert_refused("the segment at 0xffffff01 wraps around 4 GiB");
    *data = good;
    kernel_header(kernel)->e_entry = ADDRESS + 0x80000000u;
    assert_refused("the entry point 0x80100000 lies in no loaded segment");
    kernel_header(kernel)->e_entry = ADDRESS + KERNEL_TEXT_SIZE;
    assert_refused("lies in no loaded segment");
}

static void test_refuses_too_many_segments(void **state)
{
    struct bytes file = {kernel.data, kernel.size};
    struct segment segment = {0, 1, ADDRESS, 1};
    (void)state;

    memset(&image, 0, sizeof(image));
    for (int i = 0; i < IMAGE_SEGMENTS_MAX; i++)
        assert_true(image_add(&image, file, segment, &error));
    assert_false(image_add(&image, file, segment, &error));
    assert_error_has(&error, "more than 16 segments");
}

static void test_multiboot_header(void **state)
{
    (void)state;
    use((struct kernel_options){.address = ADDRESS,
                                .multiboot_flags =
                                    MULTIBOOT_HEADER_PAGE_ALIGN | MULTIBOOT_HEADER_MEMORY});
    assert_read();
    use((struct kernel_options){.address = ADDRESS, .multiboot_flags = 1u << 2});
    assert_refused("requires features this loader lacks, flags 0x4");
    use((struct kernel_options){.address = ADDRESS, .multiboot_flags = 1u << 20});
    assert_read(); /* bits 16 to 31 are optional */
    *file_at(kernel, KERNEL_TEXT_OFFSET + 8) ^= 1;
    assert_refused("no Multiboot 1 header in the first 8 KiB");
}

/* A header that ends at byte 8192 counts, one four bytes on does not. */
static void test_multiboot_search_range(void **state)
{
    struct multiboot_header header;
    uint32_t offset;
    uint32_t words[3] = {MULTIBOOT_HEADER_MAGIC, 0, -MULTIBOOT_HEADER_MAGIC};
    uint8_t *data = calloc(1, 8200);
    struct bytes file = {data, 8200};
    (void)state;

    memcpy(data + 8180, words, sizeof(words));
    assert_true(multiboot_find_header(file, &header, &offset, &error));
    assert_int_equal(offset, 8180);
    memset(data, 0, 8200);
    memcpy(data + 8184, words, sizeof(words));
    assert_false(multiboot_find_header(file, &header, &offset, &error));
    free(data);
}

/* A flat file of 64 bytes: Multiboot header at 16, loaded at ADDRESS. */
static void write_flat(uint8_t *data, uint32_t load_end, uint32_t bss_end)
{
    uint32_t flags = MULTIBOOT_HEADER_ADDRESSES;
    struct multiboot_header header = {MULTIBOOT_HEADER_MAGIC,
                                      flags,
                                      -(MULTIBOOT_HEADER_MAGIC + flags),
                                      ADDRESS + 16,
                                      ADDRESS,
                                      load_end,
                                      bss_end,
                                      ADDRESS + 48};
    memset(data, 0x11, 64);
    memcpy(data + 16, &header, sizeof(header));
}

static bool read_flat(uint8_t *data, uint32_t load_end, uint32_t bss_end)
{
    write_flat(data, load_end, bss_end);
    memset(&error, 0, sizeof(error));
    return image_read((struct bytes){data, 64}, &image, &error);
}

static void test_address_fields(void **state)
{
    uint8_t *data = malloc(64);
    (void)state;

    assert_true(read_flat(data, 0, 0));
    assert_int_equal(image.segments[0].file_offset, 0);
    assert_int_equal(image.segments[0].file_size, 64);
    assert_int_equal(image.segments[0].memory_size, 64);
    assert_int_equal(image.entry, ADDRESS + 48);
    assert_false(image.translated);
    assert_true(read_flat(data, ADDRESS + 60, ADDRESS + 200));
    assert_int_equal(image.segments[0].file_size, 60);
    assert_int_equal(image.segments[0].memory_size, 200);
    assert_false(read_flat(data, ADDRESS + 65, 0));
    assert_error_has(&error, "reaches past the end of the file");
    assert_false(read_flat(data, ADDRESS - 1, 0));
    assert_error_has(&error, "end addresses are out of order");
    assert_false(read_flat(data, ADDRESS + 60, ADDRESS + 59));
    assert_error_has(&error, "end addresses are out of order");
    free(data);
}

static void test_load_address_before_file(void **state)
{
    uint8_t *data = malloc(64);
    struct bytes file = {data, 64};
    (void)state;

    write_flat(data, 0, 0);
    data[16 + offsetof(struct multiboot_header, header_address)]++; /* the file would start at -1 */
    assert_false(image_read(file, &image, &error));
    assert_error_has(&error, "load address lies before the file");
    write_flat(data, 0, 0);
    data[16 + offsetof(struct multiboot_header, load_address)] = 17; /* after the header */
    assert_false(image_read(file, &image, &error));
    assert_error_has(&error, "load address lies before the file");
    free(data);
}

static void test_flat_file_without_addresses(void **state)
{
    uint32_t words[4] = {MULTIBOOT_HEADER_MAGIC, 0, -MULTIBOOT_HEADER_MAGIC, 0};
    (void)state;
    assert_false(image_read((struct bytes){(uint8_t *)words, sizeof(words)}, &image, &error));
    assert_error_has(&error, "not an ELF file");
}

static void test_mirror_needs_translation(void **state)
{
    (void)state;
    assert_read();
    assert_true(image_check_mirror(&image, true, OFFSET, &error));
    assert_false(image_check_mirror(&image, true, 0x18000000, &error));
    assert_string_equal(error.text, "translated for offset 0x38000000, but 0x18000000 is "
                                    "configured: set offset = 38000000 or translate it again");
    assert_false(image_check_mirror(&image, false, OFFSET, &error));
    assert_error_has(&error, "writes to a mirror, but mirror is off");
    use((struct kernel_options){.address = ADDRESS, .no_note = true});
    assert_read();
    assert_true(image_check_mirror(&image, false, OFFSET, &error));
    assert_false(image_check_mirror(&image, true, OFFSET, &error));
    assert_string_equal(error.text, "not translated (no .note.kmv), but mirror is on: run "
                                    "kmv-translate on it or set mirror = off");
}

static void test_notes(void **state)
{
    Elf32_Nhdr *note = (Elf32_Nhdr *)(void *)file_at(kernel, KERNEL_NOTE_OFFSET);
    (void)state;

    *file_at(kernel, KERNEL_NOTE_OFFSET + 16) = 9;
    assert_refused(".note.kmv has version 9, wanted is 2");
    note->n_descsz = 7;
    assert_refused(".note.kmv is malformed");
    note->n_type++;
    assert_read(); /* someone else's note */
    assert_false(image.translated);
    note->n_namesz = UINT32_MAX;
    note->n_descsz = UINT32_MAX;
    assert_read();
    kernel_program(kernel, 2)->p_filesz = UINT32_MAX;
    assert_refused("the notes reach past the end of the file");
}

#define RAM_SIZE (4 * MIB)

static bool load_at(uint32_t address, uint32_t second, uint8_t *memory)
{
    struct ranges taken = {.count = 0};
    use((struct kernel_options){.address = address, .second_address = second});
    assert_read();
    memset(memory, 0, RAM_SIZE);
    memset(&error, 0, sizeof(error));
    return image_load(&image, kernel, (struct guest_ram){memory, RAM_SIZE}, &taken, &error);
}

static void test_loads_segments(void **state)
{
    uint8_t *memory = malloc(RAM_SIZE);
    (void)state;

    assert_true(load_at(ADDRESS, 0, memory));
    assert_int_equal(memory[ADDRESS + KERNEL_ENTRY_OFFSET], KERNEL_TEXT_FILL);
    assert_int_equal(memory[ADDRESS + 0x1000], KERNEL_DATA_FILL);
    assert_int_equal(memory[ADDRESS + 0x1000 + KERNEL_DATA_SIZE - 1], KERNEL_DATA_FILL);
    assert_int_equal(memory[ADDRESS + 0x1000 + KERNEL_DATA_SIZE], 0);
    free(memory);
}

static void test_refuses_places(void **state)
{
    uint8_t *memory = malloc(RAM_SIZE);
    (void)state;

    assert_false(load_at(ADDRESS, 0xA0000, memory));
    assert_error_has(&error, "0xa0000..0xa0100 overlaps 0x9f000..0x100000, which is no RAM");
    assert_false(load_at(ADDRESS, 0xFFFFF, memory));
    assert_error_has(&error, "which is no RAM");
    assert_false(load_at(ADDRESS, 0x9EF01, memory));
    assert_error_has(&error, "which is no RAM");
    assert_true(load_at(ADDRESS, 0x9EF00, memory));
    assert_true(load_at(ADDRESS, RAM_SIZE - KERNEL_DATA_MEMORY, memory));
    assert_false(load_at(ADDRESS, RAM_SIZE - KERNEL_DATA_MEMORY + 1, memory));
    assert_error_has(&error, "0x3fff01..0x400001 lies beyond guest RAM: memory has to be 5");
    assert_false(load_at(ADDRESS, 0x80000000, memory));
    assert_error_has(&error, "beyond guest RAM");
    assert_false(load_at(ADDRESS, ADDRESS + KERNEL_TEXT_SIZE - 1, memory));
    assert_error_has(&error, "overlaps another");
    free(memory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_usual, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reads_segments),
        TEST(test_refuses_other_files),
        TEST(test_refuses_bad_segments),
        TEST(test_refuses_too_many_segments),
        TEST(test_multiboot_header),
        TEST(test_multiboot_search_range),
        TEST(test_address_fields),
        TEST(test_load_address_before_file),
        TEST(test_flat_file_without_addresses),
        TEST(test_mirror_needs_translation),
        TEST(test_notes),
        TEST(test_loads_segments),
        TEST(test_refuses_places),
    };
    return cmocka_run_group_tests_name("loader: guest image", tests, NULL, NULL);
}
