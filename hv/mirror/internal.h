/*
 * Inside of the mirror. Layers, each calling only those above it:
 *   entries.c  values of entries            memory.c  frames for tables, flushes owed
 *   pages.c    tracked guest pages          roots.c   shadow roots
 *   sync_*.c   bringing roots and tables in step
 *   walk.c     what the CPU finds           fault.c, mirror.c  the public functions
 * One cycle: memory.c evicts a root (roots.c) when the heap is empty. So any call that takes memory
 * may drop roots other than the current ones and the pinned one, and tables that only those reach.
 */
#ifndef HV_MIRROR_INTERNAL_H
#define HV_MIRROR_INTERNAL_H

#include <hv/mirror/mirror.h>
#include <hv/mm/paging.h>
#include <hv/vm/vm.h>

/* Marks a shadow entry as the mirror of another slot. The CPU ignores the bit, native entries are
 * copied without it. */
#define SHADOW_IS_MIRROR 0x200u

/* Most of a directory or table is empty. Which groups of entries are not is found in one pass,
 * inline since that is most of what a sync costs, and kept as a set: bit n for group n. */
#define GROUP_ENTRIES 16u
#define GROUP_PAIRS   (GROUP_ENTRIES / 2)
#define GROUP_BYTES   (GROUP_ENTRIES * (u32)sizeof(u32))
#define GROUPS        (PG_ENTRIES / GROUP_ENTRIES)
typedef u64 groups_t;
#define GROUPS_ALL (~(groups_t)0)

/* Two entries at a time, whatever type they are accessed with elsewhere. */
typedef u64 __attribute__((may_alias)) entry_pair_t;

static inline u64 group_bits(const entry_pair_t *e)
{
    return e[0] | e[1] | e[2] | e[3] | e[4] | e[5] | e[6] | e[7];
}

static inline bool group_is_equal(const u32 *a, const u32 *b)
{
    const entry_pair_t *x = (const entry_pair_t *)a, *y = (const entry_pair_t *)b;

    return ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3]) | (x[4] ^ y[4]) |
            (x[5] ^ y[5]) | (x[6] ^ y[6]) | (x[7] ^ y[7])) == 0;
}

/* Two at a time, of which most often neither is in use. */
static inline groups_t groups_of(const u32 *entries)
{
    const entry_pair_t *e = (const entry_pair_t *)entries;
    groups_t groups = 0;

    for (u32 group = 0; group < GROUPS; group += 2, e += 2 * GROUP_PAIRS) {
        if ((group_bits(e) | group_bits(e + GROUP_PAIRS)) == 0)
            continue;
        groups |= (groups_t)(group_bits(e) != 0) << group;
        groups |= (groups_t)(group_bits(e + GROUP_PAIRS) != 0) << (group + 1);
    }
    return groups;
}

/* Those of `groups` in which a and b differ. */
static inline groups_t groups_differing(const u32 *a, const u32 *b, groups_t groups)
{
    groups_t differing = 0;

    for (groups_t left = groups; left != 0; left &= left - 1) {
        u32 group = (u32)__builtin_ctzll(left);
        if (!group_is_equal(&a[group * GROUP_ENTRIES], &b[group * GROUP_ENTRIES]))
            differing |= 1ull << group;
    }
    return differing;
}

/* The first entry at or after `first` that lies in one of the groups; PG_ENTRIES: none. */
static inline u32 next_in(groups_t groups, u32 first)
{
    u32 group = first / GROUP_ENTRIES;

    if (first % GROUP_ENTRIES != 0 || first == PG_ENTRIES)
        return first;
    groups = groups >> group << group;
    return groups == 0 ? PG_ENTRIES : (u32)__builtin_ctzll(groups) * GROUP_ENTRIES;
}

#define FOR_ENTRIES_IN(groups, i)                                                                  \
    for (u32 i = next_in(groups, 0); i < PG_ENTRIES; i = next_in(groups, i + 1))

/* entries.c: pure functions of a guest's entry. */
u32 shadow_native_pde(u32 pde);
u32 mirror_table_pde(u32 pde, u32 table_gpa);
u32 mirror_large_pde(const struct vm *vm, u32 pde);     /* 0: no mirror */
u32 mirror_pte_elsewhere(const struct vm *vm, u32 pte); /* of a page that isn't RAM; 0: no mirror */
u32 mirror_slot(const struct vm *vm, u32 slot);
u32 mirrored_slot(const struct vm *vm, u32 slot); /* inverse of mirror_slot */
groups_t mirror_groups(const struct vm *vm, groups_t groups);
groups_t mirrored_groups(const struct vm *vm, groups_t groups); /* inverse of mirror_groups */

static inline bool pde_is_large(const struct mirror *mirror, u32 pde)
{
    return mirror->pse && (pde & PG_LARGE);
}

/* What a mirror entry takes over from the guest's. */
#define PG_TABLE_RIGHTS (PG_PRESENT | PG_WRITE | PG_USER | PG_PWT | PG_PCD)
#define PG_LEAF_KEPT    (PG_TABLE_RIGHTS | PG_LARGE | PG_GLOBAL)

/* 0: no mirror. */
static inline u32 mirror_pte(const struct vm *vm, u32 pte)
{
    if (!(pte & PG_PRESENT))
        return 0;
    if ((pte & PG_FRAME) >= vm->ram_bytes)
        return mirror_pte_elsewhere(vm, pte);
    return ((pte & (PG_FRAME | PG_LEAF_KEPT)) + vm->offset) | PG_ACCESSED | PG_DIRTY;
}

/* Could a CPU that has written natively through the old entry not do the mirror's write any more?
 * Nobody writes through one that is read-only. */
static inline bool takes_away(u32 old, u32 wanted)
{
    return (~old & (PG_PRESENT | PG_WRITE)) == 0 &&
           (((old ^ wanted) & PG_FRAME) != 0 || (old & ~wanted & PG_TABLE_RIGHTS) != 0);
}

/* Points to a page table in guest RAM. */
static inline bool pde_has_table(const struct vm *vm, u32 pde)
{
    return (pde & PG_PRESENT) && !pde_is_large(&vm->mirror, pde) &&
           vm_is_ram(vm, GPA(pde & PG_FRAME));
}

/*
 * memory.c
 *   mirror_reclaim      makes memory free in the heap; false: there is none to be had
 *   table_frame_alloc   zeroed, and readable to the CPU in the tables window; false: no memory
 *   table_frame_retire  gives it back once the CPU can't walk it any more; outside `used` it is
 * zero mirror_finish       ends each public operation: flushes what is owed, frees what was retired
 */
bool mirror_reclaim(struct vm *vm);
bool mirror_frame_alloc(struct vm *vm, hpa_t *frame);
bool table_frame_alloc(struct vm *vm, hpa_t *frame);
void table_frame_retire(struct vm *vm, hpa_t frame, groups_t used);
u32 table_frame_gpa(const struct vm *vm, hpa_t frame);
hpa_t table_frame_at(const struct vm *vm, u32 gpa); /* inverse of table_frame_gpa */
void flush_later(struct mirror *mirror, u32 address);
void flush_all_later(struct mirror *mirror);
void mirror_finish(struct vm *vm);

/*
 * pages.c: addresses are those of pages in guest RAM.
 *   page_get            finds or makes; NULL: no memory
 *   page_put            lifts protection and forgets the page, as far as no use of it is left
 *   page_protect        without the flush that it owes; false: no memory
 *   page_copy_flags     copies accessed and dirty flags of these groups to the page's mirror copy
 *   table_ref_again     one more reference to a table that has one
 *   table_ref           guest-physical address of the mirror table; 0: no memory
 */
struct mirror_page *page_find(const struct mirror *mirror, u32 gpa);
struct mirror_page *page_get(struct vm *vm, u32 gpa);
void page_put(struct vm *vm, struct mirror_page *page);
bool page_protect(struct vm *vm, const struct mirror_page *page);
void page_copy_flags(struct vm *vm, const struct mirror_page *page, groups_t groups);
u32 table_ref(struct vm *vm, u32 gpa, u32 slot);
void table_ref_again(struct mirror *mirror, u32 gpa);
void table_unref(struct vm *vm, u32 gpa);
void table_set_unsync(struct mirror *mirror, struct mirror_page *page);

/*
 * roots.c
 *   root_get            finds or makes; NULL: no memory
 *   root_note_table     a native slot got a table; root_forget_table: it lost it
 *   root_evict          drops the one least recently used; false: none can go
 *   root_is_current     on any CPU: it is not to be dropped
 */
struct mirror_root *root_get(struct vm *vm, u32 gpa);
void root_drop(struct vm *vm, struct mirror_root *root);
void root_drop_all(struct vm *vm);
bool root_evict(struct vm *vm);
bool root_is_current(const struct mirror *mirror, const struct mirror_root *root);
void root_note_table(struct mirror_root *root, u32 slot);
void root_forget_table(struct mirror_root *root, u32 slot);
u32 *root_shadow(const struct mirror_root *root);

/* The native entry that an entry of a shadow root stands for, 0 if it is a mirror's or none. */
static inline u32 native_part(u32 entry)
{
    return entry & SHADOW_IS_MIRROR ? 0 : entry;
}

/* sync_root.c: the page directory alone. */
enum mirror_load_result root_sync(struct vm *vm, struct mirror_root *root);

/*
 * sync_tables.c
 *   may_take_away       entries of this page: no other CPU can be in need of them
 *   tables_sync         the unsync tables that the root reaches
 *   table_catch_up      those entries of one of them that lie around a mirror address, and
 *                       further ones as long as they are new; the table stays unsync
 *   table_is_current    the current root reaches the table
 *   table_store         one entry of a table in step, whose page `native` is
 */
bool may_take_away(struct vm *vm, struct mirror_page *page);
enum mirror_load_result tables_sync(struct vm *vm, const struct mirror_root *root);
void table_catch_up(struct vm *vm, const struct mirror_root *root, u32 address);
bool table_is_current(const struct vm *vm, const struct mirror_page *page);
void table_store(struct vm *vm, struct mirror_page *page, u32 *native, u32 index, u32 pte);

/* walk.c: would the CPU's walk of the current root allow the access? Assumes CR0.WP. */
bool walk_allows(struct vm *vm, u32 address, u32 error_code);

#endif
