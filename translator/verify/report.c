#include "report.h"

#include <stdarg.h>
#include <stdio.h>

void report_add(struct report *report, const char *format, ...)
{
    va_list arguments;

    if (report->findings++ >= REPORT_MAX_LINES) {
        return;
    }
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
}

void report_close(const struct report *report)
{
    if (report->findings > REPORT_MAX_LINES) {
        printf("%u more findings\n", report->findings - REPORT_MAX_LINES);
    }
}
