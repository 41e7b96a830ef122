#include <hv/cpu/extable.h>
#include <hv/cpu/processor.h>

struct extable_entry {
    int32_t from, to;
    u32 kind;
};

extern const struct extable_entry __extable_start[], __extable_end[];

static u64 absolute(const int32_t *relative)
{
    return (u64)relative + (u64)(int64_t)*relative;
}

u64 extable_fixup(u64 rip, enum extable_kind kind)
{
    for (const struct extable_entry *entry = __extable_start; entry < __extable_end; entry++) {
        if (entry->kind == kind && absolute(&entry->from) == rip) {
            processor_self()->faulted[kind] = true;
            return absolute(&entry->to);
        }
    }
    return 0;
}

bool extable_take(enum extable_kind kind)
{
    struct processor *self = processor_self();
    bool was = self->faulted[kind];

    self->faulted[kind] = false;
    return was;
}
