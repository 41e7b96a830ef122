/* Bringing the mirror tables that a root reaches in step with the guest's page tables. */
#include <hv/mirror/internal.h>

#include <hv/mm/entry.h>
#include <hv/mm/phys.h>
#include <hv/mm/tlb.h>
#include <hv/vm/guestmem.h>

/* A table that several slots use would owe one address for each of them. */
static void owe_flush(struct vm *vm, const struct mirror_page *page, u32 index)
{
    u32 slot = mirror_slot(vm, page->slot);

    if (page->refs > 1)
        flush_all_later(&vm->mirror);
    else
        flush_later(&vm->mirror, slot << PG_SLOT_SHIFT | index << PAGE_SHIFT);
}

/* `table` is that of a tracked page, and so in RAM. */
static bool slot_reaches(const struct vm *vm, const struct mirror_root *root, u32 slot, u32 table)
{
    u32 pde = native_part(root_shadow(root)[slot]);

    return (pde & (PG_FRAME | PG_PRESENT)) == (table | PG_PRESENT) &&
           !pde_is_large(&vm->mirror, pde);
}

static bool reaches(const struct vm *vm, const struct mirror_root *root, struct mirror_page *page)
{
    bool listed = root->table_count <= MIRROR_ROOT_TABLES;
    u32 count = listed ? root->table_count : PG_ENTRIES;

    for (u32 i = 0; i < count; i++) {
        u32 slot = listed ? root->table_slots[i] : i;
        if (slot_reaches(vm, root, slot, page->gpa)) {
            page->slot = slot;
            return true;
        }
    }
    return false;
}

bool may_take_away(struct vm *vm, struct mirror_page *page)
{
    const struct mirror *mirror = &vm->mirror;

    for (u32 i = 0; i < KMV_CPUS_MAX && !mirror->alone; i++) {
        const struct mirror_root *root = mirror->cpus[i].current;
        if (root != NULL && &mirror->cpus[i] != mirror->self &&
            (root == page->root || reaches(vm, root, page)))
            return false;
    }
    return true;
}

/* Was the mirror entry another one? */
static inline bool scan_entry(struct vm *vm, struct mirror_page *page, u32 *table, u32 index,
                              u32 pte)
{
    u32 wanted = mirror_pte(vm, pte), old = table[index];

    if (old == wanted)
        return false;
    if (!vm->mirror.alone && takes_away(old, wanted) && !may_take_away(vm, page)) {
        table_set_unsync(&vm->mirror, page);
        vm->mirror.kept = true;
        return false;
    }
    if (old & PG_PRESENT)
        owe_flush(vm, page, index);
    entry_store32(&table[index], wanted);
    return true;
}

static void note_change(struct mirror *mirror, struct mirror_page *page, u32 group)
{
    page->used |= 1ull << group;
    mirror->changes++;
}

/* A table that was lost on both sides maps nothing. */
static const u32 *native_table(struct vm *vm, const struct mirror_page *page)
{
    static const u32 lost[PG_ENTRIES];
    const u32 *native = guest_page_native(vm, GPA(page->gpa));

    return native == NULL ? lost : native;
}

static void scan_group(struct vm *vm, struct mirror_page *page, const u32 *native, u32 group)
{
    u32 *table = phys_ptr(page->table), end = (group + 1) * GROUP_ENTRIES;
    bool changed = false;

    for (u32 i = end - GROUP_ENTRIES; i < end; i++)
        changed |= scan_entry(vm, page, table, i, native[i]);
    if (changed)
        note_change(&vm->mirror, page, group);
}

static void scan_table(struct vm *vm, struct mirror_page *page)
{
    const u32 *native = native_table(vm, page);
    groups_t groups = groups_of(native) | page->used;

    for (groups_t left = groups; left != 0; left &= left - 1)
        scan_group(vm, page, native, (u32)__builtin_ctzll(left));
    page_copy_flags(vm, page, groups);
    vm->counters[KMV_COUNTER_pt_syncs]++;
}

static bool is_new(struct vm *vm, const struct mirror_page *page, const u32 *native, u32 index)
{
    const u32 *table = phys_ptr(page->table);

    return mirror_pte(vm, native[index]) != table[index];
}

/* Entries that are new lie side by side: a process got many pages at once. */
static void scan_around(struct vm *vm, struct mirror_page *page, u32 index)
{
    const u32 *native = native_table(vm, page);
    u32 first = index / GROUP_ENTRIES, end = first + 1;

    scan_group(vm, page, native, first);
    for (; end < GROUPS && is_new(vm, page, native, end * GROUP_ENTRIES); end++)
        scan_group(vm, page, native, end);
    for (; first > 0 && is_new(vm, page, native, first * GROUP_ENTRIES - 1); first--)
        scan_group(vm, page, native, first - 1);
}

void table_catch_up(struct vm *vm, const struct mirror_root *root, u32 address)
{
    u32 native = root_shadow(root)[mirrored_slot(vm, address >> PG_SLOT_SHIFT)];
    struct mirror_page *page;

    if (native == 0 || (native & SHADOW_IS_MIRROR) || !pde_has_table(vm, native))
        return;
    page = page_find(&vm->mirror, native & PG_FRAME);
    if (!page->table_in_step)
        scan_around(vm, page, address >> PAGE_SHIFT & (PG_ENTRIES - 1));
}

/* A table that only other roots reach is most likely being freed: not worth a store. */
bool table_is_current(const struct vm *vm, const struct mirror_page *page)
{
    const struct mirror_root *root = vm->mirror.self->current;

    return root != NULL && slot_reaches(vm, root, page->slot, page->gpa);
}

void table_store(struct vm *vm, struct mirror_page *page, u32 *native, u32 index, u32 pte)
{
    scrub_forget(vm, GPA(page->gpa));
    entry_store32(&native[index], pte);
    if (scan_entry(vm, page, phys_ptr(page->table), index, pte))
        note_change(&vm->mirror, page, index / GROUP_ENTRIES);
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

enum mirror_load_result tables_sync(struct vm *vm, const struct mirror_root *root)
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
