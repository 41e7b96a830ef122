#ifndef MULTIBOOT_H
#define MULTIBOOT_H

#include <stdbool.h>
#include <stdint.h>

/* End of the usable RAM that starts at 1 MiB, a multiple of the page size, at most PHYSTOP, from
 * what a Multiboot 1 loader left in eax and ebx. */
uint32_t multiboot_ram_end(uint32_t magic, uint32_t info_pa);

/* Is `option` a word of the kernel's command line? */
bool multiboot_has_option(uint32_t magic, uint32_t info_pa, const char *option);

#endif
