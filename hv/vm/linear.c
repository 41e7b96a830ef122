#include <hv/vm/linear.h>

#include <hv/mm/paging.h>
#include <hv/vm/guestmem.h>

#define ENTRY_FRAME 0x000ffffffffff000ull
#define PAE_ROOT    0xffffffe0u

/* Level 0 is a page table; at level 2, of PAE alone, entries have neither rights nor flags (SDM
 * vol. 3A, 4.3 and 4.4). */
static bool translate(struct vm *vm, const struct linear_space *space, u32 address, bool write,
                      gpa_t *gpa, struct linear_fault *fault)
{
    u32 bits = space->pae ? 9 : 10, bytes = space->pae ? sizeof(u64) : sizeof(u32);
    u64 table = space->cr3 & (space->pae ? PAE_ROOT : PG_FRAME);
    bool is_leaf = !space->paging;

    *gpa = GPA(address);
    *fault = (struct linear_fault){.gva = GVA(address), .error = write ? PF_WRITE : 0};
    for (u32 level = space->pae ? 2 : 1; !is_leaf; level--) {
        u32 shift = PAGE_SHIFT + bits * level;
        gpa_t at = GPA(table + (address >> shift & ((1u << bits) - 1)) * bytes);
        u64 span = (1ull << shift) - 1, entry = 0, marked;

        fault->no_ram = guest_read(vm, at, &entry, bytes) != 0;
        if (fault->no_ram || !(entry & PG_PRESENT))
            return false;
        fault->error |= write && level < 2 && !(entry & PG_WRITE) && space->write_protect;
        if (fault->error & PF_PRESENT)
            return false;
        is_leaf = level == 0 || (level == 1 && (entry & PG_LARGE) && (space->pse || space->pae));
        marked = entry | (level < 2 ? PG_ACCESSED : 0) | (is_leaf && write ? PG_DIRTY : 0);
        if (marked != entry)
            guest_write(vm, at, &marked, bytes);
        table = entry & ENTRY_FRAME;
        *gpa = GPA((table & ~span) | (address & span));
    }
    return true;
}

bool linear_copy(struct vm *vm, const struct linear_space *space, u32 at, void *buffer, u32 bytes,
                 enum linear_access access, struct linear_fault *fault)
{
    for (u32 done = 0, part; done < bytes; done += part) {
        u32 address = at + done, room = (u32)PAGE_SIZE - (address & (u32)PAGE_MASK);
        u8 *here = (u8 *)buffer + done;
        gpa_t gpa;

        part = bytes - done < room ? bytes - done : room;
        if (!translate(vm, space, address, access != LINEAR_READ, &gpa, fault))
            return false;
        fault->no_ram = (access == LINEAR_WRITE ? guest_write(vm, gpa, here, part)
                                                : guest_read(vm, gpa, here, part)) != 0;
        if (fault->no_ram)
            return false;
    }
    return true;
}
