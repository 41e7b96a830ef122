/* The PS/2 keyboard: a second way to type at the console. */
#ifndef KEYBOARD_H
#define KEYBOARD_H

void keyboard_init(void);

/* The next character typed; 0: a key without one; -1: nothing typed. */
int keyboard_get(void);

#endif
