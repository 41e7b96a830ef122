/*
 * The loader's lines. The serial ports are programmed directly, since firmware may drive none, or
 * one, and at a speed of its choice. Firmware's console is often the screen and COM1 at once: the
 * screen's own console is looked for, so that COM1 doesn't get each line twice.
 */
#include "firmware.h"

#define COM1 0x3F8
#define COM2 0x2F8

/* Registers of the 16550 from its base port. */
#define UART_DATA         0
#define UART_IER          1
#define UART_FIFO         2
#define UART_LINE_CONTROL 3
#define UART_MODEM        4
#define UART_LINE_STATUS  5

#define LINE_CONTROL_DIVISOR 0x80
#define LINE_CONTROL_8N1     0x03
#define MODEM_DTR_RTS        0x03
#define LINE_STATUS_THRE     0x20 /* transmitter takes a byte; reads 1 where there is no port */

static void out_byte(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static uint8_t in_byte(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static void serial_start(uint16_t port)
{
    out_byte(port + UART_IER, 0);
    out_byte(port + UART_LINE_CONTROL, LINE_CONTROL_DIVISOR);
    out_byte(port + UART_DATA, 1); /* divisor 1: 115200 */
    out_byte(port + UART_IER, 0);
    out_byte(port + UART_LINE_CONTROL, LINE_CONTROL_8N1);
    out_byte(port + UART_FIFO, 0);
    out_byte(port + UART_MODEM, MODEM_DTR_RTS);
}

/* No limit on the wait: an emulator honours the baud rate in its own time, and a lost byte spoils
 * the line. */
static void serial_put(uint16_t port, const char *text)
{
    for (; *text != '\0'; text++) {
        while (!(in_byte(port + UART_LINE_STATUS) & LINE_STATUS_THRE))
            ;
        out_byte(port + UART_DATA, (uint8_t)*text);
    }
}

/* A path with a UART in it leads to a serial terminal, one without to a screen. */
static bool leads_to_uart(const EFI_DEVICE_PATH_PROTOCOL *node)
{
    while (node->Type != END_DEVICE_PATH_TYPE) {
        unsigned length = node->Length[0] | (unsigned)node->Length[1] << 8;
        if (node->Type == MESSAGING_DEVICE_PATH && node->SubType == MSG_UART_DP)
            return true;
        if (length < sizeof(*node))
            break;
        node = (const void *)((const uint8_t *)node + length);
    }
    return false;
}

static void screen_line(SIMPLE_TEXT_OUTPUT_INTERFACE *console, const char *line)
{
    CHAR16 wide[ERROR_LINE_MAX + 2];
    size_t length = 0;

    while (length < ERROR_LINE_MAX - 1 && line[length] != '\0') {
        wide[length] = (CHAR16)line[length];
        length++;
    }
    wide[length++] = '\r';
    wide[length++] = '\n';
    wide[length] = 0;
    console->OutputString(console, wide);
}

static void screens_put(const char *line)
{
    EFI_GUID text_guid = SIMPLE_TEXT_OUTPUT_PROTOCOL;
    EFI_GUID path_guid = DEVICE_PATH_PROTOCOL;
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;

    firmware->BootServices->LocateHandleBuffer(ByProtocol, &text_guid, NULL, &count, &handles);
    for (UINTN i = 0; i < count; i++) {
        SIMPLE_TEXT_OUTPUT_INTERFACE *console = protocol_of(handles[i], text_guid);
        EFI_DEVICE_PATH_PROTOCOL *path = protocol_of(handles[i], path_guid);
        if (console == NULL || path == NULL || leads_to_uart(path))
            continue;
        screen_line(console, line);
    }
    if (handles != NULL)
        firmware->BootServices->FreePool(handles);
}

/* The firmware's console may be on this port too, its cursor anywhere: start a line of our own. */
static void serial_line(uint16_t port, const char *line)
{
    serial_put(port, "\r\n");
    serial_put(port, line);
    serial_put(port, "\r\n");
}

void report_start(void)
{
    serial_start(COM1);
    serial_start(COM2);
}

void report_progress(const char *line)
{
    screens_put(line);
    serial_line(COM1, line);
}

void report_error_serial(const char *line)
{
    serial_line(COM1, line);
    serial_line(COM2, line);
}

void report_error(const char *line)
{
    screens_put(line);
    report_error_serial(line);
}
