/*
 * What the loader hands the hypervisor. The loader calls the hypervisor's ELF64 entry point with
 * the address of this structure in RDI, after boot services ended, with the firmware's identity
 * mapping, interrupts off, any stack. All addresses are host-physical, all sizes are bytes, blocks
 * are contiguous and 4 KiB aligned unless said otherwise.
 */
#ifndef KMV_BOOTINFO_H
#define KMV_BOOTINFO_H

#include <stdint.h>

#define KMV_BOOTINFO_MAGIC   0x544f4f4256584d4bull /* "KMXVBOOT" */
#define KMV_BOOTINFO_VERSION 2u

#define KMV_BOOT_MIRROR  (1u << 0) /* keep the mirror */
#define KMV_BOOT_RESTART (1u << 1) /* restart the machine after a failure; else power it off */

#define KMV_CPUS_MAX 8u

/* Bytes of the block in which processors start: one page of code, one of tables. */
#define KMV_AP_START_BYTES 8192u

struct kmv_framebuffer {
    uint64_t base; /* 0: no framebuffer */
    uint32_t width, height;
    uint32_t pixels_per_line;
    uint32_t pixel_is_bgr; /* 1: blue in the lowest byte, 0: red */
};

struct kmv_bootinfo {
    uint64_t magic;
    uint32_t version;
    uint32_t flags; /* KMV_BOOT_* */

    uint64_t hv_base, hv_size;     /* the loaded hypervisor image, with its bss */
    uint64_t heap_base, heap_size; /* for the hypervisor's tables */

    uint64_t guest_base,
        guest_size;       /* native block, 2 MiB aligned: guest-physical [0, guest_size) */
    uint64_t mirror_base; /* mirror block of the same size, 2 MiB aligned; 0 with the mirror off */
    uint64_t spare_base, spare_size; /* spare frames; 0 with the mirror off */

    uint32_t mirror_offset;  /* OFFSET of the address contract */
    uint32_t guest_entry;    /* guest-physical entry point, protected mode, paging off */
    uint32_t guest_mbi;      /* guest-physical address of the Multiboot 1 information block */
    uint32_t stats_period;   /* millions of TSC ticks between lines event=stats, 0: none */
    uint32_t scrub_permille; /* of the time, for the scrubber; 0: off */
    uint32_t reserved;

    uint64_t phys_end; /* end of the highest memory the hypervisor has to reach */
    uint64_t rsdp;     /* ACPI root pointer, 0: none */
    struct kmv_framebuffer framebuffer;

    uint64_t ap_start;               /* below 1 MiB, for processors to start in; 0: none */
    uint32_t cpu_count;              /* processors, at most KMV_CPUS_MAX */
    uint32_t cpu_apic[KMV_CPUS_MAX]; /* their APIC ids; the first is the one that calls */
};

#endif
