#include <hv/cpu/cpuid.h>
#include <hv/cpu/paging.h>
#include <hv/mm/phys.h>

#define ENTRY_PRESENT  (1ull << 0)
#define ENTRY_WRITABLE (1ull << 1)
#define ENTRY_LARGE    (1ull << 7)
#define ENTRY_FRAME    0x000ffffffffff000ull
#define TABLE_ENTRIES  512
#define GIB            (1ull << 30)
#define PML4_SPAN      (512 * GIB)

static bool has_1g_pages(void)
{
    return (cpuid(0x80000001, 0).edx >> 26 & 1) != 0;
}

static u64 *next_table(struct frame_pool *heap, u64 *entry)
{
    hpa_t frame;

    if ((*entry & ENTRY_PRESENT) == 0) {
        if (!frame_alloc(heap, &frame))
            return NULL;
        *entry = frame.v | ENTRY_PRESENT | ENTRY_WRITABLE;
    }
    return phys_ptr(HPA(*entry & ENTRY_FRAME));
}

static bool map_gib(struct frame_pool *heap, u64 *pdpt_entry, u64 base)
{
    u64 *directory;

    if (has_1g_pages()) {
        *pdpt_entry = base | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_LARGE;
        return true;
    }
    directory = next_table(heap, pdpt_entry);
    if (directory == NULL)
        return false;
    for (u64 i = 0; i < TABLE_ENTRIES; i++)
        directory[i] = (base + i * LARGE_PAGE_SIZE) | ENTRY_PRESENT | ENTRY_WRITABLE | ENTRY_LARGE;
    return true;
}

int paging_init(struct frame_pool *heap, u64 end)
{
    hpa_t root;
    u64 *pml4;

    if (!frame_alloc(heap, &root))
        return -HV_ENOMEM;
    pml4 = phys_ptr(root);
    for (u64 base = 0; base < end; base += GIB) {
        u64 *pdpt = next_table(heap, &pml4[base / PML4_SPAN]);

        if (pdpt == NULL || !map_gib(heap, &pdpt[base / GIB % TABLE_ENTRIES], base))
            return -HV_ENOMEM;
    }
    cr3_write(root.v);
    return 0;
}
