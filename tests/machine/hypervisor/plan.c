#include "plan.h"

#include <hv/log/log.h>
#include <hv/mm/paging.h>
#include <hv/recovery/recovery.h>
#include <hv/vm/guestmem.h>

#define INTERVAL_MAX   (1u << 30)
#define BOUNDARIES_MAX 24u
#define MIRROR_EVERY   4u /* of so many faults one is on the mirror side */

#define NAME(name) #name,
static const char *const names[KMV_FAULT_KIND_COUNT] = {KMV_FAULT_KINDS(NAME)};

/* xorshift (Marsaglia, 2003). */
static u32 draw(struct fault_plan *plan, u32 limit)
{
    plan->random ^= plan->random << 13;
    plan->random ^= plan->random >> 17;
    plan->random ^= plan->random << 5;
    return plan->random % limit;
}

static void draw_instant(struct fault_plan *plan, u64 now)
{
    plan->at = now + plan->order.interval / 2 + draw(plan, plan->order.interval);
}

int plan_start(struct vm *vm, struct fault_plan *plan, const struct kmv_fault_plan *order, u64 now)
{
    if (order->interval == 0 || order->interval > INTERVAL_MAX || order->end > vm->ram_bytes ||
        order->first >= order->end || (order->first | order->end) & PAGE_MASK ||
        order->kinds == 0 || order->kinds >> KMV_FAULT_KIND_COUNT != 0)
        return -HV_EINVAL;
    *plan = (struct fault_plan){
        .order = *order, .random = order->seed * 2654435761u | 1, .left = order->count};
    draw_instant(plan, now);
    return 0;
}

u32 plan_boundaries(struct fault_plan *plan)
{
    return draw(plan, BOUNDARIES_MAX);
}

static enum kmv_fault_kind draw_kind(struct fault_plan *plan)
{
    u32 kind;

    do
        kind = draw(plan, KMV_FAULT_KIND_COUNT);
    while ((plan->order.kinds >> kind & 1) == 0);
    return kind;
}

static gpa_t any_page(struct fault_plan *plan)
{
    u32 pages = (plan->order.end - plan->order.first) >> PAGE_SHIFT;

    return GPA(plan->order.first + draw(plan, pages) * PAGE_SIZE);
}

static bool read_entry(struct vm *vm, u32 table, u32 index, u32 *entry)
{
    return guest_read(vm, GPA(table + index * sizeof(*entry)), entry, sizeof(*entry)) == 0 &&
           (*entry & PG_PRESENT) != 0;
}

/* By the guest's own tables: the page, and the page table that maps it (0: none does). */
static bool translate(struct vm *vm, gpa_t root, u32 at, gpa_t *page, gpa_t *table)
{
    u32 entry;

    *table = GPA(0);
    *page = GPA(at & PG_FRAME);
    if (vm->mirror.self->current == NULL)
        return true;
    if (!read_entry(vm, (u32)root.v, at >> PG_SLOT_SHIFT, &entry))
        return false;
    if (vm->mirror.pse && (entry & PG_LARGE)) {
        *page = GPA((entry & PG_LARGE_FRAME) | (at & ~PG_LARGE_FRAME & PG_FRAME));
        return true;
    }
    *table = GPA(entry & PG_FRAME);
    if (!read_entry(vm, entry & PG_FRAME, at >> PAGE_SHIFT & (PG_ENTRIES - 1), &entry))
        return false;
    *page = GPA(entry & PG_FRAME);
    return true;
}

/* False: there is no such page here. */
static bool choose(struct vm *vm, struct fault_plan *plan, const struct fault_place *place,
                   enum kmv_fault_kind kind, gpa_t *page)
{
    bool is_table = kind == KMV_FAULT_table;
    gpa_t at, table;

    if (kind < KMV_FAULT_code || kind > KMV_FAULT_table) {
        *page = kind == KMV_FAULT_root ? place->root : any_page(plan);
        return true;
    }
    if (!translate(vm, place->root, place->at[kind - KMV_FAULT_code], &at, &table))
        return false;
    *page = is_table ? table : at;
    return !is_table || table.v != 0;
}

static int make_bad(struct vm *vm, enum kmv_fault_kind kind, gpa_t page, enum vm_side side)
{
    u32 where = side == SIDE_NATIVE ? KMV_POISON_NATIVE : KMV_POISON_MIRROR;
    int error;

    if (kind == KMV_FAULT_hard) {
        if (ept_lookup(&vm->ept, page).bad ||
            ept_lookup(&vm->ept, vm_side_gpa(vm, page, SIDE_MIRROR)).bad)
            return -HV_EBUSY;
        recovery_hard_error(vm, page, side, false, "machine_check");
        return 0;
    }
    error = recovery_poison(vm, page, where);
    if (error == 0 && kind == KMV_FAULT_twice)
        recovery_restore(vm, page, side, "campaign");
    if (error == 0 && (kind == KMV_FAULT_twice || kind == KMV_FAULT_repeated))
        error = recovery_poison(vm, page, where);
    return error == -HV_EALREADY && kind == KMV_FAULT_repeated ? 0 : error;
}

static enum vm_side draw_side(struct fault_plan *plan, enum kmv_fault_kind kind)
{
    u32 chance = draw(plan, MIRROR_EVERY);

    if (kind == KMV_FAULT_native)
        return SIDE_NATIVE;
    return kind == KMV_FAULT_mirror || chance == 0 ? SIDE_MIRROR : SIDE_NATIVE;
}

void plan_strike(struct vm *vm, struct fault_plan *plan, const struct fault_place *place, u64 now)
{
    enum kmv_fault_kind kind = draw_kind(plan);
    enum vm_side side = draw_side(plan, kind);
    gpa_t page;
    int error = choose(vm, plan, place, kind, &page) ? make_bad(vm, kind, page, side) : -HV_EINVAL;

    draw_instant(plan, now);
    if (error != 0) {
        plan->at = now;
        return;
    }
    plan->left--;
    log_event("fault", "kind=%s gpage=0x%lx side=%s privilege=%u rip=0x%x left=%u", names[kind],
              page.v, side == SIDE_NATIVE ? "native" : "mirror", place->user ? 3 : 0, place->at[0],
              plan->left);
}
