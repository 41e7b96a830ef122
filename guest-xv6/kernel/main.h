/* What entry.S and main.c share. */
#ifndef MAIN_H
#define MAIN_H

/* Offsets in struct ap_boot. */
#define AP_BOOT_CR4   0
#define AP_BOOT_CR3   4
#define AP_BOOT_STACK 8

#ifndef __ASSEMBLER__
#include <stdint.h>

/* What a processor being started takes over. */
struct ap_boot {
    uint32_t cr4, cr3;
    char *stack;
};

extern struct ap_boot ap_boot;

void kernel_main(uint32_t multiboot_magic, uint32_t multiboot_info);
void ap_main(void);
#endif

#endif
