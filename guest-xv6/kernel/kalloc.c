/* Page allocator: a list of freed pages, and behind it memory never touched so far, so that boot
 * costs nothing. */
#include "kalloc.h"

#include <stddef.h>

#include "console.h"
#include "memlayout.h"
#include "spinlock.h"
#include "usercopy.h"

struct free_page {
    struct free_page *next;
};

static struct {
    struct spinlock lock;
    struct free_page *free;
    uint32_t virgin; /* first page never handed out; physical, as `end` */
    uint32_t end;
    uint32_t first;
    uint8_t is_free[PHYSTOP / PGSIZE / 8]; /* a bit a page: on the free list */
    uint8_t is_retired[PHYSTOP / PGSIZE / 8];
} pages;

static bool test_free(uint32_t pa)
{
    return pages.is_free[pa / PGSIZE / 8] >> (pa / PGSIZE % 8) & 1;
}

static void flip_free(uint32_t pa)
{
    pages.is_free[pa / PGSIZE / 8] ^= (uint8_t)(1u << (pa / PGSIZE % 8));
}

void pages_init(uint32_t first, uint32_t end)
{
    pages.lock = SPINLOCK("pages");
    pages.first = PGROUNDUP(first);
    pages.virgin = pages.first;
    pages.end = end;
}

/* pages.lock is held. */
static void *take_freed(void)
{
    struct free_page *page = pages.free;

    if (page == NULL)
        return NULL;
    pages.free = page->next;
    flip_free(V2P(page));
    return page;
}

/* pages.lock is held. */
static void *take_virgin(void)
{
    if (pages.virgin + PGSIZE > pages.end)
        return NULL;
    void *page = P2V(pages.virgin);
    pages.virgin += PGSIZE;
    return page;
}

void *page_alloc(void)
{
    spin_lock(&pages.lock);
    void *page = take_freed();
    if (page == NULL)
        page = take_virgin();
    spin_unlock(&pages.lock);
    return page;
}

void *page_alloc_zeroed(void)
{
    void *page = page_alloc();

    while (page != NULL && !page_fill(page, 0))
        page = page_alloc();
    return page;
}

void page_retire(uint32_t pa)
{
    pages.is_retired[pa / PGSIZE / 8] |= (uint8_t)(1u << (pa / PGSIZE % 8));
}

static bool is_retired(uint32_t pa)
{
    return pages.is_retired[pa / PGSIZE / 8] >> (pa / PGSIZE % 8) & 1;
}

void page_free(void *page)
{
    uint32_t pa = V2P(page);
    struct free_page *freed = page;

    if (pa % PGSIZE != 0 || pa < pages.first || pa >= pages.virgin)
        panic("page_free: %p is not a page of the allocator", page);
    if (is_retired(pa) || !page_fill(page, 0x01))
        return;
    spin_lock(&pages.lock);
    if (test_free(pa))
        panic("page_free: %p is free already", page);
    flip_free(pa);
    freed->next = pages.free;
    pages.free = freed;
    spin_unlock(&pages.lock);
}

uint32_t pages_watermark(void)
{
    return pages.virgin;
}

bool page_in_use(uint32_t pa)
{
    return pa >= EXTMEM && pa < pages.virgin && !test_free(pa);
}
