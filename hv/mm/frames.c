#include <hv/mm/frames.h>

#include <hv/lib/string.h>
#include <hv/mm/phys.h>

void frame_pool_init(struct frame_pool *pool, hpa_t base, u64 bytes)
{
    pool->base = base.v;
    pool->end = base.v + (bytes & ~PAGE_MASK);
    pool->next = base.v;
    pool->free_head = 0;
    pool->free_count = bytes / PAGE_SIZE;
}

static bool is_retired(const struct frame_pool *pool, u64 frame)
{
    for (u32 i = 0; i < pool->retired_count; i++) {
        if (pool->retired[i] == frame)
            return true;
    }
    return false;
}

/* *zeroed: all its bytes are 0. */
static bool take(struct frame_pool *pool, hpa_t *frame, bool *zeroed)
{
    if (pool->free_count == 0)
        return false;
    pool->free_count--;
    *zeroed = pool->free_head != 0;
    if (*zeroed) {
        u64 *next = phys_ptr(HPA(pool->free_head));
        *frame = HPA(pool->free_head);
        pool->free_head = *next;
        *next = 0;
        return true;
    }
    while (pool->next < pool->end) {
        *frame = HPA(pool->next);
        pool->next += PAGE_SIZE;
        if (!is_retired(pool, frame->v))
            return true;
    }
    *frame = HPA(pool->stock[--pool->stock_count]);
    return true;
}

bool frame_take(struct frame_pool *pool, hpa_t *frame)
{
    bool zeroed;

    return take(pool, frame, &zeroed);
}

bool frame_alloc(struct frame_pool *pool, hpa_t *frame)
{
    bool zeroed;

    if (!take(pool, frame, &zeroed))
        return false;
    if (!zeroed)
        memset(phys_ptr(*frame), 0, PAGE_SIZE);
    return true;
}

bool frame_alloc_block(struct frame_pool *pool, u64 frames, hpa_t *first)
{
    if (pool->end - pool->next < frames * PAGE_SIZE || pool->retired_count > 0)
        return false;
    *first = HPA(pool->next);
    pool->free_count -= frames;
    for (; frames > 0; frames--) {
        memset(phys_ptr(HPA(pool->next)), 0, PAGE_SIZE);
        pool->next += PAGE_SIZE;
    }
    return true;
}

bool frame_give(struct frame_pool *pool, struct frame_pool *heap, hpa_t frame)
{
    hpa_t stock;

    if (pool->stock == NULL && frame_alloc(heap, &stock))
        pool->stock = phys_ptr(stock);
    if (pool->stock == NULL || pool->stock_count == FRAMES_STOCK)
        return false;
    pool->stock[pool->stock_count++] = frame.v;
    pool->free_count++;
    return true;
}

static bool retire_from_stock(struct frame_pool *pool, u64 frame)
{
    for (u32 i = 0; i < pool->stock_count; i++) {
        if (pool->stock[i] != frame)
            continue;
        pool->stock[i] = pool->stock[--pool->stock_count];
        pool->free_count--;
        return true;
    }
    return false;
}

bool frame_retire(struct frame_pool *pool, hpa_t hpa)
{
    u64 frame = hpa.v & ~PAGE_MASK;

    if (retire_from_stock(pool, frame))
        return true;
    if (frame < pool->next || frame >= pool->end || pool->retired_count == FRAMES_RETIRED)
        return false;
    if (!is_retired(pool, frame)) {
        pool->retired[pool->retired_count++] = frame;
        pool->free_count--;
    }
    return true;
}

void frame_return(struct frame_pool *pool, hpa_t frame)
{
    memset(phys_ptr(frame), 0, PAGE_SIZE);
    frame_free(pool, frame);
}

void frame_free(struct frame_pool *pool, hpa_t frame)
{
    *(u64 *)phys_ptr(frame) = pool->free_head;
    pool->free_head = frame.v;
    pool->free_count++;
}
