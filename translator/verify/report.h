/* Findings: what kmv-verify has against a translation, one line each. */
#ifndef KMV_VERIFY_REPORT_H
#define KMV_VERIFY_REPORT_H

#include <stdint.h>

/* Lines printed; what comes after is only counted. */
#define REPORT_MAX_LINES 20u

struct report {
    uint32_t findings;
};

/* Adds a finding and prints it on standard output. */
void report_add(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Prints how many findings were not shown, if any. */
void report_close(const struct report *report);

#endif
