/*
 * The hypercall ABI. VMCALL from ring 0 (from ring 3: #UD): number in eax, arguments in ebx, ecx,
 * edx; result in eax, >= 0 or a negative errno value. All other registers are kept. Unknown number:
 * -ENOSYS (-38). Addresses are guest-physical, buffers must lie inside guest RAM (-EFAULT (-14)
 * otherwise). Needs only fixed-width integer types; include <stdint.h> or the kernel's own first.
 */
#ifndef KMV_HYPERCALL_H
#define KMV_HYPERCALL_H

#define KMV_ABI_VERSION 1

enum kmv_hypercall {
    /* () -> KMV_ABI_VERSION */
    KMV_HC_ABI_VERSION = 0,
    /* () -> mask of KMV_FEATURE_* */
    KMV_HC_FEATURES = 1,
    /* (gpa, bytes <= KMV_NOTE_MAX) -> 0. Writes the text to the hypervisor's log as event=note.
     * -EINVAL (-22) too long. */
    KMV_HC_NOTE = 2,
    /* (gpa, side | flags) -> 0; -EINVAL (-22) not RAM or unknown side, -EALREADY (-114) this side
     * is bad already, -EBUSY (-16) the other side is bad (KMV_POISON_FORCE overrides: both copies
     * are lost then). */
    KMV_HC_POISON = 3,
    /* () -> number of pages whose native and mirror bytes differ; -EOPNOTSUPP (-95) with the mirror
     * off. Bad pages met on the way are recovered first. Pages compared: counter verify_pages. */
    KMV_HC_VERIFY = 4,
    /* (gpa, bytes) -> number of counters the hypervisor has; fills an array of uint64_t in
     * KMV_COUNTERS order, as many as fit. */
    KMV_HC_COUNTERS = 5,
    /* (status 0..255) -> does not return */
    KMV_HC_POWEROFF = 6,
    /* (guest-virtual address of a struct kmv_window_maps of kmv/windows.h, 0: none) -> 0. What the
     * structure says is read whenever it is needed, on the processor that made the call. -EINVAL
     * (-22) address not a multiple of 4, -EOPNOTSUPP (-95) with the mirror off. */
    KMV_HC_WINDOWS = 7,
    /* (gpa, side | flags | boundaries << 16) -> 0. KMV_HC_POISON once the guest has passed so many
     * boundaries between instructions after this call, and is in no window. Only for tests: the
     * product answers this call, and the others that say so, as an unknown number. -EINVAL (-22)
     * as KMV_HC_POISON. */
    KMV_HC_POISON_LATER = 8,
    /* (vector 32..255, boundaries << 16) -> 0. An external interrupt after so many boundaries.
     * Only for tests. Vector 0 drops what either call ordered. -EINVAL (-22) no such vector,
     * -EOPNOTSUPP (-95) with the mirror off. */
    KMV_HC_INTERRUPT_LATER = 9,
    /* (vector 18..31 of an exception without error code, 0: none) -> 0. From then on an access that
     * finds a page lost on both sides raises this exception, at the instruction whose access it is;
     * without a vector it stops the guest. For all processors. -EINVAL (-22) no such vector. */
    KMV_HC_LOSS_VECTOR = 10,
    /* () -> address of the page that the last such exception on this processor was raised for, told
     * once; -ENOENT (-2) there was none since the last call. */
    KMV_HC_LOST_PAGE = 11,
    /* (gpa) -> 0. Puts fresh frames, filled with zeros, behind both sides of a lost or given page;
     * it is protected. -EINVAL (-22) the page is neither, -ENOMEM (-12) too few spare frames. */
    KMV_HC_RENEW = 12,
    /* (gpa of a list, words | KMV_PROTECT_OFF) -> number of pages in it that are lost. Each of at
     * most KMV_PROTECT_WORDS_MAX words names pages: the first one's address | how many follow it
     * (0..4095). Protected, as all are at first: both copies are kept equal by the guest. Not: code
     * that is not translated writes there, so that the mirror is stale; it is compared and used for
     * nothing. Pages that become protected are copied to their mirrors; no processor may write to
     * them meanwhile. -EINVAL (-22) a page is not RAM (what stands before it is done), or too many
     * words, -EFAULT
     * (-14) the list, -ENOMEM (-12), -EOPNOTSUPP (-95) with the mirror off. */
    KMV_HC_PROTECT = 13,
    /* (gpa) -> 0. The guest does without this page: its frames become spare frames, and degraded
     * pages get a second copy again. KMV_HC_RENEW gives it back. -EINVAL (-22) not RAM, -EALREADY
     * (-114) lost or given, -EBUSY (-16) one side is bad, -ENOMEM (-12). */
    KMV_HC_GIVE = 14,
    /* (gpa of a struct kmv_fault_plan of kmv/faults.h, its bytes; 0, 0: only asks) -> number of
     * faults that are left of the last plan. Pages go bad from now on as the plan says. Only for
     * tests. -EFAULT (-14), -EINVAL (-22) a field of the plan, -EOPNOTSUPP (-95) with the mirror
     * off. */
    KMV_HC_FAULTS = 15,
    /* (permille) -> 0. The scrubber takes this share of a processor's time from now on; 0: it
     * stops. -EINVAL (-22) more than 500, -ENOMEM (-12) no memory for checksums left, -EOPNOTSUPP
     * (-95) with the mirror off, or no CRC32 instruction. */
    KMV_HC_SCRUB = 16,
    /* (gpa of a page, pages) -> number of pages whose copies differed because processors raced with
     * plain stores: their mirrors have the native bytes now. What cannot be a race is left
     * differing. -EINVAL (-22) not pages of RAM, -EOPNOTSUPP (-95) with the mirror off, or while
     * one processor runs alone. */
    KMV_HC_SETTLE = 17,
    KMV_HC_COUNT
};

#define KMV_NOTE_MAX 256

#define KMV_LATER_SHIFT 16

#define KMV_PROTECT_OFF       (1u << 31)
#define KMV_PROTECT_WORDS_MAX 1024u

#define KMV_FEATURE_MIRROR (1u << 0) /* memory is mirrored */
#define KMV_FEATURE_UNSYNC (1u << 1) /* page tables may go writable between flushes */

#define KMV_POISON_NATIVE 0u
#define KMV_POISON_MIRROR 1u
#define KMV_POISON_BOTH   2u /* at once; only with KMV_POISON_FORCE */
#define KMV_POISON_FORCE  0x100u

/* X(name): counters in ABI order; append only. */
#define KMV_COUNTERS(X)                                                                            \
    X(exits)         /* VM exits */                                                                \
    X(cr3_loads)     /* guest CR3 writes */                                                        \
    X(pt_writes)     /* EPT violations by writes to guest page tables */                           \
    X(pt_syncs)      /* page tables compared with their mirror tables */                           \
    X(mirror_faults) /* #PF on a mirror address, answered by a sync */                             \
    X(shadow_roots)  /* shadow roots alive */                                                      \
    X(mirror_tables) /* mirror tables alive */                                                     \
    X(poisoned)      /* pages poisoned */                                                          \
    X(recovered)     /* pages recovered */                                                         \
    X(degraded)      /* recoveries without a spare frame: one copy left */                         \
    X(lost)          /* pages lost on both sides */                                                \
    X(spare_free)    /* spare frames left */                                                       \
    X(verify_pages)  /* pages compared by the last verify */                                       \
    X(verify_differ) /* pages that differed in the last verify */                                  \
    X(hv_ticks)      /* TSC ticks spent outside the guest, from VM exit to VM entry */             \
    X(windows)       /* windows run to their end before an interrupt or a loss */                  \
    X(told)          /* exceptions that told the guest of a lost page */                           \
    X(renewed)       /* lost pages that the guest got back, empty */                               \
    X(scrub_pages)   /* pages visited by the scrubber */                                           \
    X(scrub_wrong)   /* of them wrong on one side, and recovered */                                \
    X(scrub_unsure)  /* of them differing, and nothing tells which side is wrong */                \
    X(scrub_opened)  /* seals broken by a write: EPT violations */                                 \
    X(scrub_ticks)   /* TSC ticks spent on visits within the budget */                             \
    X(unprotected)   /* pages that are not protected, now */                                       \
    X(healed)        /* degraded pages that got a second copy again */                             \
    X(given)         /* pages that the guest gave for spare frames */                              \
    X(raced)         /* pages whose mirrors were settled after a race of plain stores */

#define KMV_COUNTER_ENUM(name) KMV_COUNTER_##name,
enum kmv_counter { KMV_COUNTERS(KMV_COUNTER_ENUM) KMV_COUNTER_COUNT };

#endif
