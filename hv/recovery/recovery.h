/* Pages that go bad: taking them away, putting a fresh one in place filled from the other copy,
 * comparing the copies. */
#ifndef HV_RECOVERY_RECOVERY_H
#define HV_RECOVERY_RECOVERY_H

#include <hv/types.h>
#include <hv/vm/vm.h>

/* KMV_HC_POISON: `where` as in the ABI (side | KMV_POISON_FORCE). Overwrites the frame with a
 * pattern, takes the page away, flushes, logs event=poison. 0 or a negative errno of the ABI. Also
 * works with the mirror off (native side only). */
int recovery_poison(struct vm *vm, gpa_t gpa, u32 where);

enum recovery_result {
    RECOVERY_DONE,     /* two copies again */
    RECOVERY_DEGRADED, /* no spare frame: this side runs on from the surviving copy's frame */
    RECOVERY_LOST,     /* both copies bad, or the mirror is off */
    RECOVERY_NOT_BAD,  /* the page is not bad */
};

/* Makes the bad page (`page` in RAM, on `side`) good again. `cause`: access, verify, hypervisor...
 * (for the log). Logs event=recover, event=degraded or event=lost with gpage, side, bad, new,
 * cause. */
enum recovery_result recovery_restore(struct vm *vm, gpa_t page, enum vm_side side,
                                      const char *cause);

/* The frame behind the page went bad by itself: takes it away, bytes untouched, and restores it.
 * `torn`: the guest is between its write to this page and the mirror's, so that the mirror is no
 * copy of it and the page is lost. Logs event=poison, then as recovery_restore. */
enum recovery_result recovery_hard_error(struct vm *vm, gpa_t page, enum vm_side side, bool torn,
                                         const char *cause);

/* KMV_HC_GIVE: the page's frames become spare frames, degraded pages get one each. Logs event=give,
 * and event=heal for each of these. 0, -HV_EINVAL, -HV_EALREADY, -HV_EBUSY, -HV_ENOMEM. */
int recovery_give(struct vm *vm, gpa_t gpa);

/* KMV_HC_RENEW: puts zeroed frames behind both sides of a lost or given page. Logs event=renew. 0,
 * -HV_EINVAL, -HV_ENOMEM. */
int recovery_renew(struct vm *vm, gpa_t gpa);

/* Is the page's mirror a copy of it? */
bool recovery_protects(const struct vm *vm, gpa_t page);

/* From now on it is, since both copies are the same anyhow. */
void recovery_set_protected(struct vm *vm, gpa_t page);

/* KMV_HC_PROTECT. Number of pages that are lost, or a negative errno. */
int recovery_protect(struct vm *vm, gpa_t list, u32 order);

/* UNREADABLE: one of the two is bad; who has to answer the machine check knows which. */
enum recovery_comparison { RECOVERY_SAME, RECOVERY_DIFFERENT, RECOVERY_UNREADABLE };
enum recovery_comparison recovery_compare(hpa_t a, hpa_t b, u64 bytes);

/* KMV_HC_VERIFY: brings tables in step, compares every RAM page's two copies. Logs the first 8
 * differing addresses as event=verify_diff and one event=verify with pages=, differing=. Number of
 * differing pages or a negative errno. */
int recovery_verify(struct vm *vm);

/*
 * KMV_HC_SETTLE: as recovery_verify, of `pages` pages from `first` on; takes differences for races
 * of plain stores, so that the mirror gets the native bytes. Not of a sealed page (scrub.h): that
 * is no race, and stays. Logs the first 8 pages as event=raced, those that differ still as
 * event=verify_diff, and one event=settle with raced=, differing=. Number of raced
 * pages, or -HV_EINVAL: not pages of RAM. The mirror is on.
 */
int recovery_settle(struct vm *vm, gpa_t first, u32 pages);

#endif
