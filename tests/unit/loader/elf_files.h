/* ELF files for the tests, made in memory, in buffers of their exact size so that ASan sees any
 * read past the end. */
#ifndef TEST_LOADER_ELF_FILES_H
#define TEST_LOADER_ELF_FILES_H

#include "bytes.h"

#include <elf.h>
#include <kmv/note.h>

struct kernel_options {
    uint32_t address;        /* physical, of the text segment */
    uint32_t second_address; /* of the data segment, 0: address + 0x1000 */
    uint32_t multiboot_flags;
    uint32_t note_offset; /* OFFSET in .note.kmv */
    bool no_note;
};

#define KERNEL_TEXT_OFFSET   0x100u /* in the file; the Multiboot header stands first */
#define KERNEL_TEXT_SIZE     0x80u
#define KERNEL_DATA_OFFSET   0x180u
#define KERNEL_DATA_SIZE     0x40u
#define KERNEL_DATA_MEMORY   0x100u
#define KERNEL_NOTE_OFFSET   0x1C0u
#define KERNEL_PROGRAM_COUNT 3u    /* text, data, note */
#define KERNEL_ENTRY_OFFSET  0x20u /* from the text's start */
#define KERNEL_TEXT_FILL     0xC3
#define KERNEL_DATA_FILL     0xDA

/* A Multiboot kernel for i386. The caller frees the data with free_file(). */
struct bytes make_kernel(struct kernel_options options);

#define HV_IMAGE_SIZE  0x4000u
#define HV_ENTRY       0x1010u
#define HV_TEXT_OFFSET 0x400u
#define HV_DATA_OFFSET 0x500u
#define HV_DATA_ADDRESS                                                                            \
    0x2000u /* two relocated words; the dynamic section at +0x40, DT_RELA at +0x100 */
#define HV_DATA_SIZE   0x180u
#define HV_DATA_MEMORY 0x1800u
#define HV_DYNAMIC     0x40u
#define HV_RELA        0x100u
#define HV_RELA_COUNT  2u

/* A static-PIE x86-64 file with two R_X86_64_RELATIVE relocations: the words at HV_DATA_ADDRESS and
 * 8 on get base + HV_ENTRY and base + HV_DATA_ADDRESS. */
struct bytes make_hypervisor(void);

/* size bytes of fill. The caller frees the data with free_file(). */
struct bytes make_filled(uint64_t size, int fill);

/* The first size bytes of file, in a buffer of that size. */
struct bytes cut_file(struct bytes file, uint64_t size);

void free_file(struct bytes file);

/* Write access to a made file. */
static inline uint8_t *file_at(struct bytes file, uint64_t offset)
{
    return (uint8_t *)(uintptr_t)file.data + offset;
}

static inline Elf32_Ehdr *kernel_header(struct bytes file)
{
    return (Elf32_Ehdr *)(void *)file_at(file, 0);
}

static inline Elf32_Phdr *kernel_program(struct bytes file, unsigned index)
{
    return (Elf32_Phdr *)(void *)file_at(file, sizeof(Elf32_Ehdr)) + index;
}

static inline Elf64_Ehdr *hypervisor_header(struct bytes file)
{
    return (Elf64_Ehdr *)(void *)file_at(file, 0);
}

static inline Elf64_Phdr *hypervisor_program(struct bytes file, unsigned index)
{
    return (Elf64_Phdr *)(void *)file_at(file, sizeof(Elf64_Ehdr)) + index;
}

static inline Elf64_Dyn *hypervisor_dynamic(struct bytes file, unsigned index)
{
    return (Elf64_Dyn *)(void *)file_at(file, HV_DATA_OFFSET + HV_DYNAMIC) + index;
}

static inline Elf64_Rela *hypervisor_rela(struct bytes file, unsigned index)
{
    return (Elf64_Rela *)(void *)file_at(file, HV_DATA_OFFSET + HV_RELA) + index;
}

#endif
