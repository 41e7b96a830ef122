/* The guest machine: its memory, its mirror, its counters. Plain C, no hardware access. */
#ifndef HV_VM_VM_H
#define HV_VM_VM_H

#include <hv/mirror/mirror.h>
#include <hv/mm/ept.h>
#include <hv/mm/frames.h>
#include <hv/recovery/scrub.h>
#include <hv/types.h>
#include <hv/vm/stats.h>
#include <kmv/bootinfo.h>
#include <kmv/contract.h>
#include <kmv/hypercall.h>

enum vm_side { SIDE_NATIVE, SIDE_MIRROR };

/* A bit a page of the guest. */
enum { UNPROTECTED_FRAMES = KMV_GUEST_RAM_MAX / (PAGE_SIZE * PAGE_SIZE * 8) };

struct vm {
    struct ept ept;
    struct frame_pool heap;
    struct frame_pool spare;
    struct mirror mirror;
    struct scrub scrub;
    u64 ram_bytes; /* guest RAM: guest-physical [0, ram_bytes), less the VGA hole */
    u32 offset;    /* OFFSET; meaningful with mirrored */
    bool mirrored;
    hpa_t unprotected[UNPROTECTED_FRAMES]; /* bitmaps (recovery/protect.c); 0: all are protected */
    u32 degraded;                          /* pages with one frame for both sides, now */
    u8 loss_vector;                        /* KMV_HC_LOSS_VECTOR; 0: none */
    hpa_t sink;                            /* takes the mirror writes of device pages */
    u64 counters[KMV_COUNTER_COUNT];
    struct stats stats;
};

/*
 * Sets up memory as `boot` describes: zeroes nothing, copies native to mirror, maps RAM (WB, RWX),
 * the mirror window (WB, RW), the mirror of the device range (sink), the tables window (RO, page by
 * page as tables are made), and the VGA hole (UC, passed through). Device pages from
 * KMV_DEVICE_BASE are mapped by the caller with vm_map_device. 0, -HV_EINVAL, -HV_ENOMEM.
 */
int vm_init(struct vm *vm, const struct kmv_bootinfo *boot);

/* Passes device memory through (UC, RW), guest-physical = host-physical. 0, -HV_ENOMEM, -HV_EINVAL
 * (overlaps guest RAM outside the VGA hole, a mirror window or the tables window). */
int vm_map_device(struct vm *vm, gpa_t gpa, u64 bytes);

/* Is gpa in guest RAM, by its native address? Inline, as nothing is asked more often. */
static inline bool vm_is_ram(const struct vm *vm, gpa_t gpa)
{
    return gpa.v < vm->ram_bytes && (gpa.v < KMV_VGA_GPA_BASE || gpa.v >= KMV_VGA_GPA_END);
}

/* Is gpa in guest RAM (SIDE_NATIVE) or in the mirror window (SIDE_MIRROR)? *page gets the RAM page
 * it stands for. */
bool vm_ram_side(const struct vm *vm, gpa_t gpa, enum vm_side *side, gpa_t *page);

/* Guest-physical address of `page` (in RAM) on `side`. */
gpa_t vm_side_gpa(const struct vm *vm, gpa_t page, enum vm_side side);

/* First page of the window that takes the mirror writes of devices; every page of it is the sink.
 */
gpa_t vm_sink_gpa(const struct vm *vm);

/* What a guest's mapping of [start, start + bytes) reaches; with the mirror on. */
enum vm_frame_kind {
    VM_FRAME_MIRRORED,   /* some of it is below ram_bytes, the VGA hole included, or it is at or
                            above KMV_DEVICE_BASE */
    VM_FRAME_HYPERVISOR, /* a mirror window or the tables window: not for the guest to map */
    VM_FRAME_NONE
};
enum vm_frame_kind vm_classify(const struct vm *vm, gpa_t start, u64 bytes);

#endif
