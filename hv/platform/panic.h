/* The end of the hypervisor, for states that cannot be. */
#ifndef HV_PLATFORM_PANIC_H
#define HV_PLATFORM_PANIC_H

#include <hv/types.h>

/* Logs event=panic with the text as message="...", the calls that led here as event=trace, what
 * panic_on_dump announced, and ends the machine as the configuration says. Same conversions as
 * log_event. */
_Noreturn void panic(const char *fmt, ...) __attribute__((cold, format(printf, 1, 2)));

/* The same for an exception: the trace begins at the instruction at `rip` in the frame `rbp`. */
_Noreturn void panic_at(u64 rip, u64 rbp, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* `dump` logs more state of use; called once at most. */
void panic_on_dump(void (*dump)(void));

#endif
