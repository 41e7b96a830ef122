#include <hv/cpu/mce.h>
#include <hv/cpu/msr.h>
#include <hv/log/log.h>

#define CAP_COUNT(cap) ((u32)((cap)&0xff))
#define CAP_CTL        (1ull << 8)  /* IA32_MCG_CTL is there */
#define CAP_SER        (1ull << 24) /* software error recovery: S and AR mean something */

#define GLOBAL_RIPV (1ull << 0)
#define GLOBAL_MCIP (1ull << 2)

/* IA32_MCi_STATUS, SDM vol. 3B, figure 16-6. */
#define STATUS_VAL          (1ull << 63)
#define STATUS_OVER         (1ull << 62)
#define STATUS_UC           (1ull << 61)
#define STATUS_EN           (1ull << 60)
#define STATUS_MISCV        (1ull << 59)
#define STATUS_ADDRV        (1ull << 58)
#define STATUS_PCC          (1ull << 57)
#define STATUS_S            (1ull << 56)
#define STATUS_AR           (1ull << 55)
#define STATUS_CODE(status) ((u32)((status)&0xffff))

/* Codes of errors that software can recover from, SDM vol. 3B, tables 16-18 and 16-20. */
#define CODE_SCRUB_MASK 0xfff0u
#define CODE_SCRUB      0x00c0u
#define CODE_WRITEBACK  0x017au
#define CODE_DATA_LOAD  0x0134u
#define CODE_FETCH      0x0150u

/* IA32_MCi_MISC: SDM vol. 3B, 16.3.2.4. */
#define MISC_LSB(misc)  ((u32)((misc)&0x3f)) /* bits of the address below it mean nothing */
#define MISC_MODE(misc) ((u32)((misc) >> 6 & 7))
#define MODE_PHYSICAL   2u

#define BANK_STEP         4u
#define BANK(first, bank) ((first) + (bank)*BANK_STEP)

static const char *const names[MCE_KIND_COUNT] = {
    [MCE_CORRECTED] = "corrected", [MCE_UNSIGNALLED] = "unsignalled",
    [MCE_UNPLACED] = "unplaced",   [MCE_UCNA] = "ucna",
    [MCE_SRAO] = "srao",           [MCE_SRAR] = "srar",
    [MCE_LOST_CONTEXT] = "pcc",    [MCE_OVERFLOWED] = "overflow",
    [MCE_NO_RETURN] = "no_ripv",   [MCE_UNKNOWN] = "unknown",
};

bool mce_is_fatal(enum mce_kind kind)
{
    return kind >= MCE_LOST_CONTEXT;
}

bool mce_names_page(enum mce_kind kind)
{
    return kind >= MCE_UCNA && kind <= MCE_SRAR;
}

static u64 read_or_zero(const struct mce_source *source, u32 msr)
{
    u64 value = 0;

    return source->read(msr, &value) ? value : 0;
}

static bool names_a_page(const struct mce_error *error)
{
    return (error->status & STATUS_ADDRV) && (error->status & STATUS_MISCV) &&
           MISC_MODE(error->misc) == MODE_PHYSICAL && MISC_LSB(error->misc) <= PAGE_SHIFT;
}

/* SDM vol. 3B, 16.6.4: of an error that asks for action now, all has to be known. */
static enum mce_kind required_kind(const struct mce_error *error, u64 global)
{
    u32 code = STATUS_CODE(error->status);

    if (error->status & STATUS_OVER)
        return MCE_OVERFLOWED;
    if ((global & GLOBAL_RIPV) == 0)
        return MCE_NO_RETURN;
    return names_a_page(error) && (code == CODE_DATA_LOAD || code == CODE_FETCH) ? MCE_SRAR
                                                                                 : MCE_UNKNOWN;
}

static enum mce_kind optional_kind(const struct mce_error *error)
{
    u32 code = STATUS_CODE(error->status);

    if (!names_a_page(error))
        return MCE_UNPLACED;
    return (code & CODE_SCRUB_MASK) == CODE_SCRUB || code == CODE_WRITEBACK ? MCE_SRAO
                                                                            : MCE_UNPLACED;
}

/* SDM vol. 3B, table 16-6. */
static enum mce_kind classify(const struct mce_error *error, u64 cap, u64 global)
{
    u64 status = error->status;

    if ((status & STATUS_UC) == 0)
        return MCE_CORRECTED;
    if (status & STATUS_PCC)
        return MCE_LOST_CONTEXT;
    if ((cap & CAP_SER) == 0)
        return MCE_UNKNOWN;
    if ((status & STATUS_S) == 0) {
        if (status & STATUS_AR)
            return MCE_UNKNOWN;
        return names_a_page(error) ? MCE_UCNA : MCE_UNPLACED;
    }
    if ((status & STATUS_EN) == 0)
        return MCE_UNSIGNALLED;
    return status & STATUS_AR ? required_kind(error, global) : optional_kind(error);
}

static bool read_bank(const struct mce_source *source, u32 bank, struct mce_error *error)
{
    *error = (struct mce_error){.bank = bank,
                                .status = read_or_zero(source, BANK(MSR_MC0_STATUS, bank))};
    if ((error->status & STATUS_VAL) == 0)
        return false;
    if (error->status & STATUS_ADDRV)
        error->address = HPA(read_or_zero(source, BANK(MSR_MC0_ADDR, bank)));
    if (error->status & STATUS_MISCV)
        error->misc = read_or_zero(source, BANK(MSR_MC0_MISC, bank));
    return true;
}

/* A reader that goes on behind bad memory may come back to it before it is answered. */
static bool is_same(const struct mce_error *a, const struct mce_error *b)
{
    return a->status == b->status && a->bank == b->bank && a->address.v == b->address.v &&
           mce_names_page(a->kind);
}

enum mce_kind mce_add(struct mce_queue *queue, const struct mce_error *error)
{
    u32 at = queue->count;

    if (at > 0 && is_same(&queue->errors[at - 1], error))
        return error->kind;
    if (at == MCE_ERRORS)
        return MCE_OVERFLOWED;
    queue->errors[at] = *error;
    __atomic_store_n(&queue->count, at + 1, __ATOMIC_RELEASE);
    return error->kind;
}

void mce_start(const struct mce_source *source, struct mce_queue *queue)
{
    u64 cap = read_or_zero(source, MSR_MCG_CAP);
    struct mce_error error;

    if (cap & CAP_CTL)
        source->write(MSR_MCG_CTL, ~0ull);
    for (u32 bank = 0; bank < CAP_COUNT(cap); bank++) {
        if (read_bank(source, bank, &error)) {
            error.kind = MCE_CORRECTED;
            mce_add(queue, &error);
        }
        source->write(BANK(MSR_MC0_STATUS, bank), 0);
        source->write(BANK(MSR_MC0_CTL, bank), ~0ull);
    }
}

static enum mce_kind worse(enum mce_kind a, enum mce_kind b)
{
    return a > b ? a : b;
}

/* Adds the errors of all banks. Freed is a bank only once its error is in the queue. */
static enum mce_kind collect_banks(const struct mce_source *source, struct mce_queue *queue)
{
    u64 cap = read_or_zero(source, MSR_MCG_CAP);
    enum mce_kind worst = MCE_CORRECTED;
    struct mce_error error;

    for (u32 bank = 0; bank < CAP_COUNT(cap); bank++) {
        if (!read_bank(source, bank, &error))
            continue;
        error.kind = classify(&error, cap, queue->global_status);
        worst = worse(worst, mce_add(queue, &error));
        if (!mce_is_fatal(worst))
            source->write(BANK(MSR_MC0_STATUS, bank), 0);
    }
    return worst;
}

enum mce_kind mce_collect(const struct mce_source *source, struct mce_queue *queue)
{
    struct mce_error stuck = {.kind = MCE_NO_RETURN, .bank = MCE_NO_BANK};
    enum mce_kind worst;

    queue->global_status = read_or_zero(source, MSR_MCG_STATUS);
    worst = collect_banks(source, queue);
    if ((queue->global_status & GLOBAL_RIPV) == 0 && !mce_is_fatal(worst))
        worst = worse(mce_add(queue, &stuck), MCE_NO_RETURN);
    if (!mce_is_fatal(worst))
        source->write(MSR_MCG_STATUS, queue->global_status & ~GLOBAL_MCIP);
    return worst;
}

bool mce_take(struct mce_queue *queue, struct mce_error *error)
{
    u32 count = __atomic_load_n(&queue->count, __ATOMIC_ACQUIRE);

    do {
        if (count == 0)
            return false;
        *error = queue->errors[count - 1];
    } while (!__atomic_compare_exchange_n(&queue->count, &count, count - 1, false, __ATOMIC_ACQ_REL,
                                          __ATOMIC_ACQUIRE));
    return true;
}

void mce_log(const struct mce_queue *queue, const struct mce_error *error, const char *action)
{
    log_event("machine_check",
              "kind=%s bank=%d status=0x%lx address=0x%lx misc=0x%lx mcg_status=0x%lx "
              "action=%s",
              names[error->kind], (int)error->bank, error->status, error->address.v, error->misc,
              queue->global_status, action);
}
