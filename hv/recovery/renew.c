/* Frames that come and go: pages that were lost on both sides and that the guest wants back,
 * whatever was in them; pages that it does without. */
#include <hv/recovery/recovery.h>

#include <hv/lib/string.h>
#include <hv/log/log.h>
#include <hv/mm/phys.h>
#include <hv/mm/tlb.h>

#define FRAMES_A_PAGE 2u /* native and mirror */

/* Nothing of a page that was not present is cached, so no flush is owed. */
static hpa_t put_empty_frame(struct vm *vm, gpa_t page, enum vm_side side)
{
    hpa_t frame = HPA(0);

    /* Can't fail: there are frames, and a bad page has an entry of its own. */
    if (frame_alloc(&vm->spare, &frame))
        ept_replace(&vm->ept, vm_side_gpa(vm, page, side), frame);
    return frame;
}

int recovery_renew(struct vm *vm, gpa_t gpa)
{
    gpa_t page = GPA(gpa.v & ~PAGE_MASK);
    hpa_t native, mirror = HPA(0);

    if (!vm_is_ram(vm, gpa) || !ept_lookup(&vm->ept, page).lost)
        return -HV_EINVAL;
    if (vm->spare.free_count < (vm->mirrored ? 2 : 1))
        return -HV_ENOMEM;
    /* It may have been a page table, which now maps nothing. */
    mirror_table_write(vm, page);
    recovery_set_protected(vm, page);
    native = put_empty_frame(vm, page, SIDE_NATIVE);
    if (vm->mirrored)
        mirror = put_empty_frame(vm, page, SIDE_MIRROR);
    vm->counters[KMV_COUNTER_spare_free] = vm->spare.free_count;
    scrub_forget(vm, page);
    vm->counters[KMV_COUNTER_renewed]++;
    log_event("renew", "gpage=0x%lx native=0x%lx mirror=0x%lx", page.v, native.v, mirror.v);
    return 0;
}

/* Gives a degraded page a second copy. As for any bad page, the other side stands meanwhile. */
static void heal(struct vm *vm, gpa_t page)
{
    gpa_t at = vm_side_gpa(vm, page, SIDE_MIRROR);
    struct ept_page native = ept_lookup(&vm->ept, page), mirror = ept_lookup(&vm->ept, at);
    hpa_t frame;

    /* The frame first: to take the page away may need one as well, for a table. */
    if (native.bad || native.frame.v != mirror.frame.v || !frame_take(&vm->spare, &frame))
        return;
    if (ept_set_bad(&vm->ept, at) != 0) {
        frame_return(&vm->spare, frame);
        return;
    }
    tlb_flush_ept();
    memcpy(phys_ptr(frame), phys_ptr(native.frame), PAGE_SIZE);
    ept_replace(&vm->ept, at, frame);
    vm->degraded--;
    vm->counters[KMV_COUNTER_healed]++;
    log_event("heal", "gpage=0x%lx frame=0x%lx new=0x%lx", page.v, native.frame.v, frame.v);
}

static void heal_pages(struct vm *vm)
{
    for (u64 at = 0; at < vm->ram_bytes && vm->degraded > 0 && vm->spare.free_count > 0;
         at += PAGE_SIZE) {
        if (vm_is_ram(vm, GPA(at)))
            heal(vm, GPA(at));
    }
}

/* A degraded page has one frame to give. */
static int give_frames(struct vm *vm, gpa_t page)
{
    gpa_t mirror = vm_side_gpa(vm, page, SIDE_MIRROR);
    hpa_t frames[] = {ept_lookup(&vm->ept, page).frame, ept_lookup(&vm->ept, mirror).frame};

    if (ept_set_bad(&vm->ept, page) != 0 || ept_set_bad(&vm->ept, mirror) != 0)
        return -HV_ENOMEM; /* recovered at its next access */
    ept_give(&vm->ept, page);
    ept_give(&vm->ept, mirror);
    tlb_flush_ept();
    if (frames[0].v == frames[1].v)
        vm->degraded--;
    for (u32 i = frames[0].v == frames[1].v; i < ARRAY_LEN(frames); i++)
        frame_give(&vm->spare, &vm->heap, frames[i]);
    return 0;
}

int recovery_give(struct vm *vm, gpa_t gpa)
{
    gpa_t page = GPA(gpa.v & ~PAGE_MASK);
    struct ept_page native, mirror;
    int error;

    if (!vm->mirrored || !vm_is_ram(vm, gpa))
        return -HV_EINVAL;
    native = ept_lookup(&vm->ept, page);
    mirror = ept_lookup(&vm->ept, vm_side_gpa(vm, page, SIDE_MIRROR));
    if (native.lost)
        return -HV_EALREADY;
    if (native.bad || mirror.bad)
        return -HV_EBUSY;
    if (vm->spare.stock_count + FRAMES_A_PAGE > FRAMES_STOCK)
        return -HV_ENOMEM;
    mirror_table_write(vm, page);
    error = give_frames(vm, page);
    if (error != 0)
        return error;
    vm->counters[KMV_COUNTER_given]++;
    log_event("give", "gpage=0x%lx native=0x%lx mirror=0x%lx", page.v, native.frame.v,
              mirror.frame.v);
    heal_pages(vm);
    vm->counters[KMV_COUNTER_spare_free] = vm->spare.free_count;
    return 0;
}
