#include "protect.h"

#include "hypervisor.h"
#include "kmv/hypercall.h"
#include "memlayout.h"
#include "mmu.h"
#include "spinlock.h"
#include "vm.h"

#define WORDS 64

#define RUN_MAX (PGSIZE - 1) /* pages that may follow a word's first one */

/* Runs of neighbouring pages, in the hypercall's form; aligned, so that it doesn't cross a page. */
static struct {
    struct spinlock lock;
    uint32_t words[WORDS] __attribute__((aligned(WORDS * sizeof(uint32_t))));
} list = {.lock = {.name = "protection"}};

static bool continues_run(uint32_t word, uint32_t page)
{
    return word % PGSIZE < RUN_MAX && PTE_ADDR(word) + (word % PGSIZE + 1) * PGSIZE == page;
}

/* Fills the list from *va on, as far as it reaches. Returns the number of words. */
static uint32_t fill_list(uint32_t *pgdir, uint32_t *va, uint32_t to)
{
    uint32_t count = 0;

    for (; *va < to; *va += PGSIZE) {
        uint32_t page = vm_writable_page(pgdir, *va);

        if (page == 0)
            continue;
        if (count > 0 && continues_run(list.words[count - 1], page)) {
            list.words[count - 1]++;
            continue;
        }
        if (count == WORDS)
            break;
        list.words[count++] = page;
    }
    return count;
}

bool protect_set(uint32_t *pgdir, uint32_t from, uint32_t to, bool on)
{
    uint32_t va = PGROUNDDOWN(from);
    int result = 0;

    if (!machine_is_mirrored())
        return true;
    spin_lock(&list.lock);
    while (va < to && result >= 0) {
        uint32_t words = fill_list(pgdir, &va, to);

        result = hypercall(KMV_HC_PROTECT, V2P(list.words), words | (on ? 0 : KMV_PROTECT_OFF));
    }
    spin_unlock(&list.lock);
    if (result < 0 && !on)
        protect_set(pgdir, from, to, true);
    return result >= 0;
}
