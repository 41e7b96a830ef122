/* User address spaces. Every entry is made with its accessed and dirty bits set (mmu.h says why).
 */
#include "vm.h"

#include "cpu.h"
#include "kalloc.h"
#include "kmap.h"
#include "memlayout.h"
#include "proc.h"
#include "string.h"
#include "usercopy.h"
#include "x86.h"

#define USER_BITS (PTE_AD | PTE_U | PTE_W | PTE_P)

/* The entry of va; NULL when there is no table for it. */
static uint32_t *find_pte(uint32_t *pgdir, uint32_t va)
{
    uint32_t pde = pgdir[PDX(va)];

    if ((pde & PTE_P) == 0)
        return NULL;
    return (uint32_t *)P2V(PTE_ADDR(pde)) + PTX(va);
}

/* The entry of va, in a table made when missing; NULL: out of memory. */
static uint32_t *make_pte(uint32_t *pgdir, uint32_t va)
{
    uint32_t *pde = &pgdir[PDX(va)];

    if ((*pde & PTE_P) == 0) {
        void *table = page_alloc_zeroed();
        if (table == NULL)
            return NULL;
        *pde = V2P(table) | USER_BITS;
    }
    return find_pte(pgdir, va);
}

/* Maps a page at va. false: no memory for a table. */
static bool map_page(uint32_t *pgdir, uint32_t va, void *page, uint32_t bits)
{
    uint32_t *pte = make_pte(pgdir, va);

    if (pte == NULL)
        return false;
    *pte = V2P(page) | bits;
    return true;
}

uint32_t *vm_new(void)
{
    uint32_t *pgdir = page_alloc();

    if (pgdir == NULL)
        return NULL;
    memset(pgdir, 0, PDX(KERNBASE) * sizeof(*pgdir));
    kmap_copy(pgdir);
    return pgdir;
}

static bool add_zero_page(uint32_t *pgdir, uint32_t va)
{
    void *page = page_alloc_zeroed();

    if (page == NULL)
        return false;
    if (!map_page(pgdir, va, page, USER_BITS)) {
        page_free(page);
        return false;
    }
    return true;
}

bool vm_grow(uint32_t *pgdir, uint32_t size, uint32_t new_size)
{
    if (new_size > USERTOP)
        return false;
    for (uint32_t va = PGROUNDUP(size); va < new_size; va += PGSIZE) {
        if (!add_zero_page(pgdir, va)) {
            vm_shrink(pgdir, va, size);
            return false;
        }
    }
    return true;
}

/* A page is filled and reused before the caller's flush, yet safely: only this processor runs the
 * process, and it touches no user address until then. */
void vm_shrink(uint32_t *pgdir, uint32_t size, uint32_t new_size)
{
    for (uint32_t va = PGROUNDUP(new_size); va < size; va += PGSIZE) {
        uint32_t *pte = find_pte(pgdir, va);
        if (pte == NULL || (*pte & PTE_P) == 0)
            continue;
        uint32_t entry = *pte;
        *pte = 0;
        page_free(P2V(PTE_ADDR(entry)));
    }
}

void vm_flush(void)
{
    irq_push();
    write_cr3(V2P(cpu_self()->pgdir));
    irq_pop();
}

static void free_table(uint32_t *table)
{
    for (int i = 0; i < NPTENTRIES; i++) {
        if (table[i] & PTE_P)
            page_free(P2V(PTE_ADDR(table[i])));
    }
    page_free(table);
}

/* Unlike vm_shrink, writes no entry of a table: nothing walks these tables any more, so clearing
 * them would be work for nothing. Those of the directory tell a hypervisor that follows them: it
 * lets go of a directory that no processor uses at the first write, and of its tables with it,
 * which are then filled without another exit. */
void vm_free(uint32_t *pgdir)
{
    for (uint32_t i = 0; i < PDX(USERTOP); i++) {
        uint32_t entry = pgdir[i];

        if ((entry & PTE_P) == 0)
            continue;
        pgdir[i] = 0;
        free_table(P2V(PTE_ADDR(entry)));
    }
    page_free(pgdir);
}

/* Copies the page at va, if there is one. */
static bool copy_page(uint32_t *to, uint32_t *from, uint32_t va)
{
    uint32_t *pte = find_pte(from, va);

    if (pte == NULL || (*pte & PTE_P) == 0)
        return true;
    void *page = page_alloc();
    if (page == NULL)
        return false;
    if (!user_copy(page, P2V(PTE_ADDR(*pte)), PGSIZE) || !map_page(to, va, page, *pte & 0xFFF)) {
        page_free(page);
        return false;
    }
    return true;
}

uint32_t *vm_copy(uint32_t *pgdir, uint32_t size)
{
    uint32_t *copy = vm_new();
    bool ok = copy != NULL;

    proc_self()->other_pgdir = copy;
    for (uint32_t va = 0; va < size && ok; va += PGSIZE)
        ok = copy_page(copy, pgdir, va);
    if (!ok && copy != NULL)
        vm_free(copy);
    proc_self()->other_pgdir = NULL;
    return ok ? copy : NULL;
}

void vm_guard(uint32_t *pgdir, uint32_t va)
{
    uint32_t *pte = find_pte(pgdir, va);

    if (pte != NULL)
        *pte &= ~(uint32_t)PTE_U;
}

uint32_t vm_writable_page(uint32_t *pgdir, uint32_t va)
{
    const uint32_t *pte = find_pte(pgdir, va);

    return pte == NULL || (*pte & (PTE_P | PTE_W)) != (PTE_P | PTE_W) ? 0 : PTE_ADDR(*pte);
}

void vm_freeze(uint32_t *pgdir, uint32_t from, uint32_t to)
{
    for (uint32_t va = PGROUNDDOWN(from); va < to; va += PGSIZE) {
        uint32_t *pte = find_pte(pgdir, va);
        if (pte != NULL)
            *pte &= ~(uint32_t)PTE_W;
    }
}

void *vm_page(uint32_t *pgdir, uint32_t va)
{
    uint32_t *pte = find_pte(pgdir, va);

    if (va >= USERTOP || pte == NULL || (*pte & (PTE_P | PTE_U)) != (PTE_P | PTE_U))
        return NULL;
    return P2V(PTE_ADDR(*pte));
}

bool vm_copyout(uint32_t *pgdir, uint32_t va, const void *from, uint32_t bytes)
{
    const char *source = from;

    while (bytes > 0) {
        char *page = vm_page(pgdir, va);
        uint32_t offset = va % PGSIZE;
        uint32_t piece = PGSIZE - offset < bytes ? PGSIZE - offset : bytes;

        if (page == NULL || !user_copy(page + offset, source, piece))
            return false;
        source += piece;
        va += piece;
        bytes -= piece;
    }
    return true;
}

/* The size alone doesn't do: the guard page lies below it. */
bool user_range_ok(uint32_t va, uint32_t bytes)
{
    const struct proc *p = proc_self();

    if (va >= p->size || bytes > p->size - va)
        return false;
    for (uint32_t page = PGROUNDDOWN(va); page < va + bytes; page += PGSIZE) {
        if (vm_page(p->pgdir, page) == NULL)
            return false;
    }
    return true;
}

int user_string_length(uint32_t va)
{
    const struct proc *p = proc_self();
    char piece[64]; /* aligned to its size, so that none crosses a page */
    uint32_t bytes;

    for (uint32_t at = va; at < p->size; at += bytes) {
        bytes = sizeof(piece) - at % sizeof(piece);
        if (bytes > p->size - at)
            bytes = p->size - at;
        if (vm_page(p->pgdir, at) == NULL || !user_copy(piece, (const void *)at, bytes))
            return -1;
        for (uint32_t i = 0; i < bytes; i++) {
            if (piece[i] == '\0')
                return (int)(at + i - va);
        }
    }
    return -1;
}
