#include <hv/mirror/mirror.h>

#include <hv/mirror/internal.h>
#include <hv/mm/phys.h>
#include <hv/vm/guestmem.h>

#define CR3_CACHE_BITS (PG_PWT | PG_PCD)

static enum mirror_load_result bring_in_step(struct vm *vm, struct mirror_root *root)
{
    enum mirror_load_result result = MIRROR_LOAD_OK;

    vm->mirror.pinned = root;
    vm->mirror.kept = false;
    if (root->unsync)
        result = root_sync(vm, root);
    if (result == MIRROR_LOAD_OK && !list_is_empty(&vm->mirror.unsync))
        result = tables_sync(vm, root);
    return result == MIRROR_LOAD_OK && vm->mirror.kept ? MIRROR_LOAD_NOT_ALONE : result;
}

/* An entry that would be a large page with PSE on. */
static bool has_large(struct vm *vm, u32 root_gpa)
{
    const u32 *guest = guest_page_native(vm, GPA(root_gpa));
    bool found = false;

    for (u32 i = 0; i < PG_ENTRIES && guest != NULL; i++)
        found |= (guest[i] & (PG_PRESENT | PG_LARGE)) == (PG_PRESENT | PG_LARGE);
    return found;
}

/*
 * Shadow roots made under the other meaning of bit 7 of their entries are of no use any more. While
 * other CPUs run on roots, one that has PSE off may join those that have it on with a root for
 * which it makes no difference: a CPU that starts is such a one. False: it can't be.
 */
static bool set_pse(struct vm *vm, u32 root_gpa, bool pse)
{
    if (vm->mirror.pse == pse)
        return true;
    for (u32 i = 0; i < KMV_CPUS_MAX; i++) {
        if (vm->mirror.cpus[i].current != NULL && &vm->mirror.cpus[i] != vm->mirror.self)
            return !pse && !has_large(vm, root_gpa);
    }
    root_drop_all(vm);
    vm->mirror.pse = pse;
    return true;
}

/* A root that is left unsync would not be seen to be freed. A conflict in it is found again when it
 * is loaded again. */
static void leave_root(struct vm *vm, struct mirror_root *root)
{
    if (root == NULL || !root->unsync)
        return;
    vm->mirror.pinned = root;
    root_sync(vm, root);
    if (root->unsync && !root_is_current(&vm->mirror, root))
        root_drop(vm, root);
}

static void make_current(struct vm *vm, struct mirror_root *root)
{
    struct mirror *mirror = &vm->mirror;
    struct mirror_root *left = mirror->self->current;

    mirror->self->current = root;
    mirror->self->retry.valid = false;
    if (root != NULL)
        root->last_used = ++mirror->clock;
    if (left != root)
        leave_root(vm, left);
}

static enum mirror_load_result load_root(struct vm *vm, u32 gpa, struct mirror_root **root)
{
    enum mirror_load_result result;

    *root = root_get(vm, gpa);
    if (*root == NULL)
        return MIRROR_LOAD_NO_MEMORY;
    result = bring_in_step(vm, *root);
    if (result == MIRROR_LOAD_OK)
        make_current(vm, *root);
    else if (result != MIRROR_LOAD_NOT_ALONE && !root_is_current(&vm->mirror, *root))
        root_drop(vm, *root);
    return result;
}

enum mirror_load_result mirror_load_root(struct vm *vm, u32 guest_cr3, bool pse, u32 *real_cr3)
{
    enum mirror_load_result result;
    struct mirror_root *root;

    *real_cr3 = guest_cr3;
    if (!vm->mirrored)
        return MIRROR_LOAD_OK;
    if (!vm_is_ram(vm, GPA(guest_cr3)))
        return MIRROR_LOAD_BAD_ROOT;
    if (!set_pse(vm, guest_cr3 & PG_FRAME, pse))
        return MIRROR_LOAD_PSE_DIFFERS;
    result = load_root(vm, guest_cr3 & PG_FRAME, &root);
    if (result == MIRROR_LOAD_OK)
        *real_cr3 = table_frame_gpa(vm, root->shadow) | (guest_cr3 & CR3_CACHE_BITS);
    mirror_finish(vm);
    return result;
}

void mirror_unload_root(struct vm *vm)
{
    if (!vm->mirrored)
        return;
    make_current(vm, NULL);
    mirror_finish(vm);
}

enum mirror_load_result mirror_sync(struct vm *vm)
{
    enum mirror_load_result result;

    if (!vm->mirrored || vm->mirror.self->current == NULL)
        return MIRROR_LOAD_OK;
    result = bring_in_step(vm, vm->mirror.self->current);
    mirror_finish(vm);
    return result;
}

void mirror_settle(struct vm *vm)
{
    /* A conflict or want of memory shows again at the next flush point, where the guest can be
     * stopped for it. */
    mirror_sync(vm);
    for (u32 i = 0; i < MIRROR_BUCKETS; i++) {
        for (struct mirror_page *page = vm->mirror.buckets[i]; page != NULL; page = page->next)
            page_copy_flags(vm, page, GROUPS_ALL);
    }
}

bool mirror_settle_page(struct vm *vm, gpa_t gpa)
{
    const struct mirror_page *page = page_find(&vm->mirror, (u32)gpa.v);

    if (page != NULL)
        page_copy_flags(vm, page, GROUPS_ALL);
    return page != NULL;
}

static void mark_written(struct mirror *mirror, struct mirror_page *page)
{
    if (page->root != NULL)
        page->root->unsync = true;
    if (page->table.v != 0)
        table_set_unsync(mirror, page);
}

bool mirror_table_write(struct vm *vm, gpa_t gpa)
{
    struct mirror *mirror = &vm->mirror;
    u32 page_gpa = (u32)gpa.v & PG_FRAME;
    struct mirror_page *page = page_find(mirror, page_gpa);

    if (page == NULL)
        return false;
    vm->counters[KMV_COUNTER_pt_writes]++;
    /* A root that nobody runs on is most likely being freed. If not, it is made again at its next
     * load. */
    if (page->root != NULL && !root_is_current(mirror, page->root)) {
        root_drop(vm, page->root);
        page = page_find(mirror, page_gpa);
    }
    if (page != NULL) {
        mark_written(mirror, page);
        page_put(vm, page);
    }
    mirror_finish(vm);
    return true;
}

/* So few stores between two flush points are done one by one. */
#define STORES_MAX 8u

struct mirror_page *mirror_storable(struct vm *vm, gpa_t gpa)
{
    struct mirror_page *page = page_find(&vm->mirror, (u32)gpa.v & PG_FRAME);

    if (page == NULL || page->root != NULL || !page->table_in_step || gpa.v % sizeof(u32) != 0 ||
        !table_is_current(vm, page))
        return NULL;
    if (page->stores_at != vm->mirror.clock)
        page->stores = 0;
    page->stores_at = vm->mirror.clock;
    return page->stores++ < STORES_MAX ? page : NULL;
}

bool mirror_table_store(struct vm *vm, struct mirror_page *page, gpa_t gpa, u32 value)
{
    hpa_t frame = ept_frame(&vm->ept, gpa);

    if (frame.v == 0)
        return false;
    table_store(vm, page, phys_ptr(frame), (u32)gpa.v / sizeof(value) % PG_ENTRIES, value);
    vm->counters[KMV_COUNTER_pt_writes]++;
    mirror_finish(vm);
    return true;
}
