/* Reads the guest kernel's ELF32 file. Builds for EFI and on the host. */
#ifndef LOADER_ELF32_H
#define LOADER_ELF32_H

#include "bytes.h"
#include "error.h"

struct image;

/* Does the file start like an ELF file? */
bool elf32_has_magic(struct bytes file);

/* Returns false with the reason unless it is an i386 executable with a whole program header table.
 */
bool elf32_check(struct bytes file, struct error *error);

/* Adds the PT_LOAD segments, by physical address, and the entry point to image. The file passed
 * elf32_check(). */
bool elf32_read_segments(struct bytes file, struct image *image, struct error *error);

/* Sets translated and note of image from a PT_NOTE, if there is a note of kmv-translate. After
 * elf32_check(). */
bool elf32_read_note(struct bytes file, struct image *image, struct error *error);

#endif
