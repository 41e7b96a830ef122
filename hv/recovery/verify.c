/* Comparing the two copies of guest RAM, and settling what racing writers left of them. */
#include <hv/recovery/recovery.h>

#include <hv/cpu/extable.h>
#include <hv/lib/string.h>
#include <hv/log/log.h>
#include <hv/mm/phys.h>
#include <hv/recovery/scrub.h>
#include <kmv/contract.h>

#define DIFFERENCES_LOGGED 8

struct tally {
    u64 pages, differing, degraded, lost, raced;
    bool settle; /* differences are races, where they can be */
};

static u64 first_difference(const u8 *a, const u8 *b)
{
    u64 at = 0;

    while (at < PAGE_SIZE - 1 && a[at] == b[at])
        at++;
    return at;
}

/* Nobody has written to a sealed page since its copies were equal: that is no race. */
static void on_difference(struct vm *vm, gpa_t page, const u8 *native, u8 *mirror,
                          struct tally *tally)
{
    u64 at = first_difference(native, mirror) & ~(u64)(sizeof(u32) - 1);
    bool race = tally->settle && !scrub_is_sealed(vm, page);

    if ((race ? tally->raced++ : tally->differing++) < DIFFERENCES_LOGGED)
        log_event(race ? "raced" : "verify_diff", "gpa=0x%lx native=0x%08x mirror=0x%08x",
                  (page.v + at), *(const u32 *)(native + at), *(const u32 *)(mirror + at));
    if (race)
        memcpy(mirror, native, PAGE_SIZE);
}

/* The frames of both sides, after recovering them. False: the page is lost. */
static bool good_frames(struct vm *vm, gpa_t page, struct ept_page *native, struct ept_page *mirror)
{
    if (recovery_restore(vm, page, SIDE_NATIVE, "verify") == RECOVERY_LOST ||
        recovery_restore(vm, page, SIDE_MIRROR, "verify") == RECOVERY_LOST)
        return false;
    *native = ept_lookup(&vm->ept, page);
    *mirror = ept_lookup(&vm->ept, vm_side_gpa(vm, page, SIDE_MIRROR));
    return true;
}

enum recovery_comparison recovery_compare(hpa_t a, hpa_t b, u64 bytes)
{
    bool same;

    extable_take(EXTABLE_MACHINE_CHECK);
    same = memcmp(phys_ptr(a), phys_ptr(b), bytes) == 0;
    if (extable_take(EXTABLE_MACHINE_CHECK))
        return RECOVERY_UNREADABLE;
    return same ? RECOVERY_SAME : RECOVERY_DIFFERENT;
}

static void compare_pages(struct vm *vm, hpa_t native, hpa_t mirror, gpa_t start, u64 bytes,
                          struct tally *tally)
{
    if (recovery_compare(native, mirror, bytes) == RECOVERY_SAME)
        return;
    for (u64 at = 0; at < bytes; at += PAGE_SIZE) {
        hpa_t a = HPA(native.v + at), b = HPA(mirror.v + at);
        enum recovery_comparison found = recovery_compare(a, b, PAGE_SIZE);

        if (found == RECOVERY_UNREADABLE)
            tally->differing++;
        else if (found == RECOVERY_DIFFERENT && recovery_protects(vm, GPA(start.v + at)))
            on_difference(vm, GPA(start.v + at), phys_ptr(a), phys_ptr(b), tally);
    }
}

/* Compares from `page` to at most `end`, as far as one EPT entry on each side reaches. Returns the
 * bytes done. */
static u64 compare_run(struct vm *vm, gpa_t page, u64 end, struct tally *tally)
{
    struct ept_page native = ept_lookup(&vm->ept, page), mirror;
    u64 bytes;

    if (native.given)
        return PAGE_SIZE;
    if (!good_frames(vm, page, &native, &mirror)) {
        tally->pages++;
        tally->lost++;
        tally->differing++;
        return PAGE_SIZE;
    }
    bytes = min_u64(end - page.v, min_u64(native.run, mirror.run));
    tally->pages += bytes / PAGE_SIZE;
    if (native.frame.v == mirror.frame.v)
        tally->degraded++;
    else
        compare_pages(vm, native.frame, mirror.frame, page, bytes, tally);
    return bytes;
}

static void compare_range(struct vm *vm, u64 start, u64 end, struct tally *tally)
{
    while (start < end)
        start += compare_run(vm, GPA(start), end, tally);
}

/* From one address in RAM to another one. */
static void compare(struct vm *vm, u64 start, u64 end, struct tally *tally)
{
    mirror_settle(vm);
    compare_range(vm, start, min_u64(end, KMV_VGA_GPA_BASE), tally);
    compare_range(vm, start < KMV_VGA_GPA_END ? KMV_VGA_GPA_END : start, end, tally);
}

int recovery_verify(struct vm *vm)
{
    struct tally tally = {0};

    if (!vm->mirrored)
        return -HV_EOPNOTSUPP;
    compare(vm, 0, vm->ram_bytes, &tally);
    tally.pages -= vm->counters[KMV_COUNTER_unprotected];
    vm->counters[KMV_COUNTER_verify_pages] = tally.pages;
    vm->counters[KMV_COUNTER_verify_differ] = tally.differing;
    log_event("verify", "pages=%lu differing=%lu degraded=%lu lost=%lu unprotected=%lu",
              tally.pages, tally.differing, tally.degraded, tally.lost,
              vm->counters[KMV_COUNTER_unprotected]);
    return (int)tally.differing;
}

int recovery_settle(struct vm *vm, gpa_t first, u32 pages)
{
    u64 end = first.v + (u64)pages * PAGE_SIZE;
    struct tally tally = {.settle = true};

    if ((first.v & PAGE_MASK) != 0 || end > vm->ram_bytes)
        return -HV_EINVAL;
    compare(vm, first.v, end, &tally);
    vm->counters[KMV_COUNTER_raced] += tally.raced;
    log_event("settle", "raced=%lu differing=%lu", tally.raced, tally.differing);
    return (int)tally.raced;
}
