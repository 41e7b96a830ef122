#include <hv/log/format.h>
#include <hv/log/log.h>
#include <hv/platform/panic.h>
#include <hv/platform/power.h>
#include <stdarg.h>

_Noreturn void panic(const char *fmt, ...)
{
    static char text[512];
    va_list args;

    va_start(args, fmt);
    format_text(text, sizeof(text), fmt, args);
    va_end(args);
    log_event("panic", "message=\"%s\"", text);
    power_off();
}
