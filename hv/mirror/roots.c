/* Shadow roots: a bounded cache, the least recently used one goes first. */
#include <hv/mirror/internal.h>

#include <hv/mm/phys.h>

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

/* Most guests map their kernel alike, with large pages, in all directories: a new root starts with
 * those of the current one, and its first sync finds little to do. */
static void start_alike(struct vm *vm, struct mirror_root *root)
{
    const struct mirror_root *current = vm->mirror.self->current;
    const u32 *from;
    u32 *to = root_shadow(root);

    if (current == NULL)
        return;
    from = root_shadow(current);
    FOR_ENTRIES_IN(current->used, slot)
    {
        if (pde_is_large(&vm->mirror, from[slot]))
            to[slot] = from[slot];
    }
    root->used = current->used;
    root->native = current->native;
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
        table_frame_retire(vm, shadow);
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

void root_drop(struct vm *vm, struct mirror_root *root)
{
    struct mirror_page *page = root->page;
    const u32 *shadow = root_shadow(root);

    FOR_ENTRIES_IN(root->native, slot)
    {
        u32 pde = native_part(shadow[slot]);
        if (pde != 0 && pde_has_table(vm, pde))
            table_unref(vm, pde & PG_FRAME);
    }
    table_frame_retire(vm, root->shadow);
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
