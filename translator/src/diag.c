#include "diag.h"

#include <stdarg.h>
#include <stdio.h>

bool diag_fail(struct diag *diag, const char *format, ...)
{
    if (diag->text[0] != '\0')
        return false;
    va_list args;
    va_start(args, format);
    vsnprintf(diag->text, sizeof(diag->text), format, args);
    va_end(args);
    return false;
}
