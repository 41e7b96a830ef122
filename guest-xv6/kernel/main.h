/* Entry points that entry.S calls. */
#ifndef MAIN_H
#define MAIN_H

#include <stdint.h>

void kernel_main(uint32_t multiboot_magic, uint32_t multiboot_info);
void ap_main(void);

extern char *ap_stack;

#endif
