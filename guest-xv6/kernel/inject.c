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
static uint8_t drawn[PHYSTOP / PGSIZE]; /* this run has had the page */

/* xorshift (Marsaglia, 2003): small, and good enough to spread draws. The state is never 0. */
static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static bool may_draw(uint32_t page)
{
    return !drawn[page] && page_in_use(page * PGSIZE);
}

/* A page number not drawn yet, and marks it drawn; 0: none is left. After some misses the next one
 * in order is taken, so that a draw always ends. */
static uint32_t draw(uint32_t *state)
{
    uint32_t first = EXTMEM / PGSIZE;
    uint32_t count = pages_watermark() / PGSIZE - first;
    uint32_t page = first;
    uint32_t misses = 0;

    for (; misses < TRIES; misses++) {
        page = first + next_random(state) % count;
        if (may_draw(page))
            break;
    }
    for (uint32_t i = 0; misses == TRIES && i < count && !may_draw(page); i++)
        page = page + 1 < first + count ? page + 1 : first;
    if (!may_draw(page))
        return 0;
    drawn[page] = 1;
    return page;
}

static uint32_t choose_side(int i)
{
    bool mirror_side = machine_is_mirrored() && i % MIRROR_EVERY == MIRROR_EVERY - 1;

    return mirror_side ? KMV_POISON_MIRROR : KMV_POISON_NATIVE;
}

static int inject_locked(int count, uint32_t seed)
{
    uint32_t state =
        seed * 2654435761u | 1; /* seeds that differ little lead to draws that differ much */
    int done = 0;

    memset(drawn, 0, sizeof(drawn));
    while (done < count) {
        uint32_t page = draw(&state);
        if (page == 0)
            break;
        int result = hypercall(KMV_HC_POISON, page * PGSIZE, choose_side(done));
        if (result == 0)
            done++;
        else if (result != ERR_BUSY && result != ERR_ALREADY)
            return -1;
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
