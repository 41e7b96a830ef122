/* The hypervisor's own reads and writes of guest RAM: bad pages are recovered first, writes reach
 * both copies. */
#ifndef HV_VM_GUESTMEM_H
#define HV_VM_GUESTMEM_H

#include <hv/types.h>
#include <hv/vm/vm.h>

/* Pointer to one side's frame of the RAM page that holds `gpa` (native address), at gpa's offset in
 * the page, after recovering it if bad. NULL when gpa is not RAM or the page is lost. Valid until
 * the next recovery of that page. */
void *guest_page_mirror(struct vm *vm, gpa_t gpa);

/* The same of a page that has no frame now. */
__attribute__((cold)) void *guest_page_recovered(struct vm *vm, gpa_t gpa, enum vm_side side);

/* Inline, as nothing is asked more often. */
static inline void *guest_page_native(struct vm *vm, gpa_t gpa)
{
    hpa_t frame = vm_is_ram(vm, gpa) ? ept_frame(&vm->ept, gpa) : HPA(0);

    if (frame.v == 0)
        return guest_page_recovered(vm, gpa, SIDE_NATIVE);
    return phys_ptr(HPA(frame.v | (gpa.v & PAGE_MASK)));
}

/* Copy from/to guest RAM; may cross pages. 0, or -HV_EFAULT when a byte of the range is not RAM or
 * lost (nothing is written then), or turns out to be bad while it is read. */
int guest_read(struct vm *vm, gpa_t gpa, void *to, u64 bytes);
int guest_write(struct vm *vm, gpa_t gpa, const void *from, u64 bytes);

#endif
