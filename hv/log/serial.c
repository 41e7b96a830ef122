#include <hv/cpu/io.h>
#include <hv/log/serial.h>

enum {
    UART_DATA = 0,
    UART_INTERRUPTS = 1,
    UART_FIFO = 2,
    UART_LINE = 3,
    UART_MODEM = 4,
    UART_STATUS = 5
};
enum {
    LINE_8N1 = 0x03,
    LINE_DIVISOR = 0x80,
    MODEM_DTR_RTS = 0x03,
    FIFO_ENABLE = 0x07,
    STATUS_THR_EMPTY = 0x20,
    STATUS_IDLE = 0x40
};
enum { FIFO_BYTES = 16 };

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

void serial_put(u16 base, char byte)
{
    outb(base + UART_DATA, (u8)byte);
}

void serial_drain(u16 base)
{
    while ((inb(base + UART_STATUS) & STATUS_IDLE) == 0)
        ;
}

void serial_write(u16 base, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        while (serial_room(base) == 0)
            ;
        serial_put(base, text[i]);
    }
}
