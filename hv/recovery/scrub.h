/*
 * The scrubber: looks for pages whose copies differ although nobody wrote to them.
 *
 * A page that had the same bytes at two visits is sealed: it becomes read-only in the extended page
 * tables, and the next visit stores its checksum. Whoever writes to it, by whatever instruction or
 * by none, breaks the seal first. So while a seal is whole, the side that matches the checksum is
 * right, and the other one is bad memory. Of a page without a seal nothing can be told: it is
 * reported and left alone.
 */
#ifndef HV_RECOVERY_SCRUB_H
#define HV_RECOVERY_SCRUB_H

#include <hv/types.h>

struct vm;

struct scrub {
    hpa_t seals;     /* a 32-bit word for each page of RAM; 0: it was never on */
    u64 next;        /* RAM page that is visited next */
    bool leaf_quiet; /* no page of the 2 MiB leaf that is being visited has changed since last time
                      */
    bool leaf_known; /* and all of them were visited before */
    u32 permille;    /* of the processor's time; 0: off */
    u64 due;         /* TSC: not before */
};

/* What a guest may order: half of the time. */
#define SCRUB_PERMILLE_MAX 500u

/* 0; -HV_EOPNOTSUPP (the mirror is off, or the processor has no CRC32 instruction), -HV_EINVAL
 * (more than SCRUB_PERMILLE_MAX). */
int scrub_set_budget(struct vm *vm, u32 permille);

/*
 * Visits the next `pages` pages, and starts again at 0 behind the last one. No processor may be
 * between a native write and its mirror. A side that is wrong gets a fresh frame (event=recover
 * cause=scrub); of a page that can't be decided, seen twice with the same difference, event=scrub
 * tells once. Returns how many sides were wrong.
 */
u32 scrub_visit(struct vm *vm, u32 pages);

/* A slice of visits, after which so much time is to pass that the budget is kept. As scrub_visit.
 */
void scrub_slice(struct vm *vm);

/* The guest writes to the RAM page, which is read-only. True: it was a seal, and is broken. */
bool scrub_write(struct vm *vm, gpa_t page);

/* Makes the RAM page writable, as far as memory allows alone. Breaks its seal. */
void scrub_open(struct vm *vm, gpa_t page);

/* Has nobody written to the RAM page since its copies were equal? */
bool scrub_is_sealed(const struct vm *vm, gpa_t page);

/* The hypervisor writes to the page: its checksum, if it has one, says nothing any more. */
void scrub_forget(struct vm *vm, gpa_t page);

#endif
