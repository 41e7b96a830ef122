/* The hypervisor's own reads and writes of guest RAM: bad pages are recovered first, writes reach
 * both copies. */
#ifndef HV_VM_GUESTMEM_H
#define HV_VM_GUESTMEM_H

#include <hv/types.h>

struct vm;

/* Pointer to one side's frame of the RAM page that holds `gpa` (native address), at gpa's offset in
 * the page, after recovering it if bad. NULL when gpa is not RAM or the page is lost. Valid until
 * the next recovery of that page. */
void *guest_page_native(struct vm *vm, gpa_t gpa);
void *guest_page_mirror(struct vm *vm, gpa_t gpa);

/* Copy from/to guest RAM; may cross pages. 0, or -HV_EFAULT when a byte of the range is not RAM or
 * lost (nothing is written then), or turns out to be bad while it is read. */
int guest_read(struct vm *vm, gpa_t gpa, void *to, u64 bytes);
int guest_write(struct vm *vm, gpa_t gpa, const void *from, u64 bytes);

#endif
