/*
 * Extended page tables: guest-physical to host-physical. SDM vol. 3C, 29.3 "The Extended Page Table
 * Mechanism".
 *
 * 2 MiB entries where alignment allows, split on demand. The leaf entry is the only record of a
 * page: its frame, its permissions, and whether the frame is bad. A bad page's entry is not
 * present; its frame stays readable in it. Every change is one aligned 64-bit store, and write-only
 * or write-execute entries are never made.
 */
#ifndef HV_MM_EPT_H
#define HV_MM_EPT_H

#include <hv/mm/frames.h>
#include <hv/mm/phys.h>
#include <hv/types.h>

enum { EPT_READ = 1, EPT_WRITE = 2, EPT_EXEC = 4, EPT_RW = 3, EPT_RX = 5, EPT_RWX = 7 };
enum ept_memory_type { EPT_MEM_UC = 0, EPT_MEM_WB = 6 };

/* Entries, as far as ept_frame needs to know them; the rest is in ept.c. */
#define EPT_ENTRIES         512u
#define EPT_FRAME           0x000ffffffffff000ull
#define EPT_LARGE           (1ull << 7)
#define EPT_BAD             (1ull << 52) /* not present; the frame is that which went bad */
#define EPT_DIRECTORIES     4u
#define EPT_DIRECTORY_BYTES (PAGE_SIZE * EPT_ENTRIES * EPT_ENTRIES)

struct ept {
    hpa_t root; /* PML4 */
    struct frame_pool *heap;
    struct frame_pool *reserve; /* gives tables for split leaves once the heap runs low; or NULL */
    u64 *low[EPT_DIRECTORIES];  /* page directories of the first 4 GiB, all that a 32-bit guest has;
                                   NULL: none */
};

struct ept_page {
    bool mapped; /* a leaf is there, present or bad */
    bool bad;
    bool lost;  /* bad, and marked by ept_mark_lost */
    bool given; /* lost, and without a frame */
    bool large; /* mapped by a 2 MiB leaf */
    u32 perms;  /* EPT_READ | ... ; for a bad page those it had */
    hpa_t frame;
    u64 run; /* bytes from this page on that the same leaf maps: PAGE_SIZE up to LARGE_PAGE_SIZE */
};

/* Returns 0 or -HV_ENOMEM. */
int ept_init(struct ept *ept, struct frame_pool *heap);

/* Is the half of the heap in use that tables for split leaves may take? The other half is for what
 * can't be elsewhere: shadow roots and mirror tables. */
bool ept_heap_is_low(const struct ept *ept);

/* Maps [gpa, gpa + bytes) to [hpa, hpa + bytes); all 4 KiB aligned. Replaces what was there. 0,
 * -HV_EINVAL (a page of ept_map_repeated is in the way), -HV_ENOMEM. */
int ept_map(struct ept *ept, gpa_t gpa, hpa_t hpa, u64 bytes, u32 perms, enum ept_memory_type type);

/* Maps each page of [gpa, gpa + bytes), 2 MiB aligned, to the one page `frame`, through one table
 * that all of the range shares: its pages can't be changed one by one. 0, -HV_EINVAL (alignment,
 * something is mapped there), -HV_ENOMEM. */
int ept_map_repeated(struct ept *ept, gpa_t gpa, hpa_t frame, u64 bytes, u32 perms);

/* Takes the 4 KiB page at gpa out of the map for good. No flush. 0, -HV_EINVAL, -HV_ENOMEM. */
int ept_unmap(struct ept *ept, gpa_t gpa);

/* The 4 KiB page that holds gpa. */
struct ept_page ept_lookup(const struct ept *ept, gpa_t gpa);

/* Its frame alone; 0: bad, not mapped, or not below 4 GiB. Inline, little more than the loads that
 * find it: nothing is asked more often. */
static inline hpa_t ept_frame(const struct ept *ept, gpa_t gpa)
{
    u32 low = (u32)gpa.v;
    const u64 *table = ept->low[low / EPT_DIRECTORY_BYTES];
    u64 entry;

    if (table == NULL || low != gpa.v)
        return HPA(0);
    entry = table[low / LARGE_PAGE_SIZE % EPT_ENTRIES];
    if (entry & EPT_LARGE)
        return HPA((entry & EPT_FRAME) + (low & LARGE_PAGE_MASK & ~PAGE_MASK));
    if (entry == 0)
        return HPA(0);
    table = phys_ptr(HPA(entry & EPT_FRAME));
    entry = table[low / PAGE_SIZE % EPT_ENTRIES];
    return HPA(entry & EPT_BAD ? 0 : entry & EPT_FRAME);
}

/* Calls `look` for each leaf that is there, large ones once: page.run bytes from gpa. */
void ept_for_each(const struct ept *ept,
                  void (*look)(void *context, gpa_t gpa, const struct ept_page *page),
                  void *context);

/* Changes permissions of one mapped 4 KiB page, splitting a large one; with less than EPT_RWX it
 * has a leaf of its own afterwards. No flush. 0, -HV_EINVAL (not mapped, write without read),
 * -HV_ENOMEM. Of a bad page, those it will have again. */
int ept_set_perms(struct ept *ept, gpa_t gpa, u32 perms);

/* Changes permissions of all that the 2 MiB leaf at gpa maps; does nothing where there is none. No
 * flush. */
void ept_set_leaf_perms(struct ept *ept, gpa_t gpa, u32 perms);

/* Gives the mapped 4 KiB page at gpa, and its neighbours, leaves of their own. 0, -HV_EINVAL,
 * -HV_ENOMEM. */
int ept_split(struct ept *ept, gpa_t gpa);

/* Takes a mapped 4 KiB page away (not present, marked bad, frame and permissions remembered). No
 * flush. 0, -HV_EINVAL, -HV_ENOMEM. */
int ept_set_bad(struct ept *ept, gpa_t gpa);

/* Marks a bad page as lost for good. Does nothing to any other page. */
void ept_mark_lost(struct ept *ept, gpa_t gpa);

/* Takes the frame from a bad page as well, and marks it as lost. */
void ept_give(struct ept *ept, gpa_t gpa);

/* Puts `frame` behind a mapped 4 KiB page and makes it present with the permissions it had. No
 * flush. 0, -HV_EINVAL, -HV_ENOMEM. */
int ept_replace(struct ept *ept, gpa_t gpa, hpa_t frame);

/* The EPTP value: write-back, 4 levels, accessed/dirty flags off (with them on, page walks would
 * count as writes). */
u64 ept_pointer(const struct ept *ept);

#endif
