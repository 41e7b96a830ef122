#include "sleeplock.h"

#include "cpu.h"
#include "proc.h"

void sleeplock_init(struct sleeplock *lk, const char *name)
{
    lk->guard = SPINLOCK(name);
    lk->locked = false;
    lk->holder = 0;
}

void sleep_lock(struct sleeplock *lk)
{
    spin_lock(&lk->guard);
    while (lk->locked)
        proc_sleep(lk, &lk->guard);
    lk->locked = true;
    lk->holder = proc_self();
    spin_unlock(&lk->guard);
}

void sleep_unlock(struct sleeplock *lk)
{
    spin_lock(&lk->guard);
    lk->locked = false;
    lk->holder = 0;
    proc_wakeup(lk);
    spin_unlock(&lk->guard);
}

bool sleep_held(struct sleeplock *lk)
{
    spin_lock(&lk->guard);
    bool held = lk->locked && lk->holder == proc_self();
    spin_unlock(&lk->guard);
    return held;
}
