#include "usercopy.h"

#include <stddef.h>

#include "cpu.h"
#include "fpu.h"
#include "memlayout.h"
#include "proc.h"
#include "proctable.h"
#include "string.h"
#include "x86.h"

/* usercopy.S */
extern bool guarded_copy(void *to, const void *from, uint32_t bytes);
extern bool guarded_fill(void *page, uint32_t pattern);
extern void guard_leave(uint32_t stack, uint32_t eflags) __attribute__((noreturn));
extern const char guarded_copy_begin[], guarded_copy_end[];
extern const char guarded_fill_begin[], guarded_fill_end[];

_Static_assert(offsetof(struct proc, guard) == GUARD, "offset for usercopy.S");

static const struct {
    const char *begin, *end;
    bool overwrites;
} guarded[] = {
    {guarded_copy_begin, guarded_copy_end, false},
    {guarded_fill_begin, guarded_fill_end, true},
};

bool guard_holds(const struct trapframe *tf, bool *overwrites)
{
    for (uint32_t i = 0; i < sizeof(guarded) / sizeof(guarded[0]); i++) {
        if (tf->eip < (uint32_t)guarded[i].begin || tf->eip >= (uint32_t)guarded[i].end)
            continue;
        *overwrites = guarded[i].overwrites;
        return true;
    }
    return false;
}

/* A translated routine keeps vector register 0 at its stack pointer while it uses it. */
void guard_fail(const struct trapframe *tf)
{
    uint32_t stack = (uint32_t)&tf->esp; /* no esp is pushed without a change of privilege */

    if (kmv_vector_bytes != 0 && proc_self()->guard - stack >= kmv_vector_bytes)
        fpu_load_vector((const void *)stack);
    guard_leave(proc_self()->guard, tf->eflags);
}

/* A copy that broke off may have left bytes without their mirror. Pieces that fail again are lost
 * themselves, and empty by now. */
static void settle(char *to, uint32_t bytes)
{
    static const char zeros[PGSIZE];

    while (bytes > 0) {
        uint32_t rest = PGSIZE - (uint32_t)to % PGSIZE;
        uint32_t piece = rest < bytes ? rest : bytes;

        (void)guarded_copy(to, zeros, piece);
        to += piece;
        bytes -= piece;
    }
}

bool user_copy(void *to, const void *from, uint32_t bytes)
{
    bool ok = guarded_copy(to, from, bytes);

    if (!ok)
        settle(to, bytes);
    return ok;
}

char *user_bounce(void)
{
    static char bounces[NPROC][USER_PIECE];

    return bounces[proc_self() - procs];
}

bool page_fill(void *page, uint8_t byte)
{
    uint32_t pattern = byte * 0x01010101u;

    if (proc_self() == NULL) {
        memset(page, byte, PGSIZE);
        return true;
    }
    return guarded_fill(page, pattern) || guarded_fill(page, pattern);
}
