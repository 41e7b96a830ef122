/* First fit over one list of free chunks, sorted by address so that neighbours can be joined. */
#include "user.h"

/* The heap grows by an eighth of itself, so that a large one needs few calls of sbrk and a small
 * one no memory that it doesn't use. */
#define GROW_SHARE 8
#define GROW_MAX   (256 * PAGE_SIZE)
#define BYTES_MAX  0x7ff00000u /* sbrk takes a signed number */

struct chunk {
    size_t bytes; /* with this header */
    struct chunk *next;
};

static struct chunk *free_list;
static size_t heap_bytes; /* got from sbrk so far */

static int adjacent(const struct chunk *low, const struct chunk *high)
{
    return (const char *)low + low->bytes == (const char *)high;
}

static void insert(struct chunk *chunk)
{
    struct chunk **link = &free_list;
    struct chunk *before = NULL;

    while (*link && *link < chunk) {
        before = *link;
        link = &before->next;
    }
    chunk->next = *link;
    *link = chunk;
    if (chunk->next && adjacent(chunk, chunk->next)) {
        chunk->bytes += chunk->next->bytes;
        chunk->next = chunk->next->next;
    }
    if (before && adjacent(before, chunk)) {
        before->bytes += chunk->bytes;
        before->next = chunk->next;
    }
}

static size_t whole_pages(size_t bytes)
{
    return (bytes + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
}

/* Programs may have left the break at any address; chunks stay aligned and next to each other. */
static int grow_by(size_t whole)
{
    size_t skew = -(uintptr_t)sbrk(0) % sizeof(struct chunk);
    char *memory = sbrk((int)(whole + skew));

    if (memory == SBRK_FAILED)
        return -1;
    struct chunk *chunk = (struct chunk *)(memory + skew);
    chunk->bytes = whole;
    insert(chunk);
    heap_bytes += whole;
    return 0;
}

static int grow(size_t bytes)
{
    size_t wanted = heap_bytes / GROW_SHARE < GROW_MAX ? heap_bytes / GROW_SHARE : GROW_MAX;

    if (wanted > bytes && grow_by(whole_pages(wanted)) == 0)
        return 0;
    return grow_by(whole_pages(bytes));
}

/* The rest stays at the upper end, where it joins what the heap grows by next. */
static void *take(struct chunk **link, size_t bytes)
{
    struct chunk *chunk = *link;

    *link = chunk->next;
    if (chunk->bytes - bytes >= 2 * sizeof(struct chunk)) {
        struct chunk *rest = (struct chunk *)((char *)chunk + bytes);
        rest->bytes = chunk->bytes - bytes;
        rest->next = chunk->next;
        *link = rest;
        chunk->bytes = bytes;
    }
    return chunk + 1;
}

void *malloc(size_t bytes)
{
    if (bytes > BYTES_MAX)
        return NULL;
    bytes = (bytes + 2 * sizeof(struct chunk) - 1) / sizeof(struct chunk) * sizeof(struct chunk);
    do {
        for (struct chunk **link = &free_list; *link; link = &(*link)->next) {
            if ((*link)->bytes >= bytes)
                return take(link, bytes);
        }
    } while (grow(bytes) == 0);
    return NULL;
}

void free(void *memory)
{
    if (memory)
        insert((struct chunk *)memory - 1);
}
