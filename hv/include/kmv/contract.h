/*
 * The address contract: what the hypervisor, the loader, the guest and the translator agree on.
 *
 *   mirror(x) = x + OFFSET (mod 2^32), for guest-virtual and guest-physical addresses alike.
 *
 *   guest-physical                        guest-virtual (xv6 layout)
 *   0x00000000  RAM            [0, M)     0x00000000  user
 *   OFFSET      mirror of RAM             OFFSET      mirror of user
 *   0x36000000  sink (mirror of           0x80000000  kernel, RAM mapped from here
 *               0xFE000000..)             0xB8000000  mirror of kernel
 *   0xE0000000  hypervisor's tables       0xFE000000  devices; their mirror wraps to 0x36000000
 *   0xFE000000  devices
 *
 * Plain macros only: this header is also included from assembly and from linker scripts.
 */
#ifndef KMV_CONTRACT_H
#define KMV_CONTRACT_H

/* Default OFFSET. Powers of two from 2^28 up collide in AMD's L1D way predictor, hence 0x38000000.
 */
#define KMV_OFFSET_DEFAULT 0x38000000

/* A valid OFFSET is a multiple of 4 MiB (mirror slots are page-directory slots), not zero, and
 * leaves this remainder. */
#define KMV_OFFSET_ALIGN     0x00400000
#define KMV_OFFSET_MODULUS   0x10000000
#define KMV_OFFSET_REMAINDER 0x08000000
#define KMV_OFFSET_IS_VALID(off)                                                                   \
    ((off) % KMV_OFFSET_ALIGN == 0 && (off) % KMV_OFFSET_MODULUS == KMV_OFFSET_REMAINDER)

/* Devices start here, virtual and physical; mirror writes to them end in a sink page. */
#define KMV_DEVICE_BASE 0xFE000000

/* Guest RAM ends at or below this, so that the mirrors of devices stay clear of RAM (default
 * OFFSET). */
#define KMV_GUEST_RAM_MAX 0x36000000

/* Guest-physical window where the CPU finds the hypervisor's shadow roots and mirror tables;
 * read-only to the guest. */
#define KMV_TABLES_GPA_BASE 0xE0000000
#define KMV_TABLES_GPA_SIZE 0x10000000

/* The PC's hole below 1 MiB: VGA memory, passed through, never RAM. */
#define KMV_VGA_GPA_BASE 0x000A0000
#define KMV_VGA_GPA_END  0x000C0000

#endif
