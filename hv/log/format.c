#include <hv/log/format.h>

#include <hv/lib/string.h>

struct output {
    char *to;
    size_t size, length;
};

struct conversion {
    unsigned width;
    char pad;
    bool is_long;
};

/* As much of it as fits before the NUL. */
static void put_bytes(struct output *out, const char *from, size_t length)
{
    size_t room = out->size > out->length ? out->size - out->length - 1 : 0;

    length = length < room ? length : room;
    memcpy(out->to + out->length, from, length);
    out->length += length;
}

static void put(struct output *out, char c)
{
    put_bytes(out, &c, 1);
}

#define NUMBER_MAX 32 /* characters, padding included */

/* From the last digit to the first. */
static void put_number(struct output *out, u64 value, unsigned base, struct conversion how)
{
    char text[NUMBER_MAX];
    unsigned at = NUMBER_MAX;

    do {
        text[--at] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    while (at > 0 && NUMBER_MAX - at < how.width)
        text[--at] = how.pad;
    put_bytes(out, text + at, NUMBER_MAX - at);
}

static void put_signed(struct output *out, int64_t value, struct conversion how)
{
    if (value < 0)
        put(out, '-');
    put_number(out, value < 0 ? -(u64)value : (u64)value, 10, how);
}

static void put_string(struct output *out, const char *text)
{
    put_bytes(out, text, strlen(text));
}

static const char *parse_conversion(const char *fmt, struct conversion *how)
{
    *how = (struct conversion){.pad = ' '};
    if (*fmt == '0') {
        how->pad = '0';
        fmt++;
    }
    for (; *fmt >= '0' && *fmt <= '9'; fmt++)
        how->width = how->width * 10 + (unsigned)(*fmt - '0');
    for (; *fmt == 'l'; fmt++)
        how->is_long = true;
    return fmt;
}

static void convert(struct output *out, char kind, struct conversion how, va_list *args)
{
    switch (kind) {
    case 'd':
        put_signed(out, how.is_long ? va_arg(*args, long long) : va_arg(*args, int), how);
        break;
    case 'u':
    case 'x':
        put_number(out, how.is_long ? va_arg(*args, unsigned long long) : va_arg(*args, unsigned),
                   kind == 'u' ? 10 : 16, how);
        break;
    case 's':
        put_string(out, va_arg(*args, const char *));
        break;
    default:
        put(out, kind);
        break;
    }
}

size_t format_text(char *to, size_t size, const char *fmt, va_list args)
{
    struct output out = {to, size, 0};
    va_list rest;

    va_copy(rest, args);
    while (*fmt != '\0') {
        struct conversion how;
        const char *plain = fmt;

        while (*fmt != '\0' && *fmt != '%')
            fmt++;
        put_bytes(&out, plain, (size_t)(fmt - plain));
        if (*fmt == '\0')
            break;
        fmt = parse_conversion(fmt + 1, &how);
        if (*fmt == '\0')
            break;
        convert(&out, *fmt++, how, &rest);
    }
    va_end(rest);
    if (size > 0)
        to[out.length] = '\0';
    return out.length;
}

size_t format_append(char *to, size_t size, size_t length, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    length += format_text(to + length, size - length, fmt, args);
    va_end(args);
    return length;
}
