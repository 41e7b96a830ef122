#include <hv/cpu/processor.h>
#include <hv/log/format.h>
#include <hv/log/log.h>
#include <hv/platform/panic.h>
#include <hv/platform/power.h>
#include <hv/platform/screen.h>
#include <stdarg.h>

#define TRACE_FRAMES    24
#define FRAME_BYTES_MAX 32768u /* further up it is another stack, or none */

struct stack_frame {
    const struct stack_frame *caller;
    u64 return_address;
};

static void (*dump_more)(void);

void panic_on_dump(void (*dump)(void))
{
    dump_more = dump;
}

static bool follows(const struct stack_frame *frame, const struct stack_frame *caller)
{
    return ((u64)caller & 7) == 0 && caller > frame && (u64)caller - (u64)frame < FRAME_BYTES_MAX;
}

static void log_trace(u64 rip, const struct stack_frame *frame)
{
    char text[TRACE_FRAMES * 20];
    size_t length = 0;

    text[0] = '\0';
    if (rip != 0)
        length = format_append(text, sizeof(text), length, " 0x%lx", rip);
    for (int i = 0; i < TRACE_FRAMES; i++) {
        const struct stack_frame *caller = frame->caller;

        length = format_append(text, sizeof(text), length, " 0x%lx", frame->return_address);
        if (!follows(frame, caller))
            break;
        frame = caller;
    }
    log_event("trace", "exact=%u addresses=\"%s\"", rip != 0, text + 1);
}

static char message[512];

static _Noreturn void finish(u64 rip, const void *frame)
{
    static bool panicking;

    processors_halt_others();

    /* A second one comes out of the dump: what is told so far has to do. */
    if (!panicking) {
        panicking = true;
        screen_take_log();
        log_event("panic", "cpu=%u message=\"%s\"", processor_self()->index, message);
        log_trace(rip, frame);
        if (dump_more != NULL)
            dump_more();
    }
    machine_end("panic");
}

_Noreturn void panic(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    format_text(message, sizeof(message), fmt, args);
    va_end(args);
    finish(0, __builtin_frame_address(0));
}

_Noreturn void panic_at(u64 rip, u64 rbp, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    format_text(message, sizeof(message), fmt, args);
    va_end(args);
    finish(rip, (const void *)rbp);
}
