/* A 16550 UART, polled. */
#ifndef HV_LOG_SERIAL_H
#define HV_LOG_SERIAL_H

#include <hv/types.h>

#define SERIAL_COM1 0x3f8
#define SERIAL_COM2 0x2f8

/* 8N1 at the highest rate, no interrupts. */
void serial_init(u16 base);

/* Waits for the transmitter without a limit: a byte dropped is an event lost. */
void serial_write(u16 base, const char *text, size_t length);

#endif
