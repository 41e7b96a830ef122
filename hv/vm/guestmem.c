#include <hv/vm/guestmem.h>

#include <hv/cpu/extable.h>
#include <hv/lib/string.h>
#include <hv/mm/phys.h>
#include <hv/recovery/recovery.h>
#include <hv/vm/vm.h>

/* Apart, so that the common case needs no registers saved. */
void *guest_page_recovered(struct vm *vm, gpa_t gpa, enum vm_side side)
{
    if (!vm_is_ram(vm, gpa) ||
        recovery_restore(vm, GPA(gpa.v & ~PAGE_MASK), side, "hypervisor") == RECOVERY_LOST)
        return NULL;
    return phys_ptr(HPA(ept_frame(&vm->ept, vm_side_gpa(vm, gpa, side)).v + (gpa.v & PAGE_MASK)));
}

void *guest_page_mirror(struct vm *vm, gpa_t gpa)
{
    bool there = vm->mirrored && vm_is_ram(vm, gpa);
    hpa_t frame = there ? ept_frame(&vm->ept, vm_side_gpa(vm, gpa, SIDE_MIRROR)) : HPA(0);

    if (frame.v == 0)
        return there ? guest_page_recovered(vm, gpa, SIDE_MIRROR) : NULL;
    return phys_ptr(HPA(frame.v | (gpa.v & PAGE_MASK)));
}

/* Bytes from gpa to the end of its page, at most `bytes`. */
static u64 chunk(gpa_t gpa, u64 bytes)
{
    return min_u64(PAGE_SIZE - (gpa.v & PAGE_MASK), bytes);
}

static bool all_usable(struct vm *vm, gpa_t gpa, u64 bytes)
{
    if (gpa.v + bytes < gpa.v || gpa.v + bytes > vm->ram_bytes)
        return false;
    for (u64 at = 0; at < bytes; at += chunk(GPA(gpa.v + at), bytes - at)) {
        if (guest_page_native(vm, GPA(gpa.v + at)) == NULL)
            return false;
    }
    return true;
}

int guest_read(struct vm *vm, gpa_t gpa, void *to, u64 bytes)
{
    u64 part;

    if (!all_usable(vm, gpa, bytes))
        return -HV_EFAULT;
    extable_take(EXTABLE_MACHINE_CHECK);
    for (u64 at = 0; at < bytes; at += part) {
        part = chunk(GPA(gpa.v + at), bytes - at);
        memcpy((u8 *)to + at, guest_page_native(vm, GPA(gpa.v + at)), part);
    }
    return extable_take(EXTABLE_MACHINE_CHECK) ? -HV_EFAULT : 0;
}

static void write_page(struct vm *vm, gpa_t gpa, const void *from, u64 bytes)
{
    /* The EPT doesn't see this write, so who relies on that must be told of it. */
    mirror_table_write(vm, gpa);
    scrub_forget(vm, GPA(gpa.v & ~PAGE_MASK));
    memcpy(guest_page_native(vm, gpa), from, bytes);
    if (vm->mirrored)
        memcpy(guest_page_mirror(vm, gpa), from, bytes);
}

int guest_write(struct vm *vm, gpa_t gpa, const void *from, u64 bytes)
{
    u64 part;

    if (!all_usable(vm, gpa, bytes))
        return -HV_EFAULT;
    for (u64 at = 0; at < bytes; at += part) {
        part = chunk(GPA(gpa.v + at), bytes - at);
        write_page(vm, GPA(gpa.v + at), (const u8 *)from + at, part);
    }
    return 0;
}
