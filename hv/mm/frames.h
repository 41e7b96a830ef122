/* A pool of 4 KiB host frames in one contiguous block: the hypervisor's heap, and the spare pool.
 */
#ifndef HV_MM_FRAMES_H
#define HV_MM_FRAMES_H

#include <hv/types.h>

enum { FRAMES_RETIRED = 16, FRAMES_STOCK = 512 };

struct frame_pool {
    u64 base, end;  /* the block, host-physical bytes */
    u64 next;       /* frames from here to end were never handed out */
    u64 free_head;  /* frames given back, zero but for the link in their first 8 bytes; 0: none */
    u64 free_count; /* frames that frame_alloc can still hand out */
    u64 *stock;     /* frames from elsewhere; NULL: there is no room for any */
    u32 stock_count;
    u64 retired[FRAMES_RETIRED];
    u32 retired_count;
};

void frame_pool_init(struct frame_pool *pool, hpa_t base, u64 bytes);

/* Takes a frame and zeroes it. Returns false when the pool is empty. */
bool frame_alloc(struct frame_pool *pool, hpa_t *frame);

/* As frame_alloc, for frames that lie one behind the other; from what was never handed out.
 * False also with frames retired. */
bool frame_alloc_block(struct frame_pool *pool, u64 frames, hpa_t *first);

/* As frame_alloc, with whatever bytes the frame has. */
bool frame_take(struct frame_pool *pool, hpa_t *frame);

/* Never hands out the frame that holds `hpa`: it went bad. False: it isn't one that never was
 * handed out, nor one taken in, or there are too many. */
bool frame_retire(struct frame_pool *pool, hpa_t hpa);

/* Takes in a frame from elsewhere, of which no byte is changed before it is handed out. `heap`
 * gives the page that remembers up to FRAMES_STOCK of them. False: no room. */
bool frame_give(struct frame_pool *pool, struct frame_pool *heap, hpa_t frame);

/* As frame_free, of a frame with whatever bytes it has. */
void frame_return(struct frame_pool *pool, hpa_t frame);

/* Gives back a frame that came from this pool, zeroed by the caller, who knows where it is not:
 * frame_alloc need not do it again. Frames that went bad are never given back. */
void frame_free(struct frame_pool *pool, hpa_t frame);

#endif
