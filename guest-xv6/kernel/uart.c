#include "uart.h"

#include <stdint.h>

#include "x86.h"

#define COM1 0x3F8

enum { DATA = 0, IER = 1, FCR = 2, LCR = 3, MCR = 4, LSR = 5 };

#define IER_RECEIVE   0x01
#define FCR_ENABLE    0x01
#define FCR_CLEAR     0x06
#define FCR_TRIGGER_1 0x00
#define LCR_8N1       0x03
#define LCR_DLAB      0x80
#define MCR_DTR_RTS   0x03
#define MCR_OUT2      0x08 /* lets the interrupt out of the chip */
#define LSR_RECEIVED  0x01
#define LSR_THRE      0x20

void uart_init(void)
{
    outb(COM1 + IER, 0);
    outb(COM1 + LCR, LCR_DLAB);
    outb(COM1 + DATA,
         1); /* divisor 1: 115200 baud. Emulators honour the rate in the guest's time. */
    outb(COM1 + IER, 0);
    outb(COM1 + LCR, LCR_8N1);
    outb(COM1 + FCR, FCR_ENABLE | FCR_CLEAR | FCR_TRIGGER_1);
    outb(COM1 + MCR, MCR_DTR_RTS | MCR_OUT2);
    uart_receive(true);
}

void uart_put(char c)
{
    while ((inb(COM1 + LSR) & LSR_THRE) == 0)
        cpu_relax();
    outb(COM1 + DATA, (uint8_t)c);
}

int uart_get(void)
{
    if ((inb(COM1 + LSR) & LSR_RECEIVED) == 0)
        return -1;
    return inb(COM1 + DATA);
}

void uart_receive(bool enabled)
{
    outb(COM1 + IER, enabled ? IER_RECEIVE : 0);
}
