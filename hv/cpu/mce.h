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

/* What an error means, from harmless to fatal. */
enum mce_kind {
    MCE_CORRECTED,
    MCE_UNSIGNALLED,  /* uncorrected, but reporting it is off (EN) */
    MCE_UNPLACED,     /* nothing to do now, and no address to tell */
    MCE_UCNA,         /* uncorrected, no action needed yet */
    MCE_SRAO,         /* action optional: bad, but nobody read it */
    MCE_SRAR,         /* action required: the processor wanted it */
    MCE_LOST_CONTEXT, /* the processor's own state is corrupt (PCC) */
    MCE_OVERFLOWED,   /* an error that asked for action was written over */
    MCE_NO_RETURN,    /* the interrupted program can't be resumed (RIPV) */
    MCE_UNKNOWN,      /* action required, and unknown which */
    MCE_KIND_COUNT
};

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
