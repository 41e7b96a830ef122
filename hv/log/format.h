/* printf-style formatting for the log; the conversions are those of log_event. */
#ifndef HV_LOG_FORMAT_H
#define HV_LOG_FORMAT_H

#include <hv/types.h>
#include <stdarg.h>

/* Writes at most size - 1 characters and a NUL. Returns the length written. */
size_t format_text(char *to, size_t size, const char *fmt, va_list args)
    __attribute__((format(printf, 3, 0)));

/* As format_text, behind the `length` characters that are there. Returns the length of all. */
size_t format_append(char *to, size_t size, size_t length, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
