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
#define GUARDS_MAX     32 /* three a processor, and one */

static u64 guards[GUARDS_MAX];
static unsigned guard_count;

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

/* The table behind an entry that maps `span` bytes, made of smaller pages if it is a large one.
 * NULL: no memory. */
static u64 *split(struct frame_pool *heap, u64 *entry, u64 span)
{
    u64 large = *entry, part = span / TABLE_ENTRIES;
    hpa_t frame;
    u64 *table;

    if ((large & ENTRY_LARGE) == 0)
        return phys_ptr(HPA(large & ENTRY_FRAME));
    if (!frame_alloc(heap, &frame))
        return NULL;
    table = phys_ptr(frame);
    for (u64 i = 0; i < TABLE_ENTRIES; i++)
        table[i] = (part == PAGE_SIZE ? large & ~ENTRY_LARGE : large) + i * part;
    *entry = frame.v | ENTRY_PRESENT | ENTRY_WRITABLE;
    return table;
}

int paging_guard(struct frame_pool *heap, u64 address)
{
    u64 *table = phys_ptr(HPA(cr3_read() & ENTRY_FRAME));

    table = phys_ptr(HPA(table[address / PML4_SPAN] & ENTRY_FRAME));
    table = split(heap, &table[address / GIB % TABLE_ENTRIES], GIB);
    if (table == NULL || guard_count == GUARDS_MAX)
        return -HV_ENOMEM;
    table = split(heap, &table[address / LARGE_PAGE_SIZE % TABLE_ENTRIES], LARGE_PAGE_SIZE);
    if (table == NULL)
        return -HV_ENOMEM;
    table[address / PAGE_SIZE % TABLE_ENTRIES] = 0;
    __asm__ volatile("invlpg (%0)" : : "r"(address) : "memory");
    guards[guard_count++] = address;
    return 0;
}

bool paging_is_guard(u64 address)
{
    for (unsigned i = 0; i < guard_count; i++) {
        if (address - guards[i] < PAGE_SIZE)
            return true;
    }
    return false;
}
