/* Exceptions taken in root mode. */
#ifndef HV_CPU_EXCEPTIONS_H
#define HV_CPU_EXCEPTIONS_H

#include <hv/types.h>

enum {
    VECTOR_DB = 1,
    VECTOR_NMI = 2,
    VECTOR_UD = 6,
    VECTOR_DF = 8,
    VECTOR_GP = 13,
    VECTOR_PF = 14,
    VECTOR_AC = 17,
    VECTOR_MC = 18
};

/* An NMI that came while in root mode belongs to the guest; true once for each. */
bool exceptions_take_nmi(void);

#endif
