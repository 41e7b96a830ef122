/*
 * Planned faults: the argument of KMV_HC_FAULTS (kmv/hypercall.h). Needs only fixed-width integer
 * types; include <stdint.h> or the kernel's own first.
 */
#ifndef KMV_FAULTS_H
#define KMV_FAULTS_H

/* X(name): kinds of faults, by the page that goes bad. Which side it is, is drawn where nothing is
 * said. */
#define KMV_FAULT_KINDS(X)                                                                         \
    X(native)   /* any page of the plan's range, native side */                                    \
    X(mirror)   /* the same, mirror side */                                                        \
    X(code)     /* holds the instruction that is next */                                           \
    X(stack)    /* the stack pointer points there */                                               \
    X(source)   /* esi points there: what rep movs reads */                                        \
    X(target)   /* edi points there */                                                             \
    X(beyond)   /* behind the page of edi: an access may lie on both */                            \
    X(table)    /* page table of the code, or of the program */                                    \
    X(root)     /* page directory */                                                               \
    X(twice)    /* any page; the frame that replaces it goes bad as well */                        \
    X(repeated) /* any page, told twice */                                                         \
    X(hard)     /* any page, in the way of a machine check */

#define KMV_FAULT_ENUM(name) KMV_FAULT_##name,
enum kmv_fault_kind { KMV_FAULT_KINDS(KMV_FAULT_ENUM) KMV_FAULT_KIND_COUNT };

struct kmv_fault_plan {
    uint32_t seed;
    uint32_t count;
    uint32_t interval; /* TSC ticks of the guest's between two faults on average, 1 to 2^30 */
    uint32_t first;    /* guest-physical address of the first page of the range */
    uint32_t end;      /* behind its last page */
    uint32_t kinds;    /* mask: 1 << enum kmv_fault_kind */
};

#endif
