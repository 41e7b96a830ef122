/*
 * Stripped copies of translated programs, as they go on the disk: whatever a kernel looks at
 * (program headers, the bytes of segments, kmv-translate's note) is as in the original, and the
 * copy fits a file of the guest.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "kmv/note.h"

#define GUEST_FILE_MAX (140 * 512)
#define FILE_MAX       (1 << 20)

struct file {
    size_t bytes;
    _Alignas(4) unsigned char data[FILE_MAX];
};

static struct file original, copy;

static void load(struct file *file, const char *folder, const char *name)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    file->bytes = fread(file->data, 1, FILE_MAX, stream);
    fclose(stream);
    assert_in_range(file->bytes, sizeof(Elf32_Ehdr), FILE_MAX - 1);
}

static const Elf32_Phdr *header(const struct file *file, unsigned index)
{
    const Elf32_Ehdr *elf = (const void *)file->data;

    assert_in_range(elf->e_phoff + (index + 1) * sizeof(Elf32_Phdr), 1, file->bytes);
    return (const Elf32_Phdr *)(file->data + elf->e_phoff) + index;
}

static void check_segment(const Elf32_Phdr *wanted, const Elf32_Phdr *got)
{
    assert_int_equal(got->p_type, wanted->p_type);
    assert_int_equal(got->p_vaddr, wanted->p_vaddr);
    assert_int_equal(got->p_filesz, wanted->p_filesz);
    assert_int_equal(got->p_memsz, wanted->p_memsz);
    assert_int_equal(got->p_flags, wanted->p_flags);
    assert_in_range(got->p_offset + got->p_filesz, 0, copy.bytes);
    assert_memory_equal(copy.data + got->p_offset, original.data + wanted->p_offset,
                        wanted->p_filesz);
}

static void check_note(const Elf32_Phdr *segment)
{
    const Elf32_Nhdr *note = (const void *)(copy.data + segment->p_offset);
    const char *name = (const char *)(note + 1);
    struct kmv_note_desc desc;

    assert_int_equal(segment->p_filesz, sizeof(*note) + 4 + sizeof(desc));
    assert_int_equal(note->n_type, KMV_NOTE_TYPE);
    assert_string_equal(name, KMV_NOTE_NAME);
    memcpy(&desc, name + 4, sizeof(desc));
    assert_int_equal(desc.version, KMV_NOTE_VERSION);
    assert_int_equal(desc.offset, OFFSET);
}

static void check_program(const char *name)
{
    const Elf32_Ehdr *elf = (const void *)original.data;
    const Elf32_Ehdr *copied = (const void *)copy.data;
    unsigned notes = 0;

    load(&original, ORIGINALS, name);
    load(&copy, COPIES, name);
    assert_in_range(copy.bytes, 1, GUEST_FILE_MAX);
    assert_int_equal(copied->e_entry, elf->e_entry);
    assert_int_equal(copied->e_phnum, elf->e_phnum);
    for (unsigned i = 0; i < elf->e_phnum; i++) {
        check_segment(header(&original, i), header(&copy, i));
        if (header(&copy, i)->p_type == PT_NOTE) {
            check_note(header(&copy, i));
            notes++;
        }
    }
    assert_int_equal(notes, 1);
}

static void test_copies(void **state)
{
    char names[] = PROGRAMS;

    (void)state;
    for (char *name = strtok(names, " "); name; name = strtok(NULL, " ")) {
        print_message("%s\n", name);
        check_program(name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_copies)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
