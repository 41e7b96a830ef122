#include "loss.h"

#include <stddef.h>
#include <stdint.h>

#include "console.h"
#include "cpu.h"
#include "hypervisor.h"
#include "kalloc.h"
#include "kmap.h"
#include "kmv/hypercall.h"
#include "memlayout.h"
#include "mmu.h"
#include "proc.h"
#include "proctable.h"
#include "trap.h"
#include "usercopy.h"

#define LOSSES_MAX 4 /* one in another's answer: a directory, its tables */

enum use { USE_NONE, USE_DATA, USE_TABLE, USE_DIRECTORY };

struct owner {
    struct proc *proc; /* NULL: nobody runs on the page directory, it is being made or freed */
    enum use use;
};

void loss_init(void)
{
    hypercall(KMV_HC_LOSS_VECTOR, VECTOR_PAGE_LOST, 0);
}

static enum use use_in_table(const uint32_t *table, uint32_t page)
{
    for (int i = 0; i < NPTENTRIES; i++) {
        if ((table[i] & PTE_P) && PTE_ADDR(table[i]) == page)
            return USE_DATA;
    }
    return USE_NONE;
}

/* What a page directory's user part uses the page for. A table on the way that is lost, too, is
 * told of, and answered, in between. */
static enum use use_in(const uint32_t *pgdir, uint32_t page)
{
    enum use use = USE_NONE;

    if (pgdir == NULL)
        return USE_NONE;
    if (V2P(pgdir) == page)
        return USE_DIRECTORY;
    for (uint32_t i = 0; i < PDX(USERTOP) && use == USE_NONE; i++) {
        if ((pgdir[i] & PTE_P) == 0)
            continue;
        use = PTE_ADDR(pgdir[i]) == page ? USE_TABLE : use_in_table(P2V(PTE_ADDR(pgdir[i])), page);
    }
    return use;
}

/* Takes no lock: the kernel may hold any at the place of the loss. */
static struct owner find_owner(uint32_t page)
{
    struct owner owner = {0};

    for (struct proc *p = procs; p < procs + NPROC && owner.use == USE_NONE; p++) {
        if (p->state == UNUSED)
            continue;
        owner = (struct owner){p, use_in(p->pgdir, page)};
        if (owner.use == USE_NONE)
            owner = (struct owner){NULL, use_in(p->other_pgdir, page)};
    }
    return owner;
}

/* An empty table maps nothing, so that whatever follows goes wrong in a known way. A page for which
 * there are no frames is left out of use for good. */
static bool renew(uint32_t page, enum use use)
{
    if (hypercall(KMV_HC_RENEW, page, 0) != 0) {
        page_retire(page);
        return false;
    }
    if (use == USE_DIRECTORY)
        kmap_copy(P2V(page));
    return true;
}

static bool from_user(const struct trapframe *tf)
{
    return (tf->cs & 3) == DPL_USER;
}

/* The page may be one that this needs, too: then the hypervisor stops us instead. */
static void __attribute__((noreturn))
lost_for_good(const char *why, uint32_t page, const struct trapframe *tf)
{
    hypercall(KMV_HC_LOSS_VECTOR, 0, 0);
    panic("memory page 0x%x lost: %s, eip 0x%x", page, why, tf->eip);
}

static void kill(struct proc *p, uint32_t page)
{
    kprintf("pid %d %s: memory page 0x%x lost, killed\n", p->pid, p->name, page);
    p->killed = true;
}

bool loss_answer(const struct trapframe *tf)
{
    int lost = hypercall(KMV_HC_LOST_PAGE, 0, 0);
    uint32_t page = (uint32_t)lost;
    bool overwrites = false;
    struct cpu *c = cpu_self();

    if (lost < 0)
        return false;
    if (++c->losses > LOSSES_MAX)
        lost_for_good("it is needed to answer a loss", page, tf);
    struct owner owner = find_owner(page);
    bool guarded = !from_user(tf) && guard_holds(tf, &overwrites);
    if (owner.use == USE_NONE && !overwrites)
        lost_for_good("it was the kernel's own", page, tf);
    if (owner.proc != NULL && !overwrites)
        kill(owner.proc, page);
    bool renewed = renew(page, owner.use);
    c->losses--;
    if (guarded)
        guard_fail(tf);
    if (!from_user(tf) && (owner.use == USE_DATA || !renewed))
        lost_for_good("the kernel can't do without it", page, tf);
    return true;
}
