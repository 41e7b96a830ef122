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

static u64 take_frame(struct frame_pool *pool)
{
    u64 frame = pool->free_head;

    if (frame != 0) {
        pool->free_head = *(u64 *)phys_ptr(HPA(frame));
        return frame;
    }
    frame = pool->next;
    pool->next += PAGE_SIZE;
    return frame;
}

bool frame_alloc(struct frame_pool *pool, hpa_t *frame)
{
    if (pool->free_count == 0)
        return false;
    *frame = HPA(take_frame(pool));
    pool->free_count--;
    memset(phys_ptr(*frame), 0, PAGE_SIZE);
    return true;
}

void frame_free(struct frame_pool *pool, hpa_t frame)
{
    *(u64 *)phys_ptr(frame) = pool->free_head;
    pool->free_head = frame.v;
    pool->free_count++;
}
