#include <hv/cpu/io.h>
#include <hv/log/serial.h>

/* Registers, from the base port. */
#define UART_DATA       0
#define UART_INTERRUPTS 1
#define UART_FIFO       2
#define UART_LINE       3
#define UART_MODEM      4
#define UART_STATUS     5

#define LINE_8N1         0x03
#define LINE_DIVISOR     0x80
#define MODEM_DTR_RTS    0x03
#define FIFO_ENABLE      0x07
#define STATUS_THR_EMPTY 0x20
#define STATUS_IDLE      0x40

#define FIFO_BYTES 16u

void serial_init(u16 base)
{
    outb(base + UART_INTERRUPTS, 0);
    outb(base + UART_LINE, LINE_DIVISOR);
    outb(base + UART_DATA, 1);
    outb(base + UART_INTERRUPTS, 0);
    outb(base + UART_LINE, LINE_8N1);
    outb(base + UART_FIFO, FIFO_ENABLE);
    outb(base + UART_MODEM, MODEM_DTR_RTS);
}

u32 serial_room(u16 base)
{
    return inb(base + UART_STATUS) & STATUS_THR_EMPTY ? FIFO_BYTES : 0;
}

void serial_put(u16 base, const char *text, u32 length)
{
    outsb(base + UART_DATA, text, length);
}

void serial_drain(u16 base)
{
    while ((inb(base + UART_STATUS) & STATUS_IDLE) == 0)
        ;
}

void serial_write(u16 base, const char *text)
{
    for (; *text != '\0'; text++) {
        while (serial_room(base) == 0)
            ;
        serial_put(base, text, 1);
    }
}
