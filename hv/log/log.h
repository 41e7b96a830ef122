/* The hypervisor's log: one event a line on COM2, "seq=N tsc=N event=NAME key=value ...". */
#ifndef HV_LOG_H
#define HV_LOG_H

#include <hv/types.h>

/*
 * Writes one event. `fmt` makes the key=value pairs that follow event=NAME; it may be "".
 * Conversions: %s %d %u %x %lu %lx, widths and zero padding; nothing else.
 * Addresses are written 0x%lx, frames by their address.
 */
void log_event(const char *event, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* From here on `sink` gets each line, too, from event=NAME on. NULL: no longer. */
void log_also(void (*sink)(const char *text, size_t length));

#endif
