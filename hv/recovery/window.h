/*
 * Windows: between a native write of translated code and its mirror write. The guest's memory holds
 * a map of them (kmv/windows.h); what it says is the guest's word, which costs the guest alone when
 * it is wrong.
 */
#ifndef HV_RECOVERY_WINDOW_H
#define HV_RECOVERY_WINDOW_H

#include <hv/types.h>
#include <hv/vm/vm.h>

/* No window is longer than this, in bytes of code. */
#define WINDOW_BYTES_MAX 16384u

/*
 * Does the address `at` of user or kernel code lie in a window? `maps`: the guest-virtual address
 * of the struct kmv_window_maps in force, 0: none. *end gets the linear address behind the window.
 * Bad pages met on the way are recovered.
 */
bool window_open(struct vm *vm, gva_t maps, bool user, u32 at, u32 *end);

#endif
