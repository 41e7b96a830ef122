#include <hv/mm/entry.h>

void entry_store64(u64 *entry, u64 value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}

void entry_store32(u32 *entry, u32 value)
{
    __atomic_store_n(entry, value, __ATOMIC_RELEASE);
}
