/*
 * Mirror mappings that follow the guest's page tables (non-PAE 32-bit guests).
 *
 * The CPU's CR3 is a shadow root: native slots are copied from the guest's root, mirror slots (slot
 * + OFFSET / 4 MiB) point to mirror tables; both live in the tables window, which the guest cannot
 * write. Guest tables are walked by the CPU in place. A guest root or table that is in step with
 * its shadow is read-only in EPT; the first write makes it writable and "unsync"; the next flush
 * point (CR3 load, INVLPG, #PF on a mirror address, verify) brings it in step again and protects
 * it. This is what the architecture promises a guest: a change takes effect at the next flush, and
 * a not-present entry that becomes present is noticed at the latest by the fault (SDM vol.
 * 3A, 4.10.4.3).
 */
#ifndef HV_MIRROR_MIRROR_H
#define HV_MIRROR_MIRROR_H

#include <hv/lib/list.h>
#include <hv/types.h>
#include <kmv/bootinfo.h>

struct vm;

#define MIRROR_ROOTS_MAX    128u
#define MIRROR_BUCKETS_LOG2 10
#define MIRROR_BUCKETS      (1u << MIRROR_BUCKETS_LOG2)
#define MIRROR_RETIRED_MAX  64u
#define MIRROR_FLUSHES_MAX  8u
#define MIRROR_ROOT_TABLES  32u

/* A shadow root: what the CPU's CR3 holds in place of one guest page directory. */
struct mirror_root {
    struct mirror_page *page; /* the guest's page directory; NULL: this slot of the table is free */
    hpa_t shadow;
    u64 used;      /* groups of its entries that may not be empty */
    u64 native;    /* those of them that may hold native entries */
    u64 tables;    /* those of these that may hold entries with a table */
    u64 last_used; /* mirror.clock at its last load */

    /* Native slots with a table in guest RAM. Once there were more than fit, table_count stays
     * MIRROR_ROOT_TABLES + 1 and the slots are not listed. */
    u16 table_slots[MIRROR_ROOT_TABLES];
    u32 table_count;
    bool unsync;
};

/* A guest page in use as page directory, page table, or (self-map) both. */
struct mirror_page {
    struct mirror_page *next; /* in its hash bucket, or among unused nodes */
    struct list_link unsync;  /* in mirror.unsync while the table is not in step */
    bool table_in_step;
    u32 stores; /* done by mirror_table_store since mirror.clock was stores_at */
    u64 stores_at;
    u32 gpa;
    u32 refs;                 /* slots of shadow roots that point here */
    u32 slot;                 /* one that did when last seen, to spare a search */
    hpa_t table;              /* the mirror table; 0: not in use as page table */
    u64 used;                 /* groups of its entries that may not be empty */
    struct mirror_root *root; /* NULL: not in use as page directory */
};

/* Translations that the CPU may still hold and must lose before the guest runs on. */
struct mirror_flushes {
    u32 addresses[MIRROR_FLUSHES_MAX];
    u32 count;
    bool all;
};

/* What each CPU has of its own. */
struct mirror_cpu {
    struct mirror_root *current; /* NULL: the guest's paging is off there */

    /* The last fault resumed although nothing had changed; the same one again is the guest's. */
    struct {
        bool valid;
        u32 address;
        u32 error_code;
    } retry;
};

/* Guarded as a whole by the lock of vcpu/others.h; CPUs walk roots and tables without it. */
struct mirror {
    struct mirror_cpu cpus[KMV_CPUS_MAX];
    struct mirror_cpu *self; /* of the CPU that has the lock */
    struct mirror_root roots[MIRROR_ROOTS_MAX];
    struct mirror_page *buckets[MIRROR_BUCKETS];
    struct mirror_page *unused_nodes;
    struct list_link unsync;
    struct mirror_root *pinned; /* being brought in step, not to be evicted; else NULL */
    u64 clock;
    u64 changes; /* of shadow roots and groups of mirror tables, ever */
    bool pse;    /* CR4.PSE at the last load; all shadow roots are made with it */
    bool alone;  /* no other CPU is between a native write and its mirror's, or will be before the
                    lock is given back */
    bool kept;   /* entries were left as they are, since this CPU is not alone */

    /* Table frames that the CPU may still walk until the next flush. */
    struct mirror_retired {
        hpa_t frame;
        u64 used; /* groups of its entries that may not be empty */
    } retired[MIRROR_RETIRED_MAX];
    u32 retired_count;
    struct mirror_flushes flushes;
};

enum mirror_load_result {
    MIRROR_LOAD_OK,
    MIRROR_LOAD_CONFLICT,
    MIRROR_LOAD_NO_MEMORY,
    MIRROR_LOAD_BAD_ROOT,
    MIRROR_LOAD_LOST_ROOT,   /* both copies of the guest's page directory are bad */
    MIRROR_LOAD_PSE_DIFFERS, /* from the CR4.PSE of CPUs that run on other roots */
    MIRROR_LOAD_NOT_ALONE    /* done but for what other CPUs may be about to write through: call
                                again while they stand outside their windows */
};

/*
 * The guest loads CR3 (or turns paging on with it): finds or makes the shadow root, brings every
 * unsync table that it reaches in step. *real_cr3 gets what the CPU's CR3 has to hold (PWT/PCD bits
 * kept). The caller flushes the guest's non-global translations as MOV to CR3 does. `pse` is
 * CR4.PSE. CONFLICT: a native mapping lies in a mirror range; the event=conflict log line names
 * both addresses.
 */
enum mirror_load_result mirror_load_root(struct vm *vm, u32 guest_cr3, bool pse, u32 *real_cr3);

/* The guest turned paging off: no root is current. */
void mirror_unload_root(struct vm *vm);

/* Flush point without a root change (INVLPG of any address, CR4 flushes, verify). Same results as
 * mirror_load_root. Flushes the mirror translations of entries that were present and changed. */
enum mirror_load_result mirror_sync(struct vm *vm);

/*
 * #PF at gva: brings the current root in step; true when an entry changed that can have caused the
 * fault or the shadow root now maps gva with the rights that error_code (SDM vol. 3A, 4.7) asks
 * for: resume the guest. False: the fault is the guest's own. *result tells of a conflict or lack
 * of memory found meanwhile.
 */
bool mirror_page_fault(struct vm *vm, gva_t gva, u32 error_code, enum mirror_load_result *result);

/* EPT write violation (by an instruction or by the CPU's own A/D update) on a protected guest root
 * or table: makes it writable and unsync. False when the page at gpa (native side) is not tracked.
 */
bool mirror_table_write(struct vm *vm, gpa_t gpa);

/*
 * As mirror_table_write, for the store of one entry, which it does: native, and the mirror mapping
 * with it. The table stays in step. The native value alone is stored; a translated guest repeats
 * the store itself. `page` is what mirror_storable returned for gpa: NULL if that is not an entry
 * of a table in step, if the current root does not reach it, or after so many stores since the last
 * flush point that it is better to let the table go. False: the page is bad; nothing is done.
 */
struct mirror_page *mirror_storable(struct vm *vm, gpa_t gpa);
bool mirror_table_store(struct vm *vm, struct mirror_page *page, gpa_t gpa, u32 value);

/* The guest's code at a linear address, up to the page's end: *bytes are readable. NULL: there is
 * none in RAM, or no root is current. */
const u8 *mirror_code_at(struct vm *vm, gva_t address, u32 *bytes);

/* The CPU sets accessed and dirty flags in native tables only: brings the current root in step,
 * then copies these flags to the mirror copies of all tracked pages, so that copies can be
 * compared. */
void mirror_settle(struct vm *vm);

/* The same for one page, without bringing anything in step. False: the page is not tracked. */
bool mirror_settle_page(struct vm *vm, gpa_t page);

#endif
