#include "elf_files.h"

#include "multiboot.h"

#include <stdlib.h>

struct bytes make_filled(uint64_t size, int fill)
{
    uint8_t *data = malloc(size == 0 ? 1 : size);
    memset(data, fill, size);
    return (struct bytes){data, size};
}

void free_file(struct bytes file)
{
    free((void *)(uintptr_t)file.data);
}

struct bytes cut_file(struct bytes file, uint64_t size)
{
    uint8_t *data = malloc(size == 0 ? 1 : size);
    memcpy(data, file.data, size);
    return (struct bytes){data, size};
}

static void write_kernel_header(struct bytes file, uint32_t entry)
{
    Elf32_Ehdr *header = kernel_header(file);

    memcpy(header->e_ident, ELFMAG, SELFMAG);
    header->e_ident[EI_CLASS] = ELFCLASS32;
    header->e_ident[EI_DATA] = ELFDATA2LSB;
    header->e_ident[EI_VERSION] = EV_CURRENT;
    header->e_type = ET_EXEC;
    header->e_machine = EM_386;
    header->e_version = EV_CURRENT;
    header->e_entry = entry;
    header->e_phoff = sizeof(*header);
    header->e_ehsize = sizeof(*header);
    header->e_phentsize = sizeof(Elf32_Phdr);
    header->e_phnum = KERNEL_PROGRAM_COUNT;
}

static void write_note(struct bytes file, uint32_t offset)
{
    struct {
        Elf32_Nhdr header;
        char name[4];
        struct kmv_note_desc descriptor;
    } note = {{4, sizeof(struct kmv_note_desc), KMV_NOTE_TYPE},
              KMV_NOTE_NAME,
              {KMV_NOTE_VERSION, offset, 0}};
    memcpy(file_at(file, KERNEL_NOTE_OFFSET), &note, sizeof(note));
}

struct bytes make_kernel(struct kernel_options options)
{
    const uint32_t note_size = sizeof(Elf32_Nhdr) + 4 + sizeof(struct kmv_note_desc);
    const uint32_t data =
        options.second_address != 0 ? options.second_address : options.address + 0x1000;
    struct bytes file = make_filled(KERNEL_NOTE_OFFSET + note_size, 0);
    uint32_t multiboot[3] = {MULTIBOOT_HEADER_MAGIC, options.multiboot_flags,
                             -(MULTIBOOT_HEADER_MAGIC + options.multiboot_flags)};

    write_kernel_header(file, options.address + KERNEL_ENTRY_OFFSET);
    *kernel_program(file, 0) = (Elf32_Phdr){PT_LOAD,
                                            KERNEL_TEXT_OFFSET,
                                            options.address + 0x80000000u,
                                            options.address,
                                            KERNEL_TEXT_SIZE,
                                            KERNEL_TEXT_SIZE,
                                            PF_R | PF_X,
                                            4096};
    *kernel_program(file, 1) =
        (Elf32_Phdr){PT_LOAD,          KERNEL_DATA_OFFSET, data + 0x80000000u, data,
                     KERNEL_DATA_SIZE, KERNEL_DATA_MEMORY, PF_R | PF_W,        4096};
    *kernel_program(file, 2) = (Elf32_Phdr){options.no_note ? PT_NULL : PT_NOTE,
                                            KERNEL_NOTE_OFFSET,
                                            0,
                                            0,
                                            note_size,
                                            note_size,
                                            PF_R,
                                            4};
    memset(file_at(file, KERNEL_TEXT_OFFSET), KERNEL_TEXT_FILL, KERNEL_TEXT_SIZE);
    memcpy(file_at(file, KERNEL_TEXT_OFFSET), multiboot, sizeof(multiboot));
    memset(file_at(file, KERNEL_DATA_OFFSET), KERNEL_DATA_FILL, KERNEL_DATA_SIZE);
    write_note(file, options.note_offset);
    return file;
}

static void write_hypervisor_header(struct bytes file)
{
    Elf64_Ehdr *header = hypervisor_header(file);

    memcpy(header->e_ident, ELFMAG, SELFMAG);
    header->e_ident[EI_CLASS] = ELFCLASS64;
    header->e_ident[EI_DATA] = ELFDATA2LSB;
    header->e_ident[EI_VERSION] = EV_CURRENT;
    header->e_type = ET_DYN;
    header->e_machine = EM_X86_64;
    header->e_version = EV_CURRENT;
    header->e_entry = HV_ENTRY;
    header->e_phoff = sizeof(*header);
    header->e_ehsize = sizeof(*header);
    header->e_phentsize = sizeof(Elf64_Phdr);
    header->e_phnum = 3;
}

struct bytes make_hypervisor(void)
{
    struct bytes file = make_filled(HV_DATA_OFFSET + HV_DATA_SIZE, 0);
    const Elf64_Dyn dynamic[] = {{DT_RELA, {HV_DATA_ADDRESS + HV_RELA}},
                                 {DT_RELASZ, {HV_RELA_COUNT * sizeof(Elf64_Rela)}},
                                 {DT_RELAENT, {sizeof(Elf64_Rela)}},
                                 {DT_NULL, {0}}};
    const Elf64_Rela relocations[HV_RELA_COUNT] = {
        {HV_DATA_ADDRESS, ELF64_R_INFO(0, R_X86_64_RELATIVE), HV_ENTRY},
        {HV_DATA_ADDRESS + 8, ELF64_R_INFO(0, R_X86_64_RELATIVE), HV_DATA_ADDRESS}};

    write_hypervisor_header(file);
    *hypervisor_program(file, 0) =
        (Elf64_Phdr){PT_LOAD, PF_R | PF_X, HV_TEXT_OFFSET, 0x1000, 0x1000, 0x100, 0x100, 4096};
    *hypervisor_program(file, 1) =
        (Elf64_Phdr){PT_LOAD,         PF_R | PF_W,  HV_DATA_OFFSET, HV_DATA_ADDRESS,
                     HV_DATA_ADDRESS, HV_DATA_SIZE, HV_DATA_MEMORY, 4096};
    *hypervisor_program(file, 2) = (Elf64_Phdr){PT_DYNAMIC,
                                                PF_R,
                                                HV_DATA_OFFSET + HV_DYNAMIC,
                                                HV_DATA_ADDRESS + HV_DYNAMIC,
                                                HV_DATA_ADDRESS,
                                                sizeof(dynamic),
                                                sizeof(dynamic),
                                                8};
    memset(file_at(file, HV_TEXT_OFFSET), 0x90, 0x100);
    memcpy(hypervisor_dynamic(file, 0), dynamic, sizeof(dynamic));
    memcpy(hypervisor_rela(file, 0), relocations, sizeof(relocations));
    return file;
}
