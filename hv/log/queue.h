/*
 * Bytes on their way to COM2. A UART at 115200 baud takes 87 microseconds a byte; an event must not
 * hold up the guest for that long, so lines are queued and handed to the UART a FIFO's worth at a
 * time.
 */
#ifndef HV_LOG_QUEUE_H
#define HV_LOG_QUEUE_H

#include <hv/types.h>

/* Queues text. Waits for the UART when the queue is full: an event is late rather than lost. */
void log_queue_add(const char *text, size_t length);

bool log_queue_is_empty(void);

/* Hands the UART what it takes without waiting. True while bytes remain. */
bool log_queue_pump(void);

/* Waits until the last byte has left the UART. */
void log_queue_flush(void);

#endif
