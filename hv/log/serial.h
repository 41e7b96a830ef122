/* A 16550 UART, polled. */
#ifndef HV_LOG_SERIAL_H
#define HV_LOG_SERIAL_H

#include <hv/types.h>

#define SERIAL_COM1 0x3f8
#define SERIAL_COM2 0x2f8

/* 8N1 at the highest rate, no interrupts. */
void serial_init(u16 base);

/* Bytes that the transmitter takes now without waiting: 0 or a whole FIFO. */
u32 serial_room(u16 base);

/* Hands over at most as many bytes as serial_room promised. */
void serial_put(u16 base, const char *text, u32 length);

/* Waits until the last byte is on the line. */
void serial_drain(u16 base);

/* Waits for the transmitter without a limit: a byte dropped is an event lost. */
void serial_write(u16 base, const char *text);

#endif
