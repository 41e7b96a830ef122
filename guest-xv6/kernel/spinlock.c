#include "spinlock.h"

#include "console.h"
#include "cpu.h"
#include "x86.h"

bool spin_held(const struct spinlock *lk)
{
    return lk->locked != 0 && lk->holder == cpu_self();
}

void spin_lock(struct spinlock *lk)
{
    irq_push();
    if (spin_held(lk))
        panic("spin_lock: %s is held already", lk->name);
    while (xchg(&lk->locked, 1) != 0)
        cpu_relax();
    lk->holder = cpu_self();
}

void spin_unlock(struct spinlock *lk)
{
    if (!spin_held(lk))
        panic("spin_unlock: %s is not held", lk->name);
    lk->holder = 0;
    /* A plain store would do for the memory (SDM volume 3, 8.2.2), but not for its mirror: the next
     * holder's could come before this one's. */
    xchg(&lk->locked, 0);
    irq_pop();
}
