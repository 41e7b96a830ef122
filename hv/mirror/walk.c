/* What the CPU finds when it walks the current shadow root. */
#include <hv/mirror/internal.h>

#include <hv/mm/phys.h>
#include <hv/vm/guestmem.h>

/* The flags that both levels agree on; none where the address isn't mapped. */
static u32 walk_rights(struct vm *vm, u32 address)
{
    u32 pde = root_shadow(vm->mirror.self->current)[address >> PG_SLOT_SHIFT];
    const u32 *table;

    if (!(pde & PG_PRESENT) || pde_is_large(&vm->mirror, pde))
        return pde;
    table = pde & SHADOW_IS_MIRROR ? phys_ptr(table_frame_at(vm, pde & PG_FRAME))
                                   : guest_page_native(vm, GPA(pde & PG_FRAME));
    return table == NULL ? 0 : pde & table[address >> PAGE_SHIFT & (PG_ENTRIES - 1)];
}

bool walk_allows(struct vm *vm, u32 address, u32 error_code)
{
    u32 rights = walk_rights(vm, address);

    if (!(rights & PG_PRESENT))
        return false;
    /* The fault was for want of an entry, and now there is one. If it gives too few rights, the
     * next fault says so; without CR0.WP there may be none. */
    if (!(error_code & PF_PRESENT))
        return true;
    if ((error_code & PF_WRITE) && !(rights & PG_WRITE))
        return false;
    if (error_code & PF_USER)
        return (rights & PG_USER) != 0;
    /* SMEP: only with it (no PAE here) are supervisor fetches told from reads. */
    return !((error_code & PF_FETCH) && (rights & PG_USER));
}

const u8 *mirror_code_at(struct vm *vm, gva_t address, u32 *bytes)
{
    const struct mirror_root *root = vm->mirror.self->current;
    u32 at = (u32)address.v, pde = root == NULL ? 0 : root_shadow(root)[at >> PG_SLOT_SHIFT], entry;
    const u32 *entries;

    *bytes = PAGE_SIZE - (at & PAGE_MASK);
    if ((pde & (PG_PRESENT | SHADOW_IS_MIRROR)) != PG_PRESENT)
        return NULL;
    if (pde_is_large(&vm->mirror, pde))
        return guest_page_native(vm, GPA((pde & PG_LARGE_FRAME) | (at & ~PG_LARGE_FRAME)));
    entries = guest_page_native(vm, GPA(pde & PG_FRAME));
    entry = entries == NULL ? 0 : entries[at >> PAGE_SHIFT & (PG_ENTRIES - 1)];
    return entry & PG_PRESENT ? guest_page_native(vm, GPA((entry & PG_FRAME) | (at & PAGE_MASK)))
                              : NULL;
}
