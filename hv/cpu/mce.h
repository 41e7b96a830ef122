/*
 * Machine checks: what the banks say, and what it means for who runs on. SDM vol. 3B, chapter 16.
 * Plain C: registers are reached through `struct mce_source`.
 */
#ifndef HV_CPU_MCE_H
#define HV_CPU_MCE_H

#include <hv/types.h>

/* The machine-check registers. Both return false where the processor lacks the register. */
struct mce_source {
    bool (*read)(u32 msr, u64 *value);
    bool (*write)(u32 msr, u64 value);
};

/* X(what an error means, its name in the log), from harmless to fatal. */
#define MCE_KINDS(X)                                                                               \
    X(CORRECTED, "corrected")                                                                      \
    X(UNSIGNALLED, "unsignalled") /* uncorrected, but reporting it is off (EN) */                  \
    X(UNPLACED, "unplaced")       /* nothing to do now, and no address to tell */                  \
    X(UCNA, "ucna")               /* uncorrected, no action needed yet */                          \
    X(SRAO, "srao")               /* action optional: bad, but nobody read it */                   \
    X(SRAR, "srar")               /* action required: the processor wanted it */                   \
    X(LOST_CONTEXT, "pcc")        /* the processor's own state is corrupt */                       \
    X(OVERFLOWED, "overflow")     /* an error that asked for action was written over */            \
    X(NO_RETURN, "no_ripv")       /* the interrupted program can't be resumed */                   \
    X(UNKNOWN, "unknown")         /* action required, and unknown which */

#define MCE_ENUM(name, text) MCE_##name,
enum mce_kind { MCE_KINDS(MCE_ENUM) MCE_KIND_COUNT };

#define MCE_NO_BANK 0xffffffffu

struct mce_error {
    enum mce_kind kind;
    u32 bank; /* MCE_NO_BANK: the processor names none */
    u64 status, misc;
    hpa_t address; /* kinds UCNA, SRAO, SRAR: in the page that is bad */
};

enum { MCE_ERRORS = 16 };

/* Errors that wait to be answered. The handler of machine checks adds, one taker takes. */
struct mce_queue {
    u32 count;
    u64 global_status; /* MCG_STATUS of the last machine check */
    struct mce_error errors[MCE_ERRORS];
};

bool mce_is_fatal(enum mce_kind kind);
bool mce_names_page(enum mce_kind kind);

/* Turns reporting on in all banks; what they hold from before is added to `queue`, never as fatal.
 */
void mce_start(const struct mce_source *source, struct mce_queue *queue);

/* Adds what the banks hold to `queue` and makes them free for the next machine check. Returns the
 * worst kind added, CORRECTED when nothing was (a machine check of another processor). Of a fatal
 * one the registers stay as they are, for the firmware to read after a reset; an error for which
 * `queue` has no room counts as OVERFLOWED. */
enum mce_kind mce_collect(const struct mce_source *source, struct mce_queue *queue);

/* Puts one in. Returns its kind, OVERFLOWED when there is no room. */
enum mce_kind mce_add(struct mce_queue *queue, const struct mce_error *error);

/* Takes the newest error out. */
bool mce_take(struct mce_queue *queue, struct mce_error *error);

/* Logs event=machine_check with all that is known of the error; `action` is what is done. */
void mce_log(const struct mce_queue *queue, const struct mce_error *error, const char *action);

#endif
