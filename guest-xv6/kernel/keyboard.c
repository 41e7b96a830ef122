/* Scan code set 1, United States layout; what the 8042 controller delivers by default. */
#include "keyboard.h"

#include <stdbool.h>
#include <stdint.h>

#include "ioapic.h"
#include "trap.h"
#include "x86.h"

#define PORT_DATA   0x60
#define PORT_STATUS 0x64

#define STATUS_FULL  0x01
#define STATUS_MOUSE 0x20

#define CODE_EXTENDED 0xE0
#define CODE_RELEASED 0x80

enum { KEY_CTRL = 0x1D, KEY_SHIFT_LEFT = 0x2A, KEY_SHIFT_RIGHT = 0x36, KEY_CAPS = 0x3A };

static const char plain[] =
    "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
static const char shifted[] =
    "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";

static bool shift, control, caps;

void keyboard_init(void)
{
    while (inb(PORT_STATUS) & STATUS_FULL) /* a full buffer would hold back the first interrupt */
        inb(PORT_DATA);
    ioapic_route(IRQ_KEYBOARD, VECTOR_IRQ0 + IRQ_KEYBOARD);
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Keeps track of modifier keys. true: the key is one. */
static bool modifier(uint8_t key, bool pressed)
{
    switch (key) {
    case KEY_SHIFT_LEFT:
    case KEY_SHIFT_RIGHT:
        shift = pressed;
        return true;
    case KEY_CTRL:
        control = pressed;
        return true;
    case KEY_CAPS:
        caps ^= pressed;
        return true;
    default:
        return false;
    }
}

static char translate(uint8_t key)
{
    if (key >= sizeof(plain) - 1)
        return 0;
    char c = shift ? shifted[key] : plain[key];
    if (is_letter(c) && control)
        return (char)(c & 0x1F);
    if (is_letter(c) && caps)
        return (char)(c ^ ('a' ^ 'A'));
    return c;
}

/* Extended keys have the code of their plain twin (Enter, Ctrl) or, for arrows and the like, of a
 * digit: those are left out by the tables' length. */
int keyboard_get(void)
{
    uint8_t status = inb(PORT_STATUS);

    if ((status & STATUS_FULL) == 0)
        return -1;
    uint8_t code = inb(PORT_DATA);
    if ((status & STATUS_MOUSE) != 0 || code == CODE_EXTENDED)
        return 0;
    bool pressed = (code & CODE_RELEASED) == 0;
    uint8_t key = code & (uint8_t)~CODE_RELEASED;
    return modifier(key, pressed) || !pressed ? 0 : translate(key);
}
