/* Memory errors on demand: kernel image, page tables, stacks, buffers, user pages, whatever the
 * draw says. */
#include "inject.h"

#include <stdbool.h>

#include "hypervisor.h"
#include "kalloc.h"
#include "kmv/hypercall.h"
#include "memlayout.h"
#include "sleeplock.h"
#include "string.h"

#define TRIES        64 /* draws of a page before a search */
#define MIRROR_EVERY 4  /* of so many pages one is poisoned on the mirror side */

#define ERR_BUSY    (-16)
#define ERR_ALREADY (-114)

static struct sleeplock inject_lock = {.guard = {.name = "inject"}};

/* What this run has done with each page. */
enum mark { FRESH, POISONED, REFUSED };
static uint8_t marks[PHYSTOP / PGSIZE];

/* xorshift (Marsaglia, 2003): small, and good enough to spread draws. The state is never 0. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static bool has_mark(uint32_t page, enum mark mark)
{
    return marks[page] == mark && page_in_use(page * PGSIZE);
}

/* A random page in use with a mark; 0: there is none left. After some misses the next one in order
 * is taken, so that a draw always ends. */
static uint32_t draw(uint32_t *state, enum mark mark)
{
    uint32_t first = EXTMEM / PGSIZE;
    uint32_t count = pages_watermark() / PGSIZE - first;
    uint32_t page = first;

    for (int i = 0; i < TRIES; i++) {
        page = first + next_random(state) % count;
        if (has_mark(page, mark))
            return page;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (has_mark(page, mark))
            return page;
        page = page + 1 < first + count ? page + 1 : first;
    }
    return 0;
}

/* A read that meets a bad page has it recovered. */
static void touch_both_sides(uint32_t page)
{
    const char *native = P2V(page * PGSIZE);

    (void)*(const volatile char *)native;
    (void)*(const volatile char *)(native + mirror_offset());
}

static uint32_t choose_side(int i)
{
    bool mirror_side = machine_is_mirrored() && i % MIRROR_EVERY == MIRROR_EVERY - 1;

    return mirror_side ? KMV_POISON_MIRROR : KMV_POISON_NATIVE;
}

/* Poisons a page and marks it. false: the hypervisor doesn't do such things. */
static bool poison(uint32_t page, uint32_t side)
{
    int result = hypercall(KMV_HC_POISON, page * PGSIZE, side);

    marks[page] = result == 0 ? POISONED : REFUSED;
    return result == 0 || result == ERR_BUSY || result == ERR_ALREADY;
}

/* Pages that are bad already are left for last: those are recovered first, and poisoned again. */
static int inject_locked(int count, uint32_t seed)
{
    uint32_t state =
        seed * 2654435761u | 1; /* seeds that differ little lead to draws that differ much */
    uint32_t page;
    int done = 0;

    memset(marks, FRESH, sizeof(marks));
    while (done < count) {
        page = draw(&state, FRESH);
        if (page == 0 && machine_is_mirrored() && (page = draw(&state, REFUSED)) != 0)
            touch_both_sides(page);
        if (page == 0)
            break;
        if (!poison(page, choose_side(done)))
            return -1;
        if (marks[page] == POISONED)
            done++;
    }
    return done;
}

int inject(int count, uint32_t seed)
{
    if (!machine_has_hypervisor() || count < 0)
        return -1;
    sleep_lock(&inject_lock);
    int result = inject_locked(count, seed);
    sleep_unlock(&inject_lock);
    return result;
}
