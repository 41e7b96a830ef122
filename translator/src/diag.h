/* One error message, carried up to the program's end. */
#ifndef TRANSLATOR_DIAG_H
#define TRANSLATOR_DIAG_H

#include <stdbool.h>

struct diag {
    char text[512];
};

/* Stores the message ("what: remedy", no newline) unless an earlier one is there. Always returns
 * false. */
bool diag_fail(struct diag *diag, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
