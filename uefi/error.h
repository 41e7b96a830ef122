/*
 * How the loader's parts tell what went wrong: they return false and leave one sentence in a struct
 * error. It is printed as "kmemvisor: error: FILE: TEXT". Builds for EFI and on the host.
 */
#ifndef LOADER_ERROR_H
#define LOADER_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#define ERROR_TEXT_MAX 400
#define ERROR_LINE_MAX 768

struct error {
    const char *file; /* what is being worked on, set by the caller of the part that may fail */
    char text[ERROR_TEXT_MAX];
};

/*
 * Formats into out, at most size bytes with the terminating NUL; what doesn't fit is cut off.
 * Understands %s %c %u %x %llu %llx and %%, nothing else: firmware has no printf for char strings.
 * Returns the length written.
 */
size_t text_format(char *out, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t text_format_list(char *out, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

/* Stores the formatted sentence in error. Always returns false, so that callers can return its
 * result. */
bool refuse(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The line that people see, without a newline, into out of ERROR_LINE_MAX bytes. */
void error_line(const struct error *error, char *out);

#endif
