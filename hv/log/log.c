#include <hv/cpu/cpuid.h>
#include <hv/log/format.h>
#include <hv/log/log.h>
#include <hv/log/queue.h>

static u32 sequence;

void log_event(const char *event, const char *fmt, ...)
{
    char line[1152];
    size_t length;
    va_list args;

    length = format_append(line, sizeof(line), 0, "seq=%u tsc=%llu event=%s", sequence++,
                           (unsigned long long)tsc_read(), event);
    if (*fmt != '\0')
        length = format_append(line, sizeof(line), length, " ");
    va_start(args, fmt);
    length += format_text(line + length, sizeof(line) - length - 1, fmt, args);
    va_end(args);
    line[length++] = '\n';
    log_queue_add(line, length);
}
