#include <hv/recovery/recovery.h>

#include <hv/cpu/extable.h>
#include <hv/lib/string.h>
#include <hv/log/log.h>
#include <hv/mm/phys.h>
#include <hv/mm/tlb.h>
#include <kmv/hypercall.h>

/* Differs in every byte from freed (0x01) and zeroed memory, and is easy to spot in a dump. */
#define POISON_PATTERN 0xbad0bad0bad0bad0ull

static const char *const side_names[] = {[SIDE_NATIVE] = "native", [SIDE_MIRROR] = "mirror"};

static enum vm_side other_side(enum vm_side side)
{
    return side == SIDE_NATIVE ? SIDE_MIRROR : SIDE_NATIVE;
}

static struct ept_page side_lookup(const struct vm *vm, gpa_t page, enum vm_side side)
{
    return ept_lookup(&vm->ept, vm_side_gpa(vm, page, side));
}

static void fill_pattern(hpa_t frame)
{
    u64 *words = phys_ptr(frame);

    for (u32 i = 0; i < PAGE_SIZE / sizeof(*words); i++)
        words[i] = POISON_PATTERN;
}

/* Takes the page away before its bytes change, so that no reader sees the pattern. Of a frame that
 * hardware calls bad nothing is touched any more. */
static int take_away(struct vm *vm, gpa_t page, enum vm_side side, bool overwrite)
{
    struct ept_page found = side_lookup(vm, page, side);
    int error = ept_set_bad(&vm->ept, vm_side_gpa(vm, page, side));

    if (error != 0)
        return error;
    tlb_flush_ept();
    if (overwrite)
        fill_pattern(found.frame);
    vm->counters[KMV_COUNTER_poisoned]++;
    log_event("poison", "gpage=0x%lx side=%s frame=0x%lx cause=%s", page.v, side_names[side],
              found.frame.v, overwrite ? "order" : "error");
    return 0;
}

/* Is there a copy in another frame? A degraded page has one frame for both sides. */
static bool other_copy_good(const struct vm *vm, gpa_t page, enum vm_side side)
{
    struct ept_page other = side_lookup(vm, page, other_side(side));

    return !other.bad && other.frame.v != side_lookup(vm, page, side).frame.v;
}

/* Takes all pages away that the frame stands behind: both sides of a degraded page. */
static int take_frame_away(struct vm *vm, gpa_t page, enum vm_side side, bool overwrite)
{
    struct ept_page target = side_lookup(vm, page, side);
    struct ept_page other;
    int error;

    if (target.bad)
        return -HV_EALREADY;
    error = take_away(vm, page, side, overwrite);
    if (error != 0 || !vm->mirrored)
        return error;
    other = side_lookup(vm, page, other_side(side));
    if (other.bad || other.frame.v != target.frame.v)
        return 0;
    vm->degraded--;
    return take_away(vm, page, other_side(side), overwrite);
}

static int poison_checked(struct vm *vm, gpa_t page, enum vm_side side, bool force)
{
    if (side_lookup(vm, page, side).bad)
        return -HV_EALREADY;
    if (vm->mirrored && !force && !other_copy_good(vm, page, side))
        return -HV_EBUSY;
    return take_frame_away(vm, page, side, true);
}

int recovery_poison(struct vm *vm, gpa_t gpa, u32 where)
{
    bool force = (where & KMV_POISON_FORCE) != 0;
    u32 what = where & ~KMV_POISON_FORCE;
    gpa_t page = GPA(gpa.v & ~PAGE_MASK);
    int error = 0;

    if (!vm_is_ram(vm, gpa) || what > KMV_POISON_BOTH || (what == KMV_POISON_BOTH && !force) ||
        (what != KMV_POISON_NATIVE && !vm->mirrored))
        return -HV_EINVAL;
    if (what != KMV_POISON_MIRROR)
        error = poison_checked(vm, page, SIDE_NATIVE, force);
    if (error == 0 && what != KMV_POISON_NATIVE)
        error = poison_checked(vm, page, SIDE_MIRROR, force);
    return error;
}

/* A page that went bad, and what is said of it in the log. */
struct incident {
    gpa_t page;
    enum vm_side side;
    hpa_t bad;
    const char *cause;
};

static void report(const char *event, const struct incident *incident, hpa_t frame)
{
    log_event(event, "gpage=0x%lx side=%s bad=0x%lx new=0x%lx cause=%s", incident->page.v,
              side_names[incident->side], incident->bad.v, frame.v, incident->cause);
}

static enum recovery_result lose(struct vm *vm, const struct incident *incident)
{
    ept_mark_lost(&vm->ept, incident->page);
    if (vm->mirrored)
        ept_mark_lost(&vm->ept, vm_side_gpa(vm, incident->page, SIDE_MIRROR));
    vm->counters[KMV_COUNTER_lost]++;
    report("lost", incident, HPA(0));
    return RECOVERY_LOST;
}

/* False: `from` is bad, too. */
static bool copy_frame(hpa_t to, hpa_t from)
{
    extable_take(EXTABLE_MACHINE_CHECK);
    memcpy(phys_ptr(to), phys_ptr(from), PAGE_SIZE);
    return !extable_take(EXTABLE_MACHINE_CHECK);
}

/* Puts a fresh frame, or else the survivor's, behind the bad page. */
static enum recovery_result repair(struct vm *vm, const struct incident *incident, hpa_t survivor)
{
    gpa_t gpa = vm_side_gpa(vm, incident->page, incident->side);
    hpa_t frame = survivor;
    bool fresh = frame_take(&vm->spare, &frame);

    if (fresh && !copy_frame(frame, survivor)) {
        frame_return(&vm->spare, frame);
        take_away(vm, incident->page, other_side(incident->side), false);
        return lose(vm, incident);
    }
    vm->counters[KMV_COUNTER_spare_free] = vm->spare.free_count;
    if (ept_replace(&vm->ept, gpa, frame) != 0)
        return lose(vm, incident);
    vm->counters[fresh ? KMV_COUNTER_recovered : KMV_COUNTER_degraded]++;
    vm->degraded += !fresh;
    report(fresh ? "recover" : "degraded", incident, frame);
    return fresh ? RECOVERY_DONE : RECOVERY_DEGRADED;
}

enum recovery_result recovery_restore(struct vm *vm, gpa_t page, enum vm_side side,
                                      const char *cause)
{
    struct ept_page found = side_lookup(vm, page, side);
    struct incident incident = {page, side, found.frame, cause};
    struct ept_page other;

    if (!found.bad)
        return RECOVERY_NOT_BAD;
    if (found.lost)
        return RECOVERY_LOST;
    if (!vm->mirrored)
        return lose(vm, &incident);
    other = side_lookup(vm, page, other_side(side));
    if (other.bad || (side == SIDE_NATIVE && !recovery_protects(vm, page)))
        return lose(vm, &incident);
    return repair(vm, &incident, other.frame);
}

enum recovery_result recovery_hard_error(struct vm *vm, gpa_t page, enum vm_side side, bool torn,
                                         const char *cause)
{
    struct incident incident = {page, side, side_lookup(vm, page, side).frame, cause};
    int error = take_frame_away(vm, page, side, false);

    if (torn || (error != 0 && error != -HV_EALREADY))
        return lose(vm, &incident);
    return recovery_restore(vm, page, side, cause);
}
