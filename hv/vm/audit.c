#include <hv/vm/audit.h>

#include <kmv/contract.h>

struct block {
    u64 base, bytes;
};

struct audit {
    const struct vm *vm;
    const struct kmv_bootinfo *boot;
    struct vm_audit result;
};

static bool inside(struct block block, u64 start, u64 bytes)
{
    return start >= block.base && bytes <= block.bytes && start - block.base <= block.bytes - bytes;
}

static bool overlaps(struct block block, u64 start, u64 bytes)
{
    return start < block.base + block.bytes && block.base < start + bytes;
}

static struct block mirror_block(const struct kmv_bootinfo *boot)
{
    bool there = (boot->flags & KMV_BOOT_MIRROR) != 0;

    return (struct block){boot->mirror_base, there ? boot->guest_size : 0};
}

/* A degraded page uses the other side's frame, so either block is right for either side. */
static bool leads_to_ram(const struct kmv_bootinfo *boot, const struct ept_page *page)
{
    u64 frame = page->frame.v;

    return page->given ||
           inside((struct block){boot->guest_base, boot->guest_size}, frame, page->run) ||
           inside(mirror_block(boot), frame, page->run) ||
           inside((struct block){boot->spare_base, boot->spare_size}, frame, page->run);
}

/* Passed through as it is, and no memory that is in use. */
static bool is_device(const struct kmv_bootinfo *boot, u64 gpa, const struct ept_page *page)
{
    const struct block blocks[] = {{boot->hv_base, boot->hv_size},
                                   {boot->heap_base, boot->heap_size},
                                   {boot->guest_base, boot->guest_size},
                                   mirror_block(boot),
                                   {boot->spare_base, boot->spare_size}};

    for (size_t i = 0; i < ARRAY_LEN(blocks); i++) {
        if (overlaps(blocks[i], page->frame.v, page->run))
            return false;
    }
    return page->frame.v == gpa && (page->perms & ~(u32)EPT_RW) == 0;
}

static bool is_right(const struct audit *audit, u64 gpa, const struct ept_page *page)
{
    const struct vm *vm = audit->vm;
    const struct kmv_bootinfo *boot = audit->boot;
    struct block ram = {0, vm->ram_bytes}, mirror = {vm->offset, vm->ram_bytes};
    struct block hole = {KMV_VGA_GPA_BASE, KMV_VGA_GPA_END - KMV_VGA_GPA_BASE};
    struct block sink = {vm_sink_gpa(vm).v, vm->offset - vm_sink_gpa(vm).v};
    struct block tables = {KMV_TABLES_GPA_BASE, KMV_TABLES_GPA_SIZE};

    if (overlaps(hole, gpa, page->run) || gpa >= KMV_DEVICE_BASE)
        return is_device(boot, gpa, page);
    if (inside(ram, gpa, page->run))
        return leads_to_ram(boot, page);
    if (!vm->mirrored)
        return false;
    if (inside(mirror, gpa, page->run))
        return leads_to_ram(boot, page) && (page->perms & EPT_EXEC) == 0;
    if (inside(sink, gpa, page->run))
        return page->frame.v == vm->sink.v && (page->perms & EPT_EXEC) == 0;
    return inside(tables, gpa, page->run) && page->perms == EPT_READ &&
           inside((struct block){boot->heap_base, boot->heap_size}, page->frame.v, page->run);
}

static void look_at(void *context, gpa_t gpa, const struct ept_page *page)
{
    struct audit *audit = context;

    audit->result.leaves++;
    if (is_right(audit, gpa.v, page))
        return;
    if (audit->result.wrong++ == 0)
        audit->result.first_wrong = gpa;
}

struct vm_audit vm_audit(const struct vm *vm, const struct kmv_bootinfo *boot)
{
    struct audit audit = {vm, boot, {0}};

    ept_for_each(&vm->ept, look_at, &audit);
    return audit.result;
}
