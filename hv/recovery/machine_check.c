#include <hv/recovery/machine_check.h>
#include <hv/recovery/recovery.h>

struct search {
    const struct vm *vm;
    u64 target;
    bool found;
    gpa_t page; /* in RAM */
    enum vm_side side;
};

static void look(void *context, gpa_t gpa, const struct ept_page *leaf)
{
    struct search *search = context;
    u64 distance = search->target - leaf->frame.v;

    if (!search->found && distance < leaf->run)
        search->found =
            vm_ram_side(search->vm, GPA(gpa.v + distance), &search->side, &search->page);
}

static bool asks_for_action(enum mce_kind kind)
{
    return kind == MCE_SRAR || mce_is_fatal(kind);
}

/* Memory that isn't the guest's. What nobody has read yet does no harm yet. */
static bool answer_elsewhere(struct vm *vm, const struct mce_queue *queue,
                             const struct mce_error *error)
{
    bool retired = frame_retire(&vm->spare, error->address);
    bool survives = retired || error->kind != MCE_SRAR;

    vm->counters[KMV_COUNTER_spare_free] = vm->spare.free_count;
    mce_log(queue, error, retired ? "retire" : survives ? "none" : "stop");
    return survives;
}

static bool answer_page(struct vm *vm, const struct mce_queue *queue, const struct mce_error *error,
                        bool in_window)
{
    struct search search = {.vm = vm, .target = error->address.v & ~PAGE_MASK};

    ept_for_each(&vm->ept, look, &search);
    if (!search.found)
        return answer_elsewhere(vm, queue, error);
    mce_log(queue, error, "recover");
    recovery_hard_error(vm, search.page, search.side, in_window && search.side == SIDE_NATIVE,
                        "machine_check");
    return true;
}

static bool answer(struct vm *vm, const struct mce_queue *queue, const struct mce_error *error,
                   bool in_window)
{
    if (mce_names_page(error->kind))
        return answer_page(vm, queue, error, in_window);
    mce_log(queue, error, mce_is_fatal(error->kind) ? "stop" : "none");
    return !mce_is_fatal(error->kind);
}

bool machine_check_answer(struct vm *vm, struct mce_queue *queue, bool in_window)
{
    struct mce_error held[MCE_ERRORS], error;
    u32 count = 0;
    bool survives = true;

    while (mce_take(queue, &error)) {
        if (in_window && !asks_for_action(error.kind))
            held[count++ % MCE_ERRORS] = error;
        else
            survives &= answer(vm, queue, &error, in_window);
    }
    while (count-- > 0)
        mce_add(queue, &held[count]);
    return survives;
}
