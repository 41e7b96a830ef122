/* ELF32, as far as exec needs it (System V ABI, chapter 4 and 5). */
#ifndef ELF_H
#define ELF_H

#include <stdint.h>

#define ELF_MAGIC 0x464C457Fu /* "\x7FELF" */

#define PT_LOAD 1
#define PT_NOTE 4

struct elf_header {
    uint32_t magic;
    uint8_t ident[12];
    uint16_t type, machine;
    uint32_t version, entry, phoff, shoff, flags;
    uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};

struct program_header {
    uint32_t type, offset, vaddr, paddr, filesz, memsz, flags, align;
};

struct note_header {
    uint32_t namesz, descsz, type;
};

#endif
