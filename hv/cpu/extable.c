#include <hv/cpu/extable.h>

struct extable_entry {
    int32_t from, to;
};

extern const struct extable_entry __extable_start[], __extable_end[];

static volatile bool fault_seen;

static u64 absolute(const int32_t *relative)
{
    return (u64)relative + (u64)(int64_t)*relative;
}

u64 extable_fixup(u64 rip)
{
    for (const struct extable_entry *entry = __extable_start; entry < __extable_end; entry++) {
        if (absolute(&entry->from) == rip) {
            fault_seen = true;
            return absolute(&entry->to);
        }
    }
    return 0;
}

bool extable_take_fault(void)
{
    bool seen = fault_seen;

    fault_seen = false;
    return seen;
}
