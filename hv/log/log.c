#include <hv/cpu/cpuid.h>
#include <hv/log/format.h>
#include <hv/log/log.h>
#include <hv/log/queue.h>

static u32 sequence;
static void (*also)(const char *text, size_t length);

void log_also(void (*sink)(const char *text, size_t length))
{
    also = sink;
}

/* A fault in there is logged, but not told there. */
static void tell_also(const char *text, size_t length)
{
    void (*sink)(const char *text, size_t length) = also;

    if (sink == NULL)
        return;
    also = NULL;
    sink(text, length);
    also = sink;
}

void log_event(const char *event, const char *fmt, ...)
{
    char line[1152];
    size_t length, start;
    va_list args;

    start = format_append(line, sizeof(line), 0, "seq=%u tsc=%lu ", sequence++, tsc_read());
    length = format_append(line, sizeof(line), start, "event=%s", event);
    if (*fmt != '\0')
        length = format_append(line, sizeof(line), length, " ");
    va_start(args, fmt);
    length += format_text(line + length, sizeof(line) - length - 1, fmt, args);
    va_end(args);
    line[length++] = '\n';
    log_queue_add(line, length);
    tell_also(line + start, length - start);
}
