/* The guest's linear addresses, for what the processor itself would read and write there:
 * descriptor tables and task-state segments. Plain C. */
#ifndef HV_VM_LINEAR_H
#define HV_VM_LINEAR_H

#include <hv/types.h>

struct vm;

/* How the guest's addresses are translated: by its own tables, mirrored or not. No long mode. */
struct linear_space {
    u32 cr3;
    bool paging, pae;
    bool pse;           /* 4 MiB pages */
    bool write_protect; /* CR0.WP: read-only pages hold for the supervisor, too */
};

/* Why an access fails: the page fault of a supervisor's access (SDM vol. 3A, 4.7), or no RAM there.
 */
struct linear_fault {
    gva_t gva;
    u32 error;
    bool no_ram;
};

enum linear_access { LINEAR_READ, LINEAR_WRITE, LINEAR_READ_TO_WRITE /* a write would succeed */ };

/*
 * Copies `bytes` at linear address `at` from or to `buffer`, both copies of memory on a write; may
 * cross pages. Sets accessed and dirty flags. False: *fault tells why; a part of it may be done.
 */
bool linear_copy(struct vm *vm, const struct linear_space *space, u32 at, void *buffer, u32 bytes,
                 enum linear_access access, struct linear_fault *fault);

#endif
