/* Page faults that only mean that the mirror lags behind the guest's tables. */
#include <hv/mirror/internal.h>

#include <hv/mm/tlb.h>

/*
 * The tables allow what faulted and haven't changed since: the CPU used a stale translation, or
 * knows a rule that the walk doesn't (SMAP). Resuming once tells which.
 */
static bool retry_once(struct mirror *mirror, u32 address, u32 error_code)
{
    bool repeated = mirror->self->retry.valid && mirror->self->retry.address == address &&
                    mirror->self->retry.error_code == error_code;

    mirror->self->retry.valid = !repeated;
    mirror->self->retry.address = address;
    mirror->self->retry.error_code = error_code;
    if (!repeated)
        tlb_flush_gva(GVA(address));
    return !repeated;
}

/*
 * Only what can have faulted: the page directory if it changed, and the entries around the address,
 * in a table that stays unsync. So a process that grows page by page costs one violation in all and
 * a short fault for every few pages, one that grows by much at once a fault a table.
 */
static enum mirror_load_result catch_up(struct vm *vm, u32 address)
{
    struct mirror_root *root = vm->mirror.self->current;
    enum mirror_load_result result = MIRROR_LOAD_OK;

    if (root == NULL)
        return MIRROR_LOAD_OK;
    vm->mirror.pinned = root;
    if (root->unsync)
        result = root_sync(vm, root);
    if (result == MIRROR_LOAD_OK)
        table_catch_up(vm, root, address);
    mirror_finish(vm);
    return result;
}

bool mirror_page_fault(struct vm *vm, gva_t gva, u32 error_code, enum mirror_load_result *result)
{
    struct mirror *mirror = &vm->mirror;
    u32 address = (u32)gva.v;
    u64 changes = mirror->changes;
    bool resume;

    *result = catch_up(vm, address);
    if (*result != MIRROR_LOAD_OK || mirror->self->current == NULL ||
        !walk_allows(vm, address, error_code)) {
        mirror->self->retry.valid = false;
        return false;
    }
    if (mirror->changes != changes) {
        mirror->self->retry.valid = false;
        resume = true;
    } else {
        resume = retry_once(mirror, address, error_code);
    }
    if (resume)
        vm->counters[KMV_COUNTER_mirror_faults]++;
    return resume;
}
