#include <hv/lib/string.h>
#include <hv/log/queue.h>
#include <hv/log/serial.h>

#define QUEUE_BYTES 65536u /* a power of two: positions run freely and wrap */

static char queue[QUEUE_BYTES];
static u32 head, tail; /* bytes ever taken out, bytes ever put in */

bool log_queue_is_empty(void)
{
    return head == tail;
}

bool log_queue_pump(void)
{
    u32 at = head % QUEUE_BYTES, piece = (u32)min_u64(tail - head, QUEUE_BYTES - at);

    if (piece == 0)
        return false;
    piece = (u32)min_u64(piece, serial_room(SERIAL_COM2));
    serial_put(SERIAL_COM2, &queue[at], piece);
    head += piece;
    return head != tail;
}

void log_queue_add(const char *text, size_t length)
{
    while (length > 0) {
        u32 at = tail % QUEUE_BYTES, room = QUEUE_BYTES - (tail - head);
        u32 piece = (u32)min_u64(length, min_u64(QUEUE_BYTES - at, room));

        memcpy(&queue[at], text, piece);
        tail += piece;
        text += piece;
        length -= piece;
        if (piece == 0)
            log_queue_pump();
    }
}

void log_queue_flush(void)
{
    while (log_queue_pump())
        ;
    serial_drain(SERIAL_COM2);
}
