/* Pages that were lost on both sides and that the guest wants back, whatever was in them. */
#include <hv/recovery/recovery.h>

#include <hv/log/log.h>

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
    hpa_t native, mirror = HPA(0);
    enum vm_side side;
    gpa_t page;

    if (!vm_ram_side(vm, gpa, &side, &page) || side != SIDE_NATIVE ||
        !ept_lookup(&vm->ept, page).lost)
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
    log_event("renew", "gpage=0x%llx native=0x%llx mirror=0x%llx", (unsigned long long)page.v,
              (unsigned long long)native.v, (unsigned long long)mirror.v);
    return 0;
}
