/* The serial port COM1, a 16550. */
#ifndef UART_H
#define UART_H

#include <stdbool.h>

void uart_init(void);
void uart_put(char c);           /* waits until the port takes it */
int uart_get(void);              /* a received byte, or -1 */
void uart_receive(bool enabled); /* interrupts on received bytes; off, the sender is held up */

#endif
