/*
 * Bringing a shadow root and its mirror tables in step with the guest's tables. Always protect,
 * flush, then read: a write after the reading is then sure to be seen as a violation, by whichever
 * CPU it is done.
 */
#include <hv/mirror/internal.h>

#include <hv/log/log.h>
#include <hv/mm/entry.h>
#include <hv/mm/phys.h>
#include <hv/mm/tlb.h>
#include <hv/vm/guestmem.h>

static void store_slot(struct vm *vm, struct mirror_root *root, u32 slot, u32 pde)
{
    entry_store32(&root_shadow(root)[slot], pde);
    vm->mirror.changes++;
}

/* The native entry goes first and comes last: whatever the CPU can write natively, it can write in
 * the mirror. */
static void clear_slot(struct vm *vm, struct mirror_root *root, u32 slot)
{
    u32 old = root_native(root, slot);

    store_slot(vm, root, slot, 0);
    if (root_shadow(root)[mirror_slot(vm, slot)] & SHADOW_IS_MIRROR)
        store_slot(vm, root, mirror_slot(vm, slot), 0);
    flush_all_later(&vm->mirror);
    if (pde_has_table(vm, old))
        table_unref(vm, old & PG_FRAME);
}

static void fill_slot(struct vm *vm, struct mirror_root *root, u32 slot, u32 pde, u32 mirror_pde)
{
    if (root_shadow(root)[mirror_slot(vm, slot)] != mirror_pde)
        store_slot(vm, root, mirror_slot(vm, slot), mirror_pde);
    store_slot(vm, root, slot, pde);
}

static bool same_table(const struct vm *vm, u32 a, u32 b)
{
    return pde_has_table(vm, a) && pde_has_table(vm, b) && (a & PG_FRAME) == (b & PG_FRAME);
}

/* All removals come before all additions, since a slot's mirror may become a native slot and the
 * other way round. */
static void remove_slots(struct vm *vm, struct mirror_root *root, const u32 *guest)
{
    for (u32 slot = 0; slot < PG_ENTRIES; slot++) {
        u32 old = root_native(root, slot);
        u32 wanted = shadow_native_pde(&vm->mirror, guest[slot]);
        if (old != 0 && old != wanted && !same_table(vm, old, wanted))
            clear_slot(vm, root, slot);
    }
}

static enum mirror_load_result add_slot(struct vm *vm, struct mirror_root *root, u32 slot, u32 pde)
{
    u32 old = root_native(root, slot);
    u32 mirror_pde = 0;

    if (old != 0) {
        u32 mirror_old = root_shadow(root)[mirror_slot(vm, slot)];
        fill_slot(vm, root, slot, pde, mirror_table_pde(pde, mirror_old & PG_FRAME));
        flush_all_later(&vm->mirror);
        return MIRROR_LOAD_OK;
    }
    if (pde_has_table(vm, pde)) {
        u32 table = table_ref(vm, pde & PG_FRAME, slot);
        if (table == 0)
            return MIRROR_LOAD_NO_MEMORY;
        mirror_pde = mirror_table_pde(pde, table);
    } else if (pde_is_large(&vm->mirror, pde)) {
        mirror_pde = mirror_large_pde(vm, pde);
    }
    fill_slot(vm, root, slot, pde, mirror_pde);
    return MIRROR_LOAD_OK;
}

/* Is the mirror of a present slot present itself? */
static bool conflict_at(const struct vm *vm, const u32 *guest, u32 slot)
{
    u32 below = mirrored_slot(vm, slot);

    if (!(guest[slot] & guest[below] & PG_PRESENT))
        return false;
    log_event("conflict", "native=0x%llx mirror_of=0x%llx",
              (unsigned long long)slot << PG_SLOT_SHIFT,
              (unsigned long long)below << PG_SLOT_SHIFT);
    return true;
}

static enum mirror_load_result add_slots(struct vm *vm, struct mirror_root *root, const u32 *guest)
{
    for (u32 slot = 0; slot < PG_ENTRIES; slot++) {
        u32 wanted = shadow_native_pde(&vm->mirror, guest[slot]);
        enum mirror_load_result result;
        if (wanted == root_native(root, slot))
            continue;
        if (conflict_at(vm, guest, slot) || conflict_at(vm, guest, mirror_slot(vm, slot)))
            return MIRROR_LOAD_CONFLICT;
        result = add_slot(vm, root, slot, wanted);
        if (result != MIRROR_LOAD_OK)
            return result;
    }
    return MIRROR_LOAD_OK;
}

/* The CPU walks the shadow root, so the guest's own never gets the flags it would have set there.
 * For a 4 MiB page the dirty flag as well: one set too early costs a guest a needless write-back,
 * one missing costs it data. */
static void mark_accessed(struct vm *vm, const struct mirror_root *root, u32 *guest)
{
    u32 *mirror = guest_page_mirror(vm, GPA(root->page->gpa));

    for (u32 slot = 0; slot < PG_ENTRIES; slot++) {
        u32 pde = guest[slot];
        u32 flags = pde_is_large(&vm->mirror, pde) ? PG_ACCESSED | PG_DIRTY : PG_ACCESSED;
        if (!(pde & PG_PRESENT) || (pde & flags) == flags)
            continue;
        guest[slot] |= flags;
        if (mirror != NULL)
            mirror[slot] |= flags;
    }
}

static enum mirror_load_result scan_root(struct vm *vm, struct mirror_root *root)
{
    u32 *guest = guest_page_native(vm, GPA(root->page->gpa));
    enum mirror_load_result result;

    if (guest == NULL)
        return MIRROR_LOAD_BAD_ROOT;
    remove_slots(vm, root, guest);
    result = add_slots(vm, root, guest);
    if (result == MIRROR_LOAD_OK)
        mark_accessed(vm, root, guest);
    return result;
}

/* In step counts from the protection on: the page may serve as table too, and cease to, while it is
 * scanned. */
enum mirror_load_result root_sync(struct vm *vm, struct mirror_root *root)
{
    enum mirror_load_result result = MIRROR_LOAD_NO_MEMORY;

    root->unsync = false;
    if (page_protect(vm, root->page)) {
        tlb_flush_ept();
        result = scan_root(vm, root);
    }
    root->unsync = result != MIRROR_LOAD_OK;
    page_put(vm, root->page);
    return result;
}

/* A table that several slots use would owe one address for each of them. */
static void owe_flush(struct vm *vm, const struct mirror_page *page, u32 index)
{
    u32 slot = mirror_slot(vm, page->slot);

    if (page->refs > 1)
        flush_all_later(&vm->mirror);
    else
        flush_later(&vm->mirror, slot << PG_SLOT_SHIFT | index << PAGE_SHIFT);
}

static void set_table_entry(struct vm *vm, const struct mirror_page *page, u32 index, u32 pte)
{
    u32 *entry = (u32 *)phys_ptr(page->table) + index;

    if (*entry == pte)
        return;
    if (*entry & PG_PRESENT)
        owe_flush(vm, page, index);
    entry_store32(entry, pte);
    vm->mirror.changes++;
}

/* A table that was lost on both sides maps nothing. */
static void scan_table(struct vm *vm, const struct mirror_page *page)
{
    const u32 *native = guest_page_native(vm, GPA(page->gpa));

    for (u32 i = 0; i < PG_ENTRIES; i++)
        set_table_entry(vm, page, i, native == NULL ? 0 : mirror_pte(vm, native[i]));
    page_copy_flags(vm, page);
    vm->counters[KMV_COUNTER_pt_syncs]++;
}

static bool slot_reaches(const struct vm *vm, const struct mirror_root *root, u32 slot, u32 table)
{
    u32 pde = root_native(root, slot);

    return pde_has_table(vm, pde) && (pde & PG_FRAME) == table;
}

/* Does the root reach the table? The slot where it was last seen is right nearly always. */
static bool reaches(const struct vm *vm, const struct mirror_root *root, struct mirror_page *page)
{
    if (slot_reaches(vm, root, page->slot, page->gpa))
        return true;
    for (u32 slot = 0; slot < PG_ENTRIES; slot++) {
        if (slot_reaches(vm, root, slot, page->gpa)) {
            page->slot = slot;
            return true;
        }
    }
    return false;
}

/* Moves those unsync tables that the root reaches to `reached`. The others may be free pages by
 * now, full of anything. In step counts from here on: to find memory for the protection may evict a
 * root on the same page. */
static void collect_reached(struct vm *vm, const struct mirror_root *root,
                            struct list_link *reached)
{
    struct list_link *unsync = &vm->mirror.unsync, *next;

    for (struct list_link *link = unsync->next; link != unsync; link = next) {
        struct mirror_page *page = LIST_ITEM(link, struct mirror_page, unsync);
        next = link->next;
        if (reaches(vm, root, page)) {
            list_remove(link);
            list_append(reached, link);
            page->table_in_step = true;
        }
    }
}

static bool protect_all(struct vm *vm, struct list_link *pages)
{
    for (struct list_link *link = pages->next; link != pages; link = link->next) {
        if (!page_protect(vm, LIST_ITEM(link, struct mirror_page, unsync)))
            return false;
    }
    tlb_flush_ept();
    return true;
}

static void cancel_sync(struct vm *vm, struct mirror_page *page)
{
    table_set_unsync(&vm->mirror, page);
    page_put(vm, page);
}

static enum mirror_load_result sync_tables(struct vm *vm, const struct mirror_root *root)
{
    struct list_link reached;
    bool is_protected;

    list_init(&reached);
    collect_reached(vm, root, &reached);
    if (list_is_empty(&reached))
        return MIRROR_LOAD_OK;
    is_protected = protect_all(vm, &reached);
    while (!list_is_empty(&reached)) {
        struct mirror_page *page = LIST_ITEM(reached.next, struct mirror_page, unsync);
        list_remove(&page->unsync);
        if (is_protected)
            scan_table(vm, page);
        else
            cancel_sync(vm, page);
    }
    return is_protected ? MIRROR_LOAD_OK : MIRROR_LOAD_NO_MEMORY;
}

enum mirror_load_result root_bring_in_step(struct vm *vm, struct mirror_root *root)
{
    enum mirror_load_result result = MIRROR_LOAD_OK;

    vm->mirror.pinned = root;
    if (root->unsync)
        result = root_sync(vm, root);
    if (result == MIRROR_LOAD_OK && !list_is_empty(&vm->mirror.unsync))
        result = sync_tables(vm, root);
    return result;
}
