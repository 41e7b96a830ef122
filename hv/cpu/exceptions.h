/* Exceptions taken in root mode. */
#ifndef HV_CPU_EXCEPTIONS_H
#define HV_CPU_EXCEPTIONS_H

#include <hv/cpu/mce.h>

enum {
    VECTOR_DB = 1,
    VECTOR_NMI = 2,
    VECTOR_UD = 6,
    VECTOR_DF = 8,
    VECTOR_TS = 10,
    VECTOR_NP = 11,
    VECTOR_SS = 12,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_AC = 17,
    VECTOR_MC = 18,
    VECTOR_CP = 21
};

/* The vendor's entry into the guest: from the last look at what has to be done first to the
 * instruction that enters, and where it goes when there is something. Any registers, the stack as
 * it is in between. */
extern const char guest_entry_begin[], guest_entry_end[], guest_entry_abort[];

/* Turns the reporting of hardware errors on. */
void exceptions_start_mce(void);

/* Reads the banks as the handler in root mode does; for machine checks that the guest exits with.
 */
enum mce_kind exceptions_collect_mce(void);

/* Errors that wait to be answered. */
struct mce_queue *exceptions_mce(void);

/* An NMI that came while in root mode belongs to the guest; true once for each. */
bool exceptions_take_nmi(void);

#endif
