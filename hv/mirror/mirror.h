/*
 * Mirror mappings that follow the guest's page tables (non-PAE 32-bit guests).
 *
 * The CPU's CR3 is a shadow root: native slots are copied from the guest's root, mirror slots (slot + OFFSET / 4 MiB) point
 * to mirror tables; both live in the tables window, which the guest cannot write. Guest tables are walked by the CPU
 * in place. A guest root or table that is in step with its shadow is read-only in EPT; the first write makes it
 * writable and "unsync"; the next flush point (CR3 load, INVLPG, #PF on a mirror address, verify) brings it in step again
 * and protects it. This is what the architecture promises a guest: a change takes effect at the next flush, and a
 * not-present entry that becomes present is noticed at the latest by the fault (SDM vol. 3A, 4.10.4.3).
 */
#ifndef HV_MIRROR_MIRROR_H
#define HV_MIRROR_MIRROR_H

#include <hv/types.h>

struct vm;
struct mirror; /* the implementer completes this structure in this header; it is embedded in struct vm */

int mirror_init(struct vm *vm);

enum mirror_load_result { MIRROR_LOAD_OK, MIRROR_LOAD_CONFLICT, MIRROR_LOAD_NO_MEMORY, MIRROR_LOAD_BAD_ROOT };

/*
 * The guest loads CR3 (or turns paging on with it): finds or makes the shadow root, brings every unsync table that it reaches
 * in step. *real_cr3 gets what the CPU's CR3 has to hold (PWT/PCD bits kept). The caller flushes the guest's
 * non-global translations as MOV to CR3 does. `pse` is CR4.PSE. CONFLICT: a native mapping lies in a mirror range; the
 * event=conflict log line names both addresses.
 */
enum mirror_load_result mirror_load_root(struct vm *vm, u32 guest_cr3, bool pse, u32 *real_cr3);

/* The guest turned paging off: no root is current. */
void mirror_unload_root(struct vm *vm);

/* Flush point without a root change (INVLPG of any address, CR4 flushes, verify). Same results as mirror_load_root. Flushes the
 * mirror translations of entries that were present and changed. */
enum mirror_load_result mirror_sync(struct vm *vm);

/*
 * #PF at gva: brings the current root in step; true when an entry changed that can have caused the fault or the
 * shadow root now maps gva with the rights that error_code (SDM vol. 3A, 4.7) asks for: resume the guest. False: the fault is the guest's own.
 * *result tells of a conflict or lack of memory found meanwhile.
 */
bool mirror_page_fault(struct vm *vm, gva_t gva, u32 error_code, enum mirror_load_result *result);

/* EPT write violation (by an instruction or by the CPU's own A/D update) on a protected guest root or table: makes it
 * writable and unsync. False when the page at gpa (native side) is not tracked. */
bool mirror_table_write(struct vm *vm, gpa_t gpa);

#endif
