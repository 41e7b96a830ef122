#include <hv/log/queue.h>
#include <hv/log/serial.h>

#define QUEUE_BYTES 32768u /* a power of two: positions run freely and wrap */

static char queue[QUEUE_BYTES];
static u32 head, tail; /* bytes ever taken out, bytes ever put in */

bool log_queue_pump(void)
{
    u32 room;

    if (head == tail)
        return false;
    for (room = serial_room(SERIAL_COM2); room > 0 && head != tail; room--)
        serial_put(SERIAL_COM2, queue[head++ % QUEUE_BYTES]);
    return head != tail;
}

void log_queue_add(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        while (tail - head == QUEUE_BYTES)
            log_queue_pump();
        queue[tail++ % QUEUE_BYTES] = text[i];
    }
}

void log_queue_flush(void)
{
    while (log_queue_pump())
        ;
    serial_drain(SERIAL_COM2);
}
