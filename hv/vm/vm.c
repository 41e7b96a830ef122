#include <hv/vm/vm.h>

#include <hv/lib/string.h>
#include <hv/mm/phys.h>
#include <kmv/contract.h>

#define ADDRESS_SPACE_32 (1ull << 32)
#define SINK_BYTES       (ADDRESS_SPACE_32 - KMV_DEVICE_BASE)

struct range {
    u64 start, end;
};

static bool overlaps(struct range a, struct range b)
{
    return a.start < b.end && b.start < a.end;
}

static struct range ram_range(const struct vm *vm)
{
    return (struct range){0, vm->ram_bytes};
}

/* The mirror of devices ends where the mirror of RAM begins: the devices reach up to 4 GiB. */
static struct range mirror_range(const struct vm *vm)
{
    return (struct range){vm->offset - SINK_BYTES, vm->offset + vm->ram_bytes};
}

static const struct range vga_hole = {KMV_VGA_GPA_BASE, KMV_VGA_GPA_END};
static const struct range tables_window = {KMV_TABLES_GPA_BASE,
                                           (u64)KMV_TABLES_GPA_BASE + KMV_TABLES_GPA_SIZE};
static const struct range devices = {KMV_DEVICE_BASE, ADDRESS_SPACE_32};

/* Do RAM, its mirror, the tables window and the devices lie clear of each other? */
static bool layout_is_valid(const struct vm *vm)
{
    if (vm->ram_bytes == 0 || (vm->ram_bytes & PAGE_MASK) != 0 ||
        vm->ram_bytes > KMV_TABLES_GPA_BASE)
        return false;
    if (!vm->mirrored)
        return true;
    if (!KMV_OFFSET_IS_VALID(vm->offset) || vm->offset < SINK_BYTES)
        return false;
    return !overlaps(ram_range(vm), mirror_range(vm)) &&
           !overlaps(tables_window, mirror_range(vm)) && !overlaps(devices, mirror_range(vm));
}

/* Guest RAM on both sides of the VGA hole. */
static int map_native(struct vm *vm, hpa_t block)
{
    u64 low = min_u64(vm->ram_bytes, KMV_VGA_GPA_BASE);
    int error = ept_map(&vm->ept, GPA(0), block, low, EPT_RWX, EPT_MEM_WB);

    if (error != 0 || vm->ram_bytes <= KMV_VGA_GPA_END)
        return error;
    return ept_map(&vm->ept, GPA(KMV_VGA_GPA_END), HPA(block.v + KMV_VGA_GPA_END),
                   vm->ram_bytes - KMV_VGA_GPA_END, EPT_RWX, EPT_MEM_WB);
}

/* The mirror window takes in the mirror of the VGA hole: frames of the mirror block that only ever
 * get written. */
static int map_mirror(struct vm *vm, hpa_t block)
{
    int error = ept_map(&vm->ept, GPA(vm->offset), block, vm->ram_bytes, EPT_RW, EPT_MEM_WB);

    if (error != 0)
        return error;
    if (!frame_alloc(&vm->heap, &vm->sink))
        return -HV_ENOMEM;
    return ept_map_repeated(&vm->ept, vm_sink_gpa(vm), vm->sink, SINK_BYTES, EPT_RW);
}

static int map_all(struct vm *vm, const struct kmv_bootinfo *boot)
{
    int error = map_native(vm, HPA(boot->guest_base));

    if (error == 0)
        error = vm_map_device(vm, GPA(KMV_VGA_GPA_BASE), KMV_VGA_GPA_END - KMV_VGA_GPA_BASE);
    if (error == 0 && vm->mirrored)
        error = map_mirror(vm, HPA(boot->mirror_base));
    return error;
}

static void copy_block(hpa_t to, hpa_t from, u64 bytes)
{
    for (u64 at = 0; at < bytes; at += PAGE_SIZE)
        memcpy(phys_ptr(HPA(to.v + at)), phys_ptr(HPA(from.v + at)), PAGE_SIZE);
}

int vm_init(struct vm *vm, const struct kmv_bootinfo *boot)
{
    int error;

    memset(vm, 0, sizeof(*vm));
    vm->mirror.self = &vm->mirror.cpus[0];
    list_init(&vm->mirror.unsync);
    vm->mirror.alone = true;
    vm->ram_bytes = boot->guest_size;
    vm->offset = boot->mirror_offset;
    vm->mirrored = (boot->flags & KMV_BOOT_MIRROR) != 0;
    if (!layout_is_valid(vm))
        return -HV_EINVAL;

    /* A table frame must have an address in the tables window: a heap beyond its size would be of
     * no use. */
    frame_pool_init(&vm->heap, HPA(boot->heap_base), min_u64(boot->heap_size, KMV_TABLES_GPA_SIZE));
    frame_pool_init(&vm->spare, HPA(boot->spare_base), vm->mirrored ? boot->spare_size : 0);
    vm->counters[KMV_COUNTER_spare_free] = vm->spare.free_count;

    error = ept_init(&vm->ept, &vm->heap);
    if (error == 0)
        error = map_all(vm, boot);
    if (error != 0 || !vm->mirrored)
        return error;
    vm->ept.reserve = &vm->spare;
    copy_block(HPA(boot->mirror_base), HPA(boot->guest_base), vm->ram_bytes);
    return 0;
}

int vm_map_device(struct vm *vm, gpa_t gpa, u64 bytes)
{
    struct range device = {gpa.v & ~PAGE_MASK, (gpa.v + bytes + PAGE_MASK) & ~PAGE_MASK};
    bool in_hole = device.start >= vga_hole.start && device.end <= vga_hole.end;

    if (bytes == 0 || (overlaps(device, ram_range(vm)) && !in_hole) ||
        overlaps(device, tables_window))
        return -HV_EINVAL;
    if (vm->mirrored && overlaps(device, mirror_range(vm)))
        return -HV_EINVAL;
    return ept_map(&vm->ept, GPA(device.start), HPA(device.start), device.end - device.start,
                   EPT_RW, EPT_MEM_UC);
}

gpa_t vm_sink_gpa(const struct vm *vm)
{
    return GPA(vm->offset - SINK_BYTES);
}

bool vm_ram_side(const struct vm *vm, gpa_t gpa, enum vm_side *side, gpa_t *page)
{
    u64 native = gpa.v;

    *side = SIDE_NATIVE;
    if (vm->mirrored && gpa.v >= vm->offset) {
        *side = SIDE_MIRROR;
        native -= vm->offset;
    }
    *page = GPA(native & ~PAGE_MASK);
    return vm_is_ram(vm, GPA(native));
}

gpa_t vm_side_gpa(const struct vm *vm, gpa_t page, enum vm_side side)
{
    return side == SIDE_NATIVE ? page : GPA(page.v + vm->offset);
}

enum vm_frame_kind vm_classify(const struct vm *vm, gpa_t start, u64 bytes)
{
    struct range range = {start.v, start.v + bytes};

    if (overlaps(range, ram_range(vm)))
        return VM_FRAME_MIRRORED;
    if (overlaps(range, tables_window) || overlaps(range, mirror_range(vm)))
        return VM_FRAME_HYPERVISOR;
    return range.start >= devices.start && range.end <= devices.end ? VM_FRAME_MIRRORED
                                                                    : VM_FRAME_NONE;
}
