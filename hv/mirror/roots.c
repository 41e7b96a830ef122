/* Shadow roots: a bounded cache, the least recently used one goes first. */
#include <hv/mirror/internal.h>

#include <hv/lib/string.h>
#include <hv/mm/phys.h>
#include <hv/vm/guestmem.h>

u32 *root_shadow(const struct mirror_root *root)
{
    return phys_ptr(root->shadow);
}

static struct mirror_root *find_free(struct mirror *mirror)
{
    for (u32 i = 0; i < MIRROR_ROOTS_MAX; i++) {
        if (mirror->roots[i].page == NULL)
            return &mirror->roots[i];
    }
    return NULL;
}

static struct mirror_root *take_free(struct vm *vm)
{
    struct mirror_root *root = find_free(&vm->mirror);

    if (root == NULL && root_evict(vm))
        root = find_free(&vm->mirror);
    return root;
}

void root_note_table(struct mirror_root *root, u32 slot)
{
    root->tables |= 1ull << slot / GROUP_ENTRIES;
    if (root->table_count < MIRROR_ROOT_TABLES)
        root->table_slots[root->table_count] = (u16)slot;
    if (root->table_count <= MIRROR_ROOT_TABLES)
        root->table_count++;
}

void root_forget_table(struct mirror_root *root, u32 slot)
{
    if (root->table_count > MIRROR_ROOT_TABLES)
        return;
    for (u32 i = 0; i < root->table_count; i++) {
        if (root->table_slots[i] != slot)
            continue;
        root->table_slots[i] = root->table_slots[--root->table_count];
        return;
    }
}

/* The tables that one group of the root reaches get its references. */
static void ref_tables(struct vm *vm, struct mirror_root *root, u32 group)
{
    const u32 *entries = &root_shadow(root)[group * GROUP_ENTRIES];

    for (u32 i = 0; i < GROUP_ENTRIES; i++) {
        if (!pde_has_table(vm, entries[i]))
            continue;
        table_ref_again(&vm->mirror, entries[i] & PG_FRAME);
        root_note_table(root, group * GROUP_ENTRIES + i);
    }
}

static void copy_group(struct vm *vm, struct mirror_root *root, const struct mirror_root *from,
                       u32 group)
{
    u32 first = group * GROUP_ENTRIES, mirror = mirror_slot(vm, first);

    memcpy(&root_shadow(root)[first], &root_shadow(from)[first], GROUP_BYTES);
    memcpy(&root_shadow(root)[mirror], &root_shadow(from)[mirror], GROUP_BYTES);
    root->native |= 1ull << group;
    root->used |= 1ull << group | 1ull << mirror / GROUP_ENTRIES;
    if (from->tables >> group & 1)
        ref_tables(vm, root, group);
}

/*
 * Most guests map their kernel alike in all directories: a new root starts with those groups of the
 * current one that its directory has too, and its first sync finds little to do. Only groups that
 * hold nothing but native entries, and whose mirrors hold nothing but these entries' own.
 */
static void start_alike(struct vm *vm, struct mirror_root *root)
{
    const struct mirror_root *from = vm->mirror.self->current;
    const u32 *guest = guest_page_native(vm, GPA(root->page->gpa));
    groups_t groups;

    if (from == NULL || guest == NULL)
        return;
    groups = from->native & ~mirror_groups(vm, from->native) & ~mirrored_groups(vm, from->native);
    for (; groups != 0; groups &= groups - 1) {
        u32 group = (u32)__builtin_ctzll(groups), first = group * GROUP_ENTRIES;

        if (group_is_equal(&guest[first], &root_shadow(from)[first]))
            copy_group(vm, root, from, group);
    }
}

static struct mirror_root *make_root(struct vm *vm, u32 gpa)
{
    struct mirror_root *root;
    struct mirror_page *page;
    hpa_t shadow;

    if (!table_frame_alloc(vm, &shadow))
        return NULL;
    root = take_free(vm);
    page = root == NULL ? NULL : page_get(vm, gpa);
    if (page == NULL) {
        table_frame_retire(vm, shadow, 0);
        return NULL;
    }
    *root = (struct mirror_root){.page = page, .shadow = shadow, .unsync = true};
    page->root = root;
    start_alike(vm, root);
    vm->counters[KMV_COUNTER_shadow_roots]++;
    return root;
}

struct mirror_root *root_get(struct vm *vm, u32 gpa)
{
    struct mirror_page *page = page_find(&vm->mirror, gpa);

    return page != NULL && page->root != NULL ? page->root : make_root(vm, gpa);
}

static void unref_tables(struct vm *vm, const struct mirror_root *root)
{
    const u32 *shadow = root_shadow(root);

    if (root->table_count <= MIRROR_ROOT_TABLES) {
        for (u32 i = 0; i < root->table_count; i++)
            table_unref(vm, shadow[root->table_slots[i]] & PG_FRAME);
        return;
    }
    FOR_ENTRIES_IN(root->tables, slot)
    {
        u32 pde = native_part(shadow[slot]);
        if (pde_has_table(vm, pde))
            table_unref(vm, pde & PG_FRAME);
    }
}

void root_drop(struct vm *vm, struct mirror_root *root)
{
    struct mirror_page *page = root->page;

    unref_tables(vm, root);
    table_frame_retire(vm, root->shadow, root->used);
    root->page = NULL;
    page->root = NULL;
    page_put(vm, page);
    vm->counters[KMV_COUNTER_shadow_roots]--;
}

bool root_is_current(const struct mirror *mirror, const struct mirror_root *root)
{
    for (u32 i = 0; i < KMV_CPUS_MAX; i++) {
        if (mirror->cpus[i].current == root)
            return true;
    }
    return false;
}

bool root_evict(struct vm *vm)
{
    struct mirror *mirror = &vm->mirror;
    struct mirror_root *oldest = NULL;

    for (u32 i = 0; i < MIRROR_ROOTS_MAX; i++) {
        struct mirror_root *root = &mirror->roots[i];
        if (root->page == NULL || root_is_current(mirror, root) || root == mirror->pinned)
            continue;
        if (oldest == NULL || root->last_used < oldest->last_used)
            oldest = root;
    }
    if (oldest != NULL)
        root_drop(vm, oldest);
    return oldest != NULL;
}

void root_drop_all(struct vm *vm)
{
    for (u32 i = 0; i < MIRROR_ROOTS_MAX; i++) {
        if (vm->mirror.roots[i].page != NULL)
            root_drop(vm, &vm->mirror.roots[i]);
    }
    vm->mirror.self->current = NULL;
}
