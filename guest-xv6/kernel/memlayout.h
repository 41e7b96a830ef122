/* clang-format off */
/*
 * The memory map. Also read by the assembler: plain macros only.
 *
 *   virtual                                              physical
 *   4 GiB       +--------------------------------+
 *               | devices, identity, uncached    |       local APIC, I/O APIC
 *   0xFE000000  +--------------------------------+
 *               | (the hypervisor's mirror of    |
 *   0xB8000000  |  kernel memory)                |
 *               +--------------------------------+
 *   KERNBASE    | all RAM, up to 224 MiB:        |       PHYSTOP at most
 *    + RAM      |   pages of the allocator       |
 *               |   kernel data, bss             |
 *               |   kernel text, rodata (r/o)    |
 *   0x80100000  |   .multiboot (KERNLINK)        |       0x00100000 EXTMEM
 *               |   BIOS, VGA hole               |       0x000A0000 (r/o above 0xC0000)
 *               |   low memory                   |       0x00007000 start code of other processors
 *   0x80000000  +--------------------------------+       0x00000000
 *               | (mirror of user memory)        |
 *   0x38000000  |                                |
 *   USERTOP     +--------------------------------+       at most 0x36000000: the mirror of the
 *               | heap (sbrk)                    |       devices lies there
 *               | stack, one page                |
 *               | guard page                     |
 *               | program                        |
 *   0x00000000  +--------------------------------+
 */
/* clang-format on */
#ifndef MEMLAYOUT_H
#define MEMLAYOUT_H

#include "kmv/contract.h"

#define EXTMEM   0x00100000 /* RAM above the BIOS */
#define KERNBASE 0x80000000 /* physical 0 */
#define KERNLINK 0x80100000 /* the kernel image; kernel.ld says the same */
#define PHYSTOP  0x0E000000 /* RAM used at most, for the sake of the mirrors */
#define DEVBASE  KMV_DEVICE_BASE
#define USERTOP  KMV_GUEST_RAM_MAX

#define VGA_START 0x000A0000 /* the PC's hole: VGA, then ROMs */
#define ROM_START 0x000C0000
#define AP_START  0x00007000 /* other processors' first instruction; a page below 1 MiB */

#define PGSIZE         4096
#define PGROUNDUP(x)   (((x) + PGSIZE - 1) & ~(PGSIZE - 1))
#define PGROUNDDOWN(x) ((x) & ~(PGSIZE - 1))

#ifdef __ASSEMBLER__
#define V2P(x) ((x)-KERNBASE)
#else
#include <stdint.h>
#define V2P(x) ((uint32_t)(x)-KERNBASE)
#define P2V(x) ((void *)((uint32_t)(x) + KERNBASE))
#endif

#endif
