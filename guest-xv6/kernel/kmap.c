/* Kernel page tables: RAM from KERNBASE, devices identity-mapped. Built once, in pages of 4 MiB
 * where the processor has them; a process's page directory copies the entries, so no process costs
 * a kernel page table. */
#include "kmap.h"

#include "console.h"
#include "cpu.h"
#include "kalloc.h"
#include "memlayout.h"
#include "string.h"
#include "x86.h"

#define CPUID_EDX_PSE (1u << 3)

extern char data_start[], kernel_end[]; /* kernel.ld */

static uint32_t kernel_pgdir[NPTENTRIES] __attribute__((aligned(PGSIZE)));
static bool have_large_pages;
static volatile uint32_t moving[2]; /* pages that kmap_exchange exchanges */

/* The entry of a 4 KiB page, in a table made when missing. Only at boot: memory can't be short
 * there. */
static uint32_t *boot_pte(uint32_t va)
{
    uint32_t *pde = &kernel_pgdir[PDX(va)];

    if ((*pde & PTE_P) == 0) {
        void *table = page_alloc_zeroed();
        if (table == NULL)
            fatal("no memory for the kernel's page tables");
        *pde = V2P(table) | PTE_AD | PTE_W | PTE_P;
    }
    uint32_t *table = P2V(PTE_ADDR(*pde));
    return &table[PTX(va)];
}

static bool fits_large(uint32_t va, uint32_t pa, uint32_t bytes)
{
    return have_large_pages && ((va | pa) & (LARGE_PGSIZE - 1)) == 0 && bytes >= LARGE_PGSIZE;
}

/* Maps [va, va + bytes) to pa; all multiples of the page size. `bits`: PTE_W, PTE_PCD, ... */
static void map(uint32_t va, uint32_t pa, uint32_t bytes, uint32_t bits)
{
    while (bytes > 0) {
        uint32_t step = PGSIZE;

        if (fits_large(va, pa, bytes)) {
            kernel_pgdir[PDX(va)] = pa | bits | PTE_PS | PTE_AD | PTE_P;
            step = LARGE_PGSIZE;
        } else {
            *boot_pte(va) = pa | bits | PTE_AD | PTE_P;
        }
        va += step;
        pa += step;
        bytes -= step;
    }
}

static void map_physical(uint32_t from, uint32_t to, uint32_t bits)
{
    map((uint32_t)P2V(from), from, to - from, bits);
}

void kmap_init(uint32_t ram_end)
{
    uint32_t writable = V2P(data_start);

    have_large_pages = (cpuid(1).edx & CPUID_EDX_PSE) != 0;
    map_physical(0, VGA_START, PTE_W);
    map_physical(VGA_START, ROM_START, PTE_W | PTE_PCD | PTE_PWT);
    map_physical(ROM_START, EXTMEM, 0);
    map_physical(EXTMEM, writable, 0);
    map_physical(writable, LARGE_PGSIZE, PTE_W);
    map_physical(LARGE_PGSIZE, ram_end, PTE_W);
    map(DEVBASE, DEVBASE, -(uint32_t)DEVBASE, PTE_W | PTE_PCD | PTE_PWT);
    kmap_load();
}

void kmap_load(void)
{
    if (have_large_pages)
        write_cr4(read_cr4() | CR4_PSE);
    write_cr3(V2P(kernel_pgdir));
    cpu_self()->pgdir = kernel_pgdir;
}

void kmap_copy(uint32_t *pgdir)
{
    uint32_t first = PDX(KERNBASE);

    memcpy(pgdir + first, kernel_pgdir + first, (NPTENTRIES - first) * sizeof(*pgdir));
}

void kmap_exchange(uint32_t a, uint32_t b)
{
    uint32_t at_a = *boot_pte(a), at_b = *boot_pte(b);

    moving[0] = a;
    moving[1] = b;
    *boot_pte(a) = 0;
    invlpg(a);
    *boot_pte(b) = 0;
    invlpg(b);
    *boot_pte(a) = at_b;
    invlpg(a);
    *boot_pte(b) = at_a;
    invlpg(b);
}

bool kmap_moves(uint32_t va)
{
    return va >= KERNBASE && (PGROUNDDOWN(va) == moving[0] || PGROUNDDOWN(va) == moving[1]);
}

void pgdir_load(uint32_t *pgdir)
{
    struct cpu *c = cpu_self();

    if (pgdir == NULL)
        pgdir = kernel_pgdir;
    if (pgdir != c->pgdir) {
        write_cr3(V2P(pgdir));
        c->pgdir = pgdir;
    }
}
