#include "error.h"

#include <stdint.h>

struct sink {
    char *out;
    size_t size;
    size_t used;
};

static void put_char(struct sink *sink, char c)
{
    if (sink->used + 1 < sink->size)
        sink->out[sink->used++] = c;
}

static void put_string(struct sink *sink, const char *string)
{
    while (*string)
        put_char(sink, *string++);
}

static void put_number(struct sink *sink, uint64_t value, unsigned base)
{
    char digits[20]; /* 2^64 has 20 decimal digits */
    unsigned count = 0;

    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (count > 0)
        put_char(sink, digits[--count]);
}

size_t text_format_list(char *out, size_t size, const char *format, va_list arguments)
{
    struct sink sink = {out, size, 0};

    for (; *format; format++) {
        if (*format != '%') {
            put_char(&sink, *format);
            continue;
        }
        format++;
        bool is_long = format[0] == 'l' && format[1] == 'l';
        if (is_long)
            format += 2;
        if (*format == 's')
            put_string(&sink, va_arg(arguments, const char *));
        else if (*format == 'c')
            put_char(&sink, (char)va_arg(arguments, int));
        else if (*format == 'u' || *format == 'x')
            put_number(&sink,
                       is_long ? va_arg(arguments, unsigned long long)
                               : va_arg(arguments, unsigned),
                       *format == 'u' ? 10 : 16);
        else
            put_char(&sink, *format);
    }
    if (size > 0)
        out[sink.used] = '\0';
    return sink.used;
}

size_t text_format(char *out, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t length = text_format_list(out, size, format, arguments);
    va_end(arguments);
    return length;
}

bool refuse(struct error *error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    text_format_list(error->text, sizeof(error->text), format, arguments);
    va_end(arguments);
    return false;
}

void error_line(const struct error *error, char *out)
{
    text_format(out, ERROR_LINE_MAX, "kmemvisor: error: %s: %s", error->file, error->text);
}
