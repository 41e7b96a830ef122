/* Locks held for a short time, with interrupts off. */
#ifndef SPINLOCK_H
#define SPINLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct spinlock {
    volatile uint32_t locked;
    const char *name;
    struct cpu *holder;
};

#define SPINLOCK(lock_name) ((struct spinlock){.name = (lock_name)})

void spin_lock(struct spinlock *lk);
void spin_unlock(struct spinlock *lk);
bool spin_held(const struct spinlock *lk); /* by this processor; interrupts off */

#endif
