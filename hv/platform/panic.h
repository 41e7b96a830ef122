/* The end of the hypervisor, for states that cannot be. */
#ifndef HV_PLATFORM_PANIC_H
#define HV_PLATFORM_PANIC_H

/* Logs event=panic with the text as message="..." and powers off. Same conversions as log_event. */
_Noreturn void panic(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
