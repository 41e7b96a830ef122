#include "firmware.h"

#include "plan.h"

#define PAGE            4096ull
#define LOW_MEMORY_END  0xA0000ull
#define ALLOCATIONS_MAX 64
#define MAP_SPARE       128 /* descriptors that later allocations may add */

struct allocation {
    EFI_PHYSICAL_ADDRESS address;
    UINTN pages;
};

static struct allocation allocations[ALLOCATIONS_MAX];
static unsigned allocation_count;

/* The memory map as read last. */
static struct {
    uint8_t *list;
    UINTN capacity; /* bytes of list */
    UINTN size;     /* bytes of it in use */
    UINTN stride;   /* bytes from one descriptor to the next, which newer firmware may lengthen */
} map;

static UINTN pages_of(uint64_t size)
{
    return (size + PAGE - 1) / PAGE;
}

static bool allocate(EFI_ALLOCATE_TYPE how, EFI_MEMORY_TYPE type, uint64_t size,
                     EFI_PHYSICAL_ADDRESS *address)
{
    UINTN pages = pages_of(size);

    if (allocation_count == ALLOCATIONS_MAX ||
        firmware->BootServices->AllocatePages(how, type, pages, address) != EFI_SUCCESS)
        return false;
    allocations[allocation_count++] = (struct allocation){*address, pages};
    return true;
}

void *memory_alloc(uint64_t size)
{
    EFI_PHYSICAL_ADDRESS address = 0;

    if (!allocate(AllocateAnyPages, EfiLoaderData, size == 0 ? 1 : size, &address))
        return NULL;
    return (void *)address;
}

bool memory_reserve_low(uint64_t size, uint64_t *address)
{
    *address = LOW_MEMORY_END - 1;
    return allocate(AllocateMaxAddress, EfiReservedMemoryType, size, address);
}

void memory_free_all(void)
{
    while (allocation_count > 0) {
        struct allocation *last = &allocations[--allocation_count];
        firmware->BootServices->FreePages(last->address, last->pages);
    }
}

static EFI_STATUS make_room_for_map(void)
{
    UINTN key;
    UINT32 version;
    UINTN size = 0;

    firmware->BootServices->GetMemoryMap(&size, NULL, &key, &map.stride, &version);
    map.capacity = size + MAP_SPARE * map.stride;
    map.list = memory_alloc(map.capacity);
    return map.list != NULL ? EFI_SUCCESS : EFI_OUT_OF_RESOURCES;
}

EFI_STATUS memory_map_read(UINTN *key)
{
    UINT32 version;

    if (map.list == NULL) {
        EFI_STATUS status = make_room_for_map();
        if (status != EFI_SUCCESS)
            return status;
    }
    map.size = map.capacity;
    return firmware->BootServices->GetMemoryMap(&map.size, (EFI_MEMORY_DESCRIPTOR *)map.list, key,
                                                &map.stride, &version);
}

static const EFI_MEMORY_DESCRIPTOR *region_at(UINTN offset)
{
    return (const EFI_MEMORY_DESCRIPTOR *)(map.list + offset);
}

static uint64_t end_of(const EFI_MEMORY_DESCRIPTOR *region)
{
    return region->PhysicalStart + region->NumberOfPages * PAGE;
}

uint64_t memory_map_ram_end(void)
{
    uint64_t end = 0;

    for (UINTN at = 0; at < map.size; at += map.stride) {
        const EFI_MEMORY_DESCRIPTOR *region = region_at(at);
        bool is_ram = region->Type >= EfiLoaderCode && region->Type <= EfiACPIMemoryNVS &&
                      region->Type != EfiUnusableMemory;
        if (is_ram && end_of(region) > end)
            end = end_of(region);
    }
    return end;
}

/* AllocatePages aligns to 4 KiB only, hence the search for an aligned place in the memory map. */
bool memory_reserve(const struct block *block, const char *what, uint64_t *address,
                    struct error *error)
{
    struct block whole = *block;
    uint64_t largest = 0;
    UINTN key;

    if (memory_map_read(&key) != EFI_SUCCESS)
        return refuse(error, "the firmware gives no memory map");
    whole.size = pages_of(block->size) * PAGE;
    for (UINTN at = 0; at < map.size; at += map.stride) {
        const EFI_MEMORY_DESCRIPTOR *region = region_at(at);
        if (region->Type != EfiConventionalMemory)
            continue;
        uint64_t length = end_of(region) - region->PhysicalStart;
        if (length > largest)
            largest = length;
        if (plan_fit(region->PhysicalStart, end_of(region), &whole, address) &&
            allocate(AllocateAddress, EfiReservedMemoryType, whole.size, address))
            return true;
    }
    return refuse(error,
                  "no free block of %llu KiB for the %s, the largest is %llu KiB: lower memory or "
                  "give the machine more",
                  (unsigned long long)whole.size >> 10, what, (unsigned long long)largest >> 10);
}
