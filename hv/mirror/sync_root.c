/*
 * Bringing a shadow root in step with the guest's page directory. As with the tables: protect,
 * flush, then read. A write after the reading is then sure to be seen as a violation, by whichever
 * CPU it is done.
 */
#include <hv/mirror/internal.h>

#include <hv/log/log.h>
#include <hv/mm/entry.h>
#include <hv/mm/tlb.h>
#include <hv/vm/guestmem.h>

/* Slots of a directory to be looked at. */
struct slots {
    u32 count;
    u16 slot[PG_ENTRIES];
};

/* Equal to the shadow means native, in step, and with the flags that are set there. What another
 * CPU may be in need of is left out. */
static void find_differing(struct vm *vm, const struct mirror_root *root, const u32 *guest,
                           struct slots *slots)
{
    const u32 *shadow = root_shadow(root);
    groups_t groups = groups_differing(guest, shadow, groups_of(guest) | root->native);

    slots->count = 0;
    FOR_ENTRIES_IN(groups, slot)
    {
        if (guest[slot] == native_part(shadow[slot]))
            continue;
        if (!takes_away(shadow[slot], guest[slot]) || may_take_away(vm, root->page))
            slots->slot[slots->count++] = (u16)slot;
        else
            vm->mirror.kept = true;
    }
}

static void store_slot(struct vm *vm, struct mirror_root *root, u32 slot, u32 pde)
{
    groups_t group = 1ull << slot / GROUP_ENTRIES;
    bool had_table = pde_has_table(vm, native_part(root_shadow(root)[slot]));
    bool has_table = pde_has_table(vm, native_part(pde));

    root->used |= group;
    if (!(pde & SHADOW_IS_MIRROR))
        root->native |= group;
    if (has_table && !had_table)
        root_note_table(root, slot);
    if (had_table && !has_table)
        root_forget_table(root, slot);
    entry_store32(&root_shadow(root)[slot], pde);
    vm->mirror.changes++;
}

/* The native entry goes first and comes last: whatever the CPU can write natively, it can write in
 * the mirror. */
static void clear_slot(struct vm *vm, struct mirror_root *root, u32 slot)
{
    u32 old = root_shadow(root)[slot];

    store_slot(vm, root, slot, 0);
    if (root_shadow(root)[mirror_slot(vm, slot)] & SHADOW_IS_MIRROR)
        store_slot(vm, root, mirror_slot(vm, slot), 0);
    flush_all_later(&vm->mirror);
    if (pde_has_table(vm, old))
        table_unref(vm, old & PG_FRAME);
}

static bool same_table(const struct vm *vm, u32 a, u32 b)
{
    return pde_has_table(vm, a) && pde_has_table(vm, b) && (a & PG_FRAME) == (b & PG_FRAME);
}

/* All removals come before all additions, since a slot's mirror may become a native slot and the
 * other way round. */
static void remove_slots(struct vm *vm, struct mirror_root *root, const u32 *guest,
                         const struct slots *slots)
{
    const u32 *shadow = root_shadow(root);

    for (u32 i = 0; i < slots->count; i++) {
        u32 slot = slots->slot[i], old = native_part(shadow[slot]), wanted;
        if (old == 0)
            continue;
        wanted = shadow_native_pde(guest[slot]);
        if (old != wanted && !same_table(vm, old, wanted))
            clear_slot(vm, root, slot);
    }
}

/* The entry for the mirror of a slot that is new. False: no memory. */
static bool make_mirror_pde(struct vm *vm, u32 slot, u32 pde, u32 *mirror_pde)
{
    u32 table;

    *mirror_pde = pde_is_large(&vm->mirror, pde) ? mirror_large_pde(vm, pde) : 0;
    if (!pde_has_table(vm, pde))
        return true;
    table = table_ref(vm, pde & PG_FRAME, slot);
    *mirror_pde = mirror_table_pde(pde, table);
    return table != 0;
}

/* The slot is empty, or has the same table with other rights: the rest was removed. */
static bool add_slot(struct vm *vm, struct mirror_root *root, u32 slot, u32 pde)
{
    const u32 *shadow = root_shadow(root);
    u32 mirror_pde;

    if (native_part(shadow[slot]) != 0) {
        mirror_pde = mirror_table_pde(pde, shadow[mirror_slot(vm, slot)] & PG_FRAME);
        flush_all_later(&vm->mirror);
    } else if (!make_mirror_pde(vm, slot, pde, &mirror_pde)) {
        return false;
    }
    if (shadow[mirror_slot(vm, slot)] != mirror_pde)
        store_slot(vm, root, mirror_slot(vm, slot), mirror_pde);
    store_slot(vm, root, slot, pde);
    return true;
}

/* Is the mirror of a present slot present itself? */
static bool conflict_at(const struct vm *vm, const u32 *guest, u32 slot)
{
    u32 below = mirrored_slot(vm, slot);

    if (!(guest[slot] & guest[below] & PG_PRESENT))
        return false;
    log_event("conflict", "native=0x%x mirror_of=0x%x", slot << PG_SLOT_SHIFT,
              below << PG_SLOT_SHIFT);
    return true;
}

static enum mirror_load_result add_slots(struct vm *vm, struct mirror_root *root, const u32 *guest,
                                         const struct slots *slots)
{
    const u32 *shadow = root_shadow(root);

    for (u32 i = 0; i < slots->count; i++) {
        u32 slot = slots->slot[i], wanted;
        if (!(guest[slot] & PG_PRESENT))
            continue;
        wanted = shadow_native_pde(guest[slot]);
        if (wanted == shadow[slot])
            continue;
        if (conflict_at(vm, guest, slot) || conflict_at(vm, guest, mirror_slot(vm, slot)))
            return MIRROR_LOAD_CONFLICT;
        if (!add_slot(vm, root, slot, wanted))
            return MIRROR_LOAD_NO_MEMORY;
    }
    return MIRROR_LOAD_OK;
}

/* The CPU walks the shadow root, so the guest's own never gets the flags it would have set there.
 * For a 4 MiB page the dirty flag as well: one set too early costs a guest a needless write-back,
 * one missing costs it data. */
static void mark_accessed(struct vm *vm, const struct mirror_root *root, u32 *guest,
                          const struct slots *slots)
{
    u32 *mirror = guest_page_mirror(vm, GPA(root->page->gpa));

    scrub_forget(vm, GPA(root->page->gpa));
    for (u32 i = 0; i < slots->count; i++) {
        u32 slot = slots->slot[i], pde = guest[slot], flags;
        if (!(pde & PG_PRESENT))
            continue;
        flags = pde_is_large(&vm->mirror, pde) ? PG_ACCESSED | PG_DIRTY : PG_ACCESSED;
        if ((pde & flags) == flags)
            continue;
        __atomic_fetch_or(&guest[slot], flags, __ATOMIC_RELAXED);
        if (mirror != NULL)
            __atomic_fetch_or(&mirror[slot], flags, __ATOMIC_RELAXED);
    }
}

static enum mirror_load_result scan_root(struct vm *vm, struct mirror_root *root)
{
    u32 *guest = guest_page_native(vm, GPA(root->page->gpa));
    enum mirror_load_result result;
    struct slots slots;

    if (guest == NULL)
        return MIRROR_LOAD_LOST_ROOT;
    find_differing(vm, root, guest, &slots);
    remove_slots(vm, root, guest, &slots);
    result = add_slots(vm, root, guest, &slots);
    if (result == MIRROR_LOAD_OK)
        mark_accessed(vm, root, guest, &slots);
    return result;
}

/* In step counts from the protection on: the page may serve as table too, and cease to, while it is
 * scanned. */
enum mirror_load_result root_sync(struct vm *vm, struct mirror_root *root)
{
    enum mirror_load_result result = MIRROR_LOAD_NO_MEMORY;

    root->unsync = false;
    vm->mirror.kept = false;
    if (page_protect(vm, root->page)) {
        tlb_flush_ept();
        result = scan_root(vm, root);
    }
    root->unsync = result != MIRROR_LOAD_OK || vm->mirror.kept;
    page_put(vm, root->page);
    return result;
}
