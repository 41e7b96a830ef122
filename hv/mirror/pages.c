/* Guest pages tracked as page directories and page tables, found by address. */
#include <hv/mirror/internal.h>

#include <hv/lib/string.h>
#include <hv/mm/phys.h>
#include <hv/vm/guestmem.h>

static u32 bucket_of(u32 gpa)
{
    return (gpa >> PAGE_SHIFT) * 2654435761u >> (32 - MIRROR_BUCKETS_LOG2);
}

struct mirror_page *page_find(const struct mirror *mirror, u32 gpa)
{
    struct mirror_page *page = mirror->buckets[bucket_of(gpa)];

    while (page != NULL && page->gpa != gpa)
        page = page->next;
    return page;
}

/* Cuts a heap frame into nodes. They return to the list of unused nodes, the frame never to the
 * heap. */
static bool make_nodes(struct vm *vm)
{
    struct mirror_page *nodes;
    hpa_t frame;

    if (!mirror_frame_alloc(vm, &frame))
        return false;
    nodes = phys_ptr(frame);
    for (u32 i = 0; i < PAGE_SIZE / sizeof(*nodes); i++) {
        nodes[i].next = vm->mirror.unused_nodes;
        vm->mirror.unused_nodes = &nodes[i];
    }
    return true;
}

struct mirror_page *page_get(struct vm *vm, u32 gpa)
{
    struct mirror *mirror = &vm->mirror;
    struct mirror_page **bucket = &mirror->buckets[bucket_of(gpa)];
    struct mirror_page *page = page_find(mirror, gpa);

    if (page != NULL)
        return page;
    if (mirror->unused_nodes == NULL && !make_nodes(vm))
        return NULL;
    page = mirror->unused_nodes;
    mirror->unused_nodes = page->next;
    memset(page, 0, sizeof(*page));
    page->gpa = gpa;
    page->next = *bucket;
    *bucket = page;
    return page;
}

static void forget(struct mirror *mirror, struct mirror_page *page)
{
    struct mirror_page **link = &mirror->buckets[bucket_of(page->gpa)];

    while (*link != page)
        link = &(*link)->next;
    *link = page->next;
    page->next = mirror->unused_nodes;
    mirror->unused_nodes = page;
}

/* Does a shadow rely on the page not changing unseen? */
static bool in_step(const struct mirror_page *page)
{
    return page->table_in_step || (page->root != NULL && !page->root->unsync);
}

void page_put(struct vm *vm, struct mirror_page *page)
{
    if (!in_step(page))
        scrub_open(vm, GPA(page->gpa));
    if (page->refs == 0 && page->root == NULL)
        forget(&vm->mirror, page);
}

bool page_protect(struct vm *vm, const struct mirror_page *page)
{
    while (ept_set_perms(&vm->ept, GPA(page->gpa), EPT_RX) != 0) {
        if (!mirror_reclaim(vm))
            return false;
    }
    return true;
}

void page_copy_flags(struct vm *vm, const struct mirror_page *page, groups_t groups)
{
    const u32 *native = guest_page_native(vm, GPA(page->gpa));
    u32 *mirror = guest_page_mirror(vm, GPA(page->gpa));

    if (native == NULL || mirror == NULL)
        return;
    groups = groups_differing(native, mirror, groups);
    /* Where another CPU stores its own mirror meanwhile, that one holds. */
    FOR_ENTRIES_IN(groups, i)
    {
        u32 copy = mirror[i], wanted = native[i], difference = wanted ^ copy;
        if (difference != 0 && (difference & ~(PG_ACCESSED | PG_DIRTY)) == 0)
            __atomic_compare_exchange_n(&mirror[i], &copy, wanted, false, __ATOMIC_RELAXED,
                                        __ATOMIC_RELAXED);
    }
}

void table_set_unsync(struct mirror *mirror, struct mirror_page *page)
{
    page->table_in_step = false;
    if (!list_is_linked(&page->unsync))
        list_append(&mirror->unsync, &page->unsync);
}

/* An empty mirror table, to be filled when the root is brought in step. */
static bool make_table(struct vm *vm, struct mirror_page *page)
{
    if (!table_frame_alloc(vm, &page->table))
        return false;
    page->used = 0;
    table_set_unsync(&vm->mirror, page);
    vm->counters[KMV_COUNTER_mirror_tables]++;
    return true;
}

u32 table_ref(struct vm *vm, u32 gpa, u32 slot)
{
    struct mirror_page *page = page_get(vm, gpa);

    if (page == NULL)
        return 0;
    /* Counted first: making the table may evict the last other user of the page. */
    page->refs++;
    page->slot = slot;
    if (page->table.v == 0 && !make_table(vm, page)) {
        page->refs--;
        page_put(vm, page);
        return 0;
    }
    return table_frame_gpa(vm, page->table);
}

void table_ref_again(struct mirror *mirror, u32 gpa)
{
    page_find(mirror, gpa)->refs++;
}

static void drop_table(struct vm *vm, struct mirror_page *page)
{
    /* Of one in step, the CPU can't have set any since. */
    if (!page->table_in_step)
        page_copy_flags(vm, page, GROUPS_ALL);
    table_frame_retire(vm, page->table, page->used);
    page->table = HPA(0);
    page->table_in_step = false;
    if (list_is_linked(&page->unsync))
        list_remove(&page->unsync);
    vm->counters[KMV_COUNTER_mirror_tables]--;
}

void table_unref(struct vm *vm, u32 gpa)
{
    struct mirror_page *page = page_find(&vm->mirror, gpa);

    if (--page->refs > 0)
        return;
    drop_table(vm, page);
    page_put(vm, page);
}
