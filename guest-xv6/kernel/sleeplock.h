/* Locks held across disk operations: who waits sleeps. */
#ifndef SLEEPLOCK_H
#define SLEEPLOCK_H

#include <stdbool.h>

#include "spinlock.h"

struct sleeplock {
    struct spinlock guard; /* protects the other fields */
    bool locked;
    struct proc *holder;
};

void sleeplock_init(struct sleeplock *lk, const char *name);
void sleep_lock(struct sleeplock *lk);
void sleep_unlock(struct sleeplock *lk);
bool sleep_held(struct sleeplock *lk); /* by this process */

#endif
