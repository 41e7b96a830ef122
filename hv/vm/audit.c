#include <hv/vm/audit.h>

#include <kmv/contract.h>

struct block {
    u64 base, bytes;
};

/* Memory that is in use, by whom; a guest's lies behind the hypervisor's. */
enum owner { IMAGE, HEAP, NATIVE, MIRROR, SPARE, OWNERS };

struct audit {
    const struct vm *vm;
    struct block blocks[OWNERS];
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

/* A degraded page uses the other side's frame, so either block is right for either side. */
static bool leads_to_ram(const struct audit *audit, const struct ept_page *page)
{
    bool found = page->given;

    for (enum owner owner = NATIVE; owner < OWNERS; owner++)
        found |= inside(audit->blocks[owner], page->frame.v, page->run);
    return found;
}

/* Passed through as it is, and no memory that is in use. */
static bool is_device(const struct audit *audit, u64 gpa, const struct ept_page *page)
{
    bool used = false;

    for (enum owner owner = 0; owner < OWNERS; owner++)
        used |= overlaps(audit->blocks[owner], page->frame.v, page->run);
    return !used && page->frame.v == gpa && (page->perms & ~(u32)EPT_RW) == 0;
}

static bool is_right(const struct audit *audit, u64 gpa, const struct ept_page *page)
{
    const struct vm *vm = audit->vm;
    struct block ram = {0, vm->ram_bytes}, mirror = {vm->offset, vm->ram_bytes};
    struct block hole = {KMV_VGA_GPA_BASE, KMV_VGA_GPA_END - KMV_VGA_GPA_BASE};
    struct block sink = {vm_sink_gpa(vm).v, vm->offset - vm_sink_gpa(vm).v};
    struct block tables = {KMV_TABLES_GPA_BASE, KMV_TABLES_GPA_SIZE};

    if (overlaps(hole, gpa, page->run) || gpa >= KMV_DEVICE_BASE)
        return is_device(audit, gpa, page);
    if (inside(ram, gpa, page->run))
        return leads_to_ram(audit, page);
    if (!vm->mirrored)
        return false;
    if (inside(mirror, gpa, page->run))
        return leads_to_ram(audit, page) && (page->perms & EPT_EXEC) == 0;
    if (inside(sink, gpa, page->run))
        return page->frame.v == vm->sink.v && (page->perms & EPT_EXEC) == 0;
    return inside(tables, gpa, page->run) && page->perms == EPT_READ &&
           inside(audit->blocks[HEAP], page->frame.v, page->run);
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
    bool mirrored = (boot->flags & KMV_BOOT_MIRROR) != 0;
    struct audit audit = {
        .vm = vm,
        .blocks = {[IMAGE] = {boot->hv_base, boot->hv_size},
                   [HEAP] = {boot->heap_base, boot->heap_size},
                   [NATIVE] = {boot->guest_base, boot->guest_size},
                   [MIRROR] = {boot->mirror_base, mirrored ? boot->guest_size : 0},
                   [SPARE] = {boot->spare_base, boot->spare_size}},
    };

    ept_for_each(&vm->ept, look_at, &audit);
    return audit.result;
}
