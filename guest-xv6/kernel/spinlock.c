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
    /* A store is not passed by earlier ones on this architecture (SDM volume 3, 8.2.2): the
     * compiler must not move it either. */
    __atomic_store_n(&lk->locked, 0, __ATOMIC_RELEASE);
    irq_pop();
}
