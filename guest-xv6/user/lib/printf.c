#include <stdbool.h>

#include "user.h"

/* Output is gathered so that a message costs one system call, not one a character. */
struct output {
    va_list args;
    int fd;
    int used;
    char buf[128];
};

static void flush(struct output *out)
{
    if (out->used > 0)
        write(out->fd, out->buf, out->used);
    out->used = 0;
}

static void put(struct output *out, char c)
{
    if (out->used == (int)sizeof(out->buf))
        flush(out);
    out->buf[out->used++] = c;
}

static void put_text(struct output *out, const char *text)
{
    while (*text)
        put(out, *text++);
}

/* Divides by a small base and returns the remainder. By hand, since gcc would call libgcc for
 * 64-bit divisions. */
static unsigned divide(unsigned long long *value, unsigned base)
{
    unsigned high = (unsigned)(*value >> 32);
    unsigned low = (unsigned)*value;
    unsigned rest = high % base;

    high /= base;
    __asm__("divl %2" : "+a"(low), "+d"(rest) : "r"(base) : "cc");
    *value = (unsigned long long)high << 32 | low;
    return rest;
}

static void put_unsigned(struct output *out, unsigned long long value, unsigned base)
{
    char digits[24];
    int count = 0;

    do {
        digits[count++] = "0123456789abcdef"[divide(&value, base)];
    } while (value > 0);
    while (count > 0)
        put(out, digits[--count]);
}

static void put_signed(struct output *out, int value)
{
    if (value < 0)
        put(out, '-');
    put_unsigned(out, value < 0 ? 0u - (unsigned)value : (unsigned)value, 10);
}

static void put_pointer(struct output *out, const void *pointer)
{
    for (int shift = 28; shift >= 0; shift -= 4)
        put(out, "0123456789abcdef"[(uintptr_t)pointer >> shift & 15]);
}

static void put_argument_text(struct output *out)
{
    const char *text = va_arg(out->args, const char *);

    put_text(out, text ? text : "(null)");
}

static unsigned long long next_unsigned(struct output *out, bool wide)
{
    return wide ? va_arg(out->args, unsigned long long) : va_arg(out->args, unsigned);
}

/* What stands after a %, without ll; an unknown one is written as it is. */
static void convert(struct output *out, char conversion, bool wide)
{
    switch (conversion) {
    case 'd':
        put_signed(out, va_arg(out->args, int));
        break;
    case 'u':
        put_unsigned(out, next_unsigned(out, wide), 10);
        break;
    case 'x':
        put_unsigned(out, next_unsigned(out, wide), 16);
        break;
    case 'p':
        put_pointer(out, va_arg(out->args, void *));
        break;
    case 's':
        put_argument_text(out);
        break;
    case 'c':
        put(out, (char)va_arg(out->args, int));
        break;
    case '%':
        put(out, '%');
        break;
    default:
        put(out, '%');
        if (conversion)
            put(out, conversion);
    }
}

void vprintf(int fd, const char *format, va_list args)
{
    struct output out = {.fd = fd};

    va_copy(out.args, args);
    for (; *format; format++) {
        bool wide = strncmp(format, "%ll", 3) == 0;
        if (*format != '%' || format[1] == '\0') {
            put(&out, *format);
            continue;
        }
        format += wide ? 3 : 1;
        convert(&out, *format, wide);
        if (*format == '\0')
            break;
    }
    va_end(out.args);
    flush(&out);
}

void printf(int fd, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vprintf(fd, format, args);
    va_end(args);
}
