/* The console: formatted output, panic, and the terminal that programs read and write. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdarg.h>
#include <stdint.h>

/* Prints. Knows %d %u %x %p %c %s %%. */
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Prints `bytes` bytes as they are. */
void kwrite(const char *from, int bytes);

/* For a machine that can't be worked with: prints what is missing or wrong, and powers off with
 * status 255. */
void fatal(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* For states that can't be: prints the message and a stack trace, stops every processor, powers off
 * with status 255 where that is possible. */
void panic(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));

/* The same for a trap of the kernel itself: the trace starts at the place of the trap. */
struct trapframe;
void panic_trap(const struct trapframe *tf) __attribute__((noreturn));

void console_init(void);

/* Takes what `get` has to give, characters until -1; called by the interrupts of the serial port
 * and the keyboard. */
void console_interrupt(int (*get)(void));

#endif
