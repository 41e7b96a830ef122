/* printf-style formatting for the log; the conversions are those of log_event. */
#ifndef HV_LOG_FORMAT_H
#define HV_LOG_FORMAT_H

#include <hv/types.h>
#include <stdarg.h>

/* Writes at most size - 1 characters and a NUL. Returns the length written. */
size_t format_text(char *to, size_t size, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

#endif
