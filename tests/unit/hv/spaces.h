/* Address spaces that scenes of the mirror build, and what they have to reach. */
#ifndef TESTS_HV_SPACES_H
#define TESTS_HV_SPACES_H

#include "machine.h"
#include "testing.h"

#include <hv/mm/paging.h>

#define RW     (PG_PRESENT | PG_WRITE)
#define RWU    (RW | PG_USER)
#define ROOT   0x00100000u
#define ROOT_2 0x00101000u
#define TABLE  0x00102000u
#define OTHER  0x00103000u
#define DATA   0x00200000u
#define OFFSET (vm.offset)
#define KERNEL 0x80000000u
#define FILLED 0x01010101u /* what kernels of this family fill freed pages with */

#define READ(at)       ((struct access){.address = (at)})
#define WRITE(at)      ((struct access){.address = (at), .write = true})
#define USER_READ(at)  ((struct access){.address = (at), .user = true})
#define USER_WRITE(at) ((struct access){.address = (at), .write = true, .user = true})

static inline void set_pde(u32 root, u32 address, u32 pde)
{
    assert_true(guest_store(root + (address >> 22) * 4, pde));
}

static inline void set_pte(u32 table, u32 address, u32 pte)
{
    assert_true(guest_store(table + (address >> 12 & 1023) * 4, pte));
}

static inline u64 frame_of(u32 gpa)
{
    return LEAF_HPA(machine_ept_leaf(gpa));
}

static inline void assert_reaches(struct access access, u32 gpa)
{
    struct outcome outcome = machine_access(access);

    assert_int_equal(outcome.kind, ACCESS_OK);
    assert_int_equal(outcome.hpa.v, frame_of(gpa) + (gpa & PAGE_MASK));
}

static inline void assert_faults(struct access access, u32 error_code)
{
    struct outcome outcome = machine_access(access);

    assert_int_equal(outcome.kind, ACCESS_FAULT);
    assert_int_equal(outcome.error_code, error_code);
}

static inline void load(u32 root)
{
    assert_int_equal(machine_load_cr3(root), MIRROR_LOAD_OK);
    check_shadow(root);
}

static inline void sync_tables(u32 root)
{
    assert_int_equal(machine_invlpg(0), MIRROR_LOAD_OK);
    check_shadow(root);
}

/* One page of user memory at 0x1000, one of the kernel at KERNEL. */
static inline void build_small_space(u32 root)
{
    set_pde(root, 0, TABLE | RWU);
    set_pde(root, KERNEL, OTHER | RW);
    set_pte(TABLE, 0x1000, DATA | RWU);
    set_pte(OTHER, KERNEL, 0x300000 | RW);
}

#endif
