/* The terminal: line editing on input, and the console device of programs (major 1). */
#include "console.h"

#include <stdbool.h>

#include "cpu.h"
#include "device.h"
#include "proc.h"
#include "spinlock.h"
#include "uart.h"
#include "usercopy.h"

#define INPUT_SIZE 4096 /* a power of two */
#define CTRL(c)    ((c) - '@')
#define DELETE     0x7F

/* Input in a ring. Counters only grow; the place of n is n % INPUT_SIZE:
 *   read <= committed <= edit,  edit - read <= INPUT_SIZE
 * [read, committed) are whole lines, [committed, edit) is the line being typed. */
static struct {
    struct spinlock lock;
    char ring[INPUT_SIZE];
    uint32_t read, committed, edit;
    bool held_up; /* the ring was full: receive interrupts are off until a program reads */
} input;

static void erase_char(void)
{
    input.edit--;
    kwrite("\b \b", 3);
}

static void kill_line(void)
{
    while (input.edit != input.committed)
        erase_char();
}

static void commit_line(void)
{
    input.committed = input.edit;
    proc_wakeup(&input.read);
}

/* A line longer than the ring is handed over in pieces: else nobody could ever read it. */
static void add_char(char c)
{
    input.ring[input.edit++ % INPUT_SIZE] = c;
    if (c != CTRL('D'))
        kwrite(&c, 1);
    if (c == '\n' || c == CTRL('D') || input.edit - input.read == INPUT_SIZE)
        commit_line();
}

static void edit_input(char c)
{
    switch (c) {
    case CTRL('P'):
        proc_dump();
        break;
    case CTRL('U'):
        kill_line();
        break;
    case CTRL('H'):
    case DELETE:
        if (input.edit != input.committed)
            erase_char();
        break;
    case '\0':
        break;
    default:
        add_char(c == '\r' ? '\n' : c);
        break;
    }
}

void console_interrupt(int (*get)(void))
{
    int c = 0;

    spin_lock(&input.lock);
    while (input.edit - input.read < INPUT_SIZE && (c = get()) >= 0)
        edit_input((char)c);
    if (c >= 0) {
        input.held_up = true;
        uart_receive(false);
    }
    spin_unlock(&input.lock);
}

/* Moves input to `to` up to the end of a line; input.lock is held. ^D ends the input, and is kept
 * for the next read when this one has something to give back. Returns the number of bytes. */
static int take_line(char *to, int bytes)
{
    int taken = 0;

    while (taken < bytes && input.read != input.committed) {
        char c = input.ring[input.read % INPUT_SIZE];
        if (c == CTRL('D') && taken > 0)
            break;
        input.read++;
        if (c == CTRL('D'))
            break;
        to[taken++] = c;
        if (c == '\n')
            break;
    }
    return taken;
}

static int console_read(char *to, int bytes)
{
    char *bounce = user_bounce();

    spin_lock(&input.lock);
    while (input.read == input.committed) {
        if (proc_killed()) {
            spin_unlock(&input.lock);
            return -1;
        }
        proc_sleep(&input.read, &input.lock);
    }
    int taken = take_line(bounce, bytes < USER_PIECE ? bytes : USER_PIECE);
    if (input.held_up) {
        input.held_up = false;
        uart_receive(true);
    }
    spin_unlock(&input.lock);
    return user_copy(to, bounce, (uint32_t)taken) ? taken : -1;
}

static int console_write(const char *from, int bytes)
{
    char *bounce = user_bounce();
    int piece;

    for (int done = 0; done < bytes; done += piece) {
        piece = bytes - done < USER_PIECE ? bytes - done : USER_PIECE;
        if (!user_copy(bounce, from + done, (uint32_t)piece))
            return -1;
        kwrite(bounce, piece);
    }
    return bytes;
}

void console_init(void)
{
    input.lock = SPINLOCK("console");
    uart_init();
    devices[CONSOLE_MAJOR] = (struct device){.read = console_read, .write = console_write};
}
