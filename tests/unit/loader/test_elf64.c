/* The hypervisor's file: checks, loading, relocation. */
#include "loader_test.h"

#include "elf64.h"
#include "elf_files.h"

#include <stdlib.h>

#define BASE 0x123456000ull

static struct bytes file;
static struct elf64_image image;
static struct error error;

static int make(void **state)
{
    (void)state;
    file = make_hypervisor();
    memset(&error, 0, sizeof(error));
    return 0;
}

static int drop(void **state)
{
    (void)state;
    free_file(file);
    return 0;
}

static void assert_refused(const char *reason)
{
    memset(&error, 0, sizeof(error));
    assert_false(elf64_read(file, &image, &error));
    assert_error_has(&error, reason);
}

static bool load(uint8_t *out)
{
    if (!elf64_read(file, &image, &error))
        fail_msg("refused: %s", error.text);
    assert_int_equal(image.size, HV_IMAGE_SIZE);
    memset(out, 0xEE, HV_IMAGE_SIZE);
    return elf64_load(file, &image, out, BASE, &error);
}

static void assert_load_refused(const char *reason)
{
    uint8_t *out = malloc(HV_IMAGE_SIZE);
    memset(&error, 0, sizeof(error));
    assert_false(load(out));
    assert_error_has(&error, reason);
    free(out);
}

static uint64_t word_at(const uint8_t *out, uint64_t offset)
{
    uint64_t word;
    memcpy(&word, out + offset, sizeof(word));
    return word;
}

static void test_loads_and_relocates(void **state)
{
    uint8_t *out = malloc(HV_IMAGE_SIZE);
    (void)state;

    assert_true(load(out));
    assert_int_equal(image.entry, HV_ENTRY);
    assert_int_equal(image.align, 4096);
    assert_int_equal(out[0], 0);
    assert_int_equal(out[HV_ENTRY], 0x90);
    assert_int_equal(word_at(out, HV_DATA_ADDRESS), BASE + HV_ENTRY);
    assert_int_equal(word_at(out, HV_DATA_ADDRESS + 8), BASE + HV_DATA_ADDRESS);
    for (unsigned i = HV_DATA_ADDRESS + HV_DATA_SIZE; i < HV_IMAGE_SIZE; i++)
        assert_int_equal(out[i], 0);
    free(out);
}

static void test_without_relocations(void **state)
{
    uint8_t *out = malloc(HV_IMAGE_SIZE);
    (void)state;

    hypervisor_program(file, 2)->p_type = PT_NULL;
    assert_true(load(out));
    assert_int_equal(word_at(out, HV_DATA_ADDRESS), 0);
    free(out);
}

static void test_refuses_headers(void **state)
{
    Elf64_Ehdr *header = hypervisor_header(file);
    const Elf64_Ehdr good = *header;
    (void)state;

    header->e_ident[1] = 'X';
    assert_refused("not an ELF file");
    *header = good;
    header->e_ident[EI_CLASS] = ELFCLASS32;
    assert_refused("not a 64-bit x86 ELF file");
    *header = good;
    header->e_machine = EM_AARCH64;
    assert_refused("not a 64-bit x86 ELF file");
    *header = good;
    header->e_type = ET_EXEC;
    assert_refused("ELF type 2 is not position-independent");
    *header = good;
    header->e_phentsize++;
    assert_refused("no program headers of the right size");
    *header = good;
    header->e_phoff = UINT64_MAX - 8;
    assert_refused("program header table is cut off");
    *header = good;
    header->e_entry = HV_DATA_ADDRESS;
    assert_refused("the entry point 0x2000 lies in no executable segment");
}

static void test_refuses_segments(void **state)
{
    Elf64_Phdr *data = hypervisor_program(file, 1);
    const Elf64_Phdr good = *data;
    (void)state;

    data->p_offset = UINT64_MAX;
    assert_refused("the segment at 0x2000 reaches past the end of the file");
    *data = good;
    data->p_memsz = data->p_filesz - 1;
    assert_refused("more bytes in the file than in memory");
    *data = good;
    data->p_memsz = UINT64_MAX - 0x1000;
    assert_refused("reaches past 64 MiB");
    *data = good;
    data->p_vaddr = 0xFFFFFFFF80000000;
    assert_refused("the segment at 0xffffffff80000000 reaches past 64 MiB");
    *data = good;
    data->p_vaddr = 0x10FF;
    assert_refused("the segment at 0x10ff overlaps the one before");
    *data = good;
    data->p_align = 4 << 20;
    assert_refused("alignment over 2 MiB");
    data->p_align = 0x3000;
    assert_refused("no power of two");
    *data = good;
    data->p_align = 2 << 20;
    assert_true(elf64_read(file, &image, &error));
    assert_int_equal(image.align, 2 << 20);
    data->p_type = PT_INTERP;
    assert_refused("needs a dynamic linker");
}

static void test_refuses_relocations(void **state)
{
    Elf64_Rela *rela = hypervisor_rela(file, 1);
    const Elf64_Rela good = *rela;
    (void)state;

    rela->r_info = ELF64_R_INFO(1, R_X86_64_64);
    assert_load_refused("relocation type 1 at 0x2008 is not R_X86_64_RELATIVE");
    *rela = good;
    rela->r_offset = HV_IMAGE_SIZE - 7;
    assert_load_refused("the relocation at 0x3ff9 lies outside the image");
    rela->r_offset = UINT64_MAX;
    assert_load_refused("lies outside the image");
}

static void test_refuses_dynamic(void **state)
{
    Elf64_Dyn *dynamic = hypervisor_dynamic(file, 0);
    const Elf64_Dyn good[3] = {dynamic[0], dynamic[1], dynamic[2]};
    (void)state;

    dynamic[0].d_un.d_ptr = HV_IMAGE_SIZE - 8;
    assert_load_refused("the relocation table is malformed");
    dynamic[0] = good[0];
    dynamic[1].d_un.d_val = UINT64_MAX / sizeof(Elf64_Rela) * sizeof(Elf64_Rela);
    assert_load_refused("the relocation table is malformed");
    dynamic[1] = good[1];
    dynamic[2].d_un.d_val = 16;
    assert_load_refused("the relocation table is malformed");
    dynamic[2] = good[2];
    dynamic[2].d_tag = DT_NEEDED;
    assert_load_refused("dynamic entry 1 is not supported");
    dynamic[2] = good[2];
    hypervisor_program(file, 2)->p_vaddr = HV_IMAGE_SIZE;
    assert_load_refused("the dynamic section lies outside the image");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_loads_and_relocates), TEST(test_without_relocations), TEST(test_refuses_headers),
        TEST(test_refuses_segments),    TEST(test_refuses_relocations), TEST(test_refuses_dynamic),
    };
    return cmocka_run_group_tests_name("loader: hypervisor image", tests, NULL, NULL);
}
