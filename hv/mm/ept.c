#include <hv/mm/ept.h>

#include <hv/mm/entry.h>
#include <hv/mm/phys.h>

#define ENTRY_PERMS 7ull
#define ENTRY_TYPE  (7ull << 3)
#define TYPE_SHIFT  3
#define LEVEL_BITS  9
#define LEVEL_PML4  3
#define LEVEL_PD    1
#define LEVEL_PT    0

#define LOW_BYTES (EPT_DIRECTORIES * EPT_DIRECTORY_BYTES)

/*
 * Bits 56:52 are ignored by the CPU in present entries, all of them in entries without any
 * permission (SDM vol. 3C, 29.3.2). A bad page keeps its frame and memory type in place, and its
 * permissions here.
 */
#define LEAF_PERMS_SHIFT 53
#define LEAF_LOST        (1ull << 56)
#define LEAF_PERMS       (ENTRY_PERMS << LEAF_PERMS_SHIFT)

/* In a page-directory entry: the table is shared by many entries, so none of its leaves may change.
 */
#define TABLE_SHARED (1ull << 52)

#define PAGING_4_LEVELS (3ull << 3) /* EPTP bits 5:3: levels less one, SDM vol. 3C, 25.6.11 */

static u64 *table_of(u64 entry)
{
    return phys_ptr(HPA(entry & EPT_FRAME));
}

static u32 index_of(gpa_t gpa, int level)
{
    return (gpa.v >> (PAGE_SHIFT + LEVEL_BITS * level)) & (EPT_ENTRIES - 1);
}

static u64 leaf_entry(hpa_t frame, u32 perms, u64 flags)
{
    return frame.v | perms | flags;
}

int ept_init(struct ept *ept, struct frame_pool *heap)
{
    *ept = (struct ept){.heap = heap};
    return frame_alloc(heap, &ept->root) ? 0 : -HV_ENOMEM;
}

u64 ept_pointer(const struct ept *ept)
{
    return ept->root.v | PAGING_4_LEVELS | EPT_MEM_WB;
}

/* The page-directory entry for gpa, NULL where no directory is. */
static inline u64 *find_pd_entry(const struct ept *ept, gpa_t gpa)
{
    u64 *table = phys_ptr(ept->root);

    if (gpa.v < LOW_BYTES) {
        table = ept->low[gpa.v / EPT_DIRECTORY_BYTES];
        return table == NULL ? NULL : &table[index_of(gpa, LEVEL_PD)];
    }
    for (int level = LEVEL_PML4; level > LEVEL_PD; level--) {
        u64 entry = table[index_of(gpa, level)];
        if (entry == 0)
            return NULL;
        table = table_of(entry);
    }
    return &table[index_of(gpa, LEVEL_PD)];
}

/* The same, making the tables on the way. NULL: no memory. */
static u64 *make_pd_entry(struct ept *ept, gpa_t gpa)
{
    u64 *table = phys_ptr(ept->root), *found = find_pd_entry(ept, gpa);

    if (found != NULL)
        return found;
    for (int level = LEVEL_PML4; level > LEVEL_PD; level--) {
        u64 *entry = &table[index_of(gpa, level)];
        hpa_t fresh;
        if (*entry == 0) {
            if (!frame_alloc(ept->heap, &fresh))
                return NULL;
            entry_store64(entry, fresh.v | EPT_RWX);
        }
        table = table_of(*entry);
    }
    if (gpa.v < LOW_BYTES)
        ept->low[gpa.v / EPT_DIRECTORY_BYTES] = table;
    return &table[index_of(gpa, LEVEL_PD)];
}

bool ept_heap_is_low(const struct ept *ept)
{
    return ept->heap->free_count <= (ept->heap->end - ept->heap->base) / PAGE_SIZE / 2;
}

static bool take_table(struct ept *ept, hpa_t *frame)
{
    if (ept->reserve != NULL && ept_heap_is_low(ept) && frame_alloc(ept->reserve, frame))
        return true;
    return frame_alloc(ept->heap, frame);
}

/* Puts a page table behind an empty or a large entry; every translation stays as it was. 0 or
 * -HV_ENOMEM. */
static int make_page_table(struct ept *ept, u64 *pd_entry)
{
    u64 leaf = *pd_entry & ~EPT_LARGE;
    hpa_t fresh;

    if (!take_table(ept, &fresh))
        return -HV_ENOMEM;
    if (*pd_entry != 0) {
        u64 *table = phys_ptr(fresh);
        for (u32 i = 0; i < EPT_ENTRIES; i++)
            table[i] = leaf + i * PAGE_SIZE;
    }
    entry_store64(pd_entry, fresh.v | EPT_RWX);
    return 0;
}

/* Finds or makes the 4 KiB entry for gpa, splitting a large page. 0, -HV_EINVAL (shared table),
 * -HV_ENOMEM. */
static int make_pt_entry(struct ept *ept, gpa_t gpa, u64 **entry)
{
    u64 *pd_entry = make_pd_entry(ept, gpa);
    int error = 0;

    if (pd_entry == NULL)
        return -HV_ENOMEM;
    if (*pd_entry == 0 || (*pd_entry & EPT_LARGE))
        error = make_page_table(ept, pd_entry);
    if (error != 0)
        return error;
    if (*pd_entry & TABLE_SHARED)
        return -HV_EINVAL;
    *entry = &table_of(*pd_entry)[index_of(gpa, LEVEL_PT)];
    return 0;
}

static bool fits_large(gpa_t gpa, hpa_t hpa, u64 bytes)
{
    return ((gpa.v | hpa.v) & LARGE_PAGE_MASK) == 0 && bytes >= LARGE_PAGE_SIZE;
}

/* Maps the start of a range with one entry, and tells in *done how many bytes that was. */
static int map_one(struct ept *ept, gpa_t gpa, u64 bytes, u64 leaf, u64 *done)
{
    u64 *entry = make_pd_entry(ept, gpa);
    int error;

    if (entry == NULL)
        return -HV_ENOMEM;
    if (fits_large(gpa, HPA(leaf & EPT_FRAME), bytes) && (*entry == 0 || (*entry & EPT_LARGE))) {
        entry_store64(entry, leaf | EPT_LARGE);
        *done = LARGE_PAGE_SIZE;
        return 0;
    }
    error = make_pt_entry(ept, gpa, &entry);
    if (error != 0)
        return error;
    entry_store64(entry, leaf);
    *done = PAGE_SIZE;
    return 0;
}

int ept_map(struct ept *ept, gpa_t gpa, hpa_t hpa, u64 bytes, u32 perms, enum ept_memory_type type)
{
    u64 flags = (u64)type << TYPE_SHIFT;
    u64 done;

    for (u64 at = 0; at < bytes; at += done) {
        u64 leaf = leaf_entry(HPA(hpa.v + at), perms, flags);
        int error = map_one(ept, GPA(gpa.v + at), bytes - at, leaf, &done);
        if (error != 0)
            return error;
    }
    return 0;
}

int ept_map_repeated(struct ept *ept, gpa_t gpa, hpa_t frame, u64 bytes, u32 perms)
{
    u64 leaf = leaf_entry(frame, perms, (u64)EPT_MEM_WB << TYPE_SHIFT);
    hpa_t shared;
    u64 *table;

    if ((gpa.v | bytes) & LARGE_PAGE_MASK)
        return -HV_EINVAL;
    if (!frame_alloc(ept->heap, &shared))
        return -HV_ENOMEM;
    table = phys_ptr(shared);
    for (u32 i = 0; i < EPT_ENTRIES; i++)
        table[i] = leaf;
    for (u64 at = 0; at < bytes; at += LARGE_PAGE_SIZE) {
        u64 *entry = make_pd_entry(ept, GPA(gpa.v + at));
        if (entry == NULL)
            return -HV_ENOMEM;
        if (*entry != 0)
            return -HV_EINVAL;
        entry_store64(entry, shared.v | EPT_RWX | TABLE_SHARED);
    }
    return 0;
}

static u32 perms_of(u64 leaf)
{
    return (leaf & EPT_BAD ? leaf >> LEAF_PERMS_SHIFT : leaf) & ENTRY_PERMS;
}

static struct ept_page describe(u64 leaf, u64 offset, u64 run, bool large)
{
    return (struct ept_page){
        .mapped = leaf != 0,
        .bad = (leaf & EPT_BAD) != 0,
        .lost = (leaf & LEAF_LOST) != 0,
        .given = (leaf & EPT_BAD) && (leaf & EPT_FRAME) == 0,
        .large = large,
        .perms = perms_of(leaf),
        .frame = HPA((leaf & EPT_FRAME) + offset),
        .run = run,
    };
}

/* The entry that maps gpa, 0: none does. *offset: where in what it maps the page of gpa lies. */
static inline u64 leaf_of(const struct ept *ept, gpa_t gpa, u64 *offset)
{
    const u64 *entry = find_pd_entry(ept, gpa);

    *offset = 0;
    if (entry == NULL || *entry == 0)
        return 0;
    if ((*entry & EPT_LARGE) == 0)
        return table_of(*entry)[index_of(gpa, LEVEL_PT)];
    *offset = gpa.v & LARGE_PAGE_MASK & ~PAGE_MASK;
    return *entry;
}

struct ept_page ept_lookup(const struct ept *ept, gpa_t gpa)
{
    u64 offset, leaf = leaf_of(ept, gpa, &offset);
    bool large = (leaf & EPT_LARGE) != 0;

    return describe(leaf, offset, large ? LARGE_PAGE_SIZE - offset : PAGE_SIZE, large);
}

/* The 4 KiB entry of a page that must be mapped. */
static int mapped_entry(struct ept *ept, gpa_t gpa, u64 **entry)
{
    u64 offset;

    if (leaf_of(ept, gpa, &offset) == 0)
        return -HV_EINVAL;
    return make_pt_entry(ept, gpa, entry);
}

int ept_unmap(struct ept *ept, gpa_t gpa)
{
    u64 *entry;
    int error = mapped_entry(ept, gpa, &entry);

    if (error == 0)
        entry_store64(entry, 0);
    return error;
}

/* Write or execute-and-write without read is a misconfiguration (SDM vol. 3C, 29.3.3.1); no
 * permission at all means not present. */
static bool valid_perms(u32 perms)
{
    return (perms & EPT_READ) != 0 && perms <= EPT_RWX;
}

int ept_set_perms(struct ept *ept, gpa_t gpa, u32 perms)
{
    u64 offset, leaf = leaf_of(ept, gpa, &offset), *entry;
    int error;

    if (leaf == 0 || !valid_perms(perms))
        return -HV_EINVAL;
    if (perms_of(leaf) == perms && (!(leaf & EPT_LARGE) || perms == EPT_RWX))
        return 0;
    error = make_pt_entry(ept, gpa, &entry);
    if (error != 0)
        return error;
    if (leaf & EPT_BAD)
        entry_store64(entry, (*entry & ~LEAF_PERMS) | (u64)perms << LEAF_PERMS_SHIFT);
    else
        entry_store64(entry, (*entry & ~ENTRY_PERMS) | perms);
    return 0;
}

void ept_set_leaf_perms(struct ept *ept, gpa_t gpa, u32 perms)
{
    u64 *entry = find_pd_entry(ept, gpa);

    if (entry != NULL && (*entry & EPT_LARGE))
        entry_store64(entry, (*entry & ~ENTRY_PERMS) | perms);
}

int ept_split(struct ept *ept, gpa_t gpa)
{
    u64 *entry;

    return mapped_entry(ept, gpa, &entry);
}

int ept_set_bad(struct ept *ept, gpa_t gpa)
{
    u32 perms = ept_lookup(ept, gpa).perms;
    u64 *entry;
    int error = mapped_entry(ept, gpa, &entry);

    if (error != 0)
        return error;
    entry_store64(entry,
                  (*entry & (EPT_FRAME | ENTRY_TYPE)) | EPT_BAD | (u64)perms << LEAF_PERMS_SHIFT);
    return 0;
}

void ept_mark_lost(struct ept *ept, gpa_t gpa)
{
    u64 *entry;

    /* A bad page has a 4 KiB entry, so this finds it without a need for memory. */
    if (ept_lookup(ept, gpa).bad && make_pt_entry(ept, gpa, &entry) == 0)
        entry_store64(entry, *entry | LEAF_LOST);
}

void ept_give(struct ept *ept, gpa_t gpa)
{
    u64 *entry;

    if (ept_lookup(ept, gpa).bad && make_pt_entry(ept, gpa, &entry) == 0)
        entry_store64(entry, (*entry & ~EPT_FRAME) | LEAF_LOST);
}

int ept_replace(struct ept *ept, gpa_t gpa, hpa_t frame)
{
    u32 perms = ept_lookup(ept, gpa).perms;
    u64 *entry;
    int error = mapped_entry(ept, gpa, &entry);

    if (error != 0)
        return error;
    entry_store64(entry, leaf_entry(frame, perms, *entry & ENTRY_TYPE));
    return 0;
}

typedef void (*leaf_function)(void *context, gpa_t gpa, const struct ept_page *page);

static void walk_table(hpa_t frame, int level, u64 base, leaf_function look, void *context)
{
    const u64 *table = phys_ptr(frame);
    u64 span = PAGE_SIZE << LEVEL_BITS * level;

    for (u32 i = 0; i < EPT_ENTRIES; i++) {
        u64 entry = table[i], gpa = base + i * span;

        if (entry == 0)
            continue;
        if (level == LEVEL_PT || (entry & EPT_LARGE)) {
            struct ept_page page = describe(entry, 0, span, level != LEVEL_PT);
            look(context, GPA(gpa), &page);
        } else {
            walk_table(HPA(entry & EPT_FRAME), level - 1, gpa, look, context);
        }
    }
}

void ept_for_each(const struct ept *ept, leaf_function look, void *context)
{
    walk_table(ept->root, LEVEL_PML4, 0, look, context);
}
