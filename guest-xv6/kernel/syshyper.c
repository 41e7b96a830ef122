/* This project's own system calls: what programs may ask of the hypervisor. */
#include "bio.h"
#include "cpu.h"
#include "hypervisor.h"
#include "inject.h"
#include "kalloc.h"
#include "kmv/faults.h"
#include "kmv/hypercall.h"
#include "memlayout.h"
#include "proc.h"
#include "sleeplock.h"
#include "string.h"
#include "syscall.h"
#include "syscall_table.h"
#include "usercopy.h"
#include "vm.h"

/* Buffers that the hypervisor reads or fills: aligned to their size, so that none crosses a page.
 */
static struct {
    struct sleeplock lock;
    uint64_t counters[KMV_NOTE_MAX / sizeof(uint64_t)] __attribute__((aligned(KMV_NOTE_MAX)));
    struct kmv_fault_plan plan[1] __attribute__((aligned(32)));
    char note[KMV_NOTE_MAX];
} shared = {.lock = {.guard = {.name = "hypercall buffer"}}};

_Static_assert(KMV_COUNTER_COUNT <= KMV_NOTE_MAX / sizeof(uint64_t), "room for all counters");

int sys_poweroff(void)
{
    int status;

    if (!arg_int(0, &status))
        return -1;
    machine_poweroff(status);
}

int sys_inject(void)
{
    int count, seed;

    if (!arg_int(0, &count) || !arg_int(1, &seed))
        return -1;
    return inject(count, (uint32_t)seed);
}

/* A count of 0 only asks. */
static int order_faults(int count, int seed, int interval, int kinds)
{
    if (count == 0)
        return hypercall(KMV_HC_FAULTS, 0, 0);
    *shared.plan = (struct kmv_fault_plan){
        .seed = (uint32_t)seed,
        .count = (uint32_t)count,
        .interval = (uint32_t)interval,
        .first = EXTMEM,
        .end = pages_watermark(),
        .kinds = (uint32_t)kinds,
    };
    return hypercall(KMV_HC_FAULTS, V2P(shared.plan), sizeof(*shared.plan));
}

int sys_faults(void)
{
    int count, seed, interval, kinds;

    if (!arg_int(0, &count) || !arg_int(1, &seed) || !arg_int(2, &interval) ||
        !arg_int(3, &kinds) || count < 0)
        return -1;
    sleep_lock(&shared.lock);
    int left = order_faults(count, seed, interval, kinds);
    sleep_unlock(&shared.lock);
    return left < 0 ? -1 : left;
}

int sys_give(void)
{
    int pages, given = 0;

    if (!arg_int(0, &pages))
        return -1;
    for (; given < pages; given++) {
        void *page = page_alloc();
        if (page == NULL)
            break;
        if (hypercall(KMV_HC_GIVE, V2P(page), 0) != 0) {
            page_free(page);
            break;
        }
    }
    return given == 0 && pages > 0 ? -1 : given;
}

/* Fills shared.counters, whose lock is held. Returns the number of counters that it has, or -1. */
static int read_counters(void)
{
    int count = hypercall(KMV_HC_COUNTERS, V2P(shared.counters), sizeof(shared.counters));
    int capacity = sizeof(shared.counters) / sizeof(shared.counters[0]);

    return count < 0 ? -1 : count < capacity ? count : capacity;
}

int sys_verify(void)
{
    uint32_t result[2];
    void *to;

    if (!arg_buffer(0, &to, sizeof(result)))
        return -1;
    sleep_lock(&shared.lock);
    int differing = hypercall(KMV_HC_VERIFY, 0, 0);
    bool ok = differing >= 0 && read_counters() > KMV_COUNTER_verify_pages;
    if (ok) {
        result[0] = (uint32_t)shared.counters[KMV_COUNTER_verify_pages];
        result[1] = (uint32_t)differing;
    }
    sleep_unlock(&shared.lock);
    return ok && user_copy(to, result, sizeof(result)) ? 0 : -1;
}

int sys_counters(void)
{
    void *values;
    int capacity;

    if (!arg_int(1, &capacity) || capacity < 0 || capacity > (int)(USERTOP / sizeof(uint64_t)) ||
        !arg_buffer(0, &values, capacity * (int)sizeof(uint64_t)))
        return -1;
    sleep_lock(&shared.lock);
    int count = read_counters();
    uint32_t taken = (uint32_t)(count < capacity ? count : capacity);
    bool ok = count < 0 || user_copy(values, shared.counters, taken * sizeof(uint64_t));
    sleep_unlock(&shared.lock);
    return ok ? count : -1;
}

int sys_note(void)
{
    sleep_lock(&shared.lock);
    int result = arg_string(0, shared.note, sizeof(shared.note));
    if (result >= 0)
        result = hypercall(KMV_HC_NOTE, V2P(shared.note), strlen(shared.note));
    sleep_unlock(&shared.lock);
    return result < 0 ? -1 : 0;
}

static void *page_of_buffers(void)
{
    struct buf *b = block_read(SUPER_BLOCK);

    block_release(b);
    return (void *)PGROUNDDOWN((uint32_t)b);
}

/* The page that sys_poison is to poison; NULL: there is none. */
static void *choose_page(const struct proc *p, uint32_t va, int what)
{
    if (what & POISON_TABLE)
        return P2V(PTE_ADDR(p->pgdir[PDX(va)]));
    if (what & POISON_DIRECTORY)
        return p->pgdir;
    if (what & POISON_KERNEL)
        return page_of_buffers();
    if (what & POISON_KERNEL_STACK)
        return p->kstack;
    return vm_page(p->pgdir, va);
}

int sys_poison(void)
{
    int va, what;

    if (!arg_int(0, &va) || !arg_int(1, &what) || vm_page(proc_self()->pgdir, (uint32_t)va) == NULL)
        return -1;
    uint32_t where = (uint32_t)what & (POISON_TABLE - 1);
    void *page = choose_page(proc_self(), (uint32_t)va, what);
    return hypercall(KMV_HC_POISON, V2P(page), where) < 0 ? -1 : 0;
}

int sys_scrub(void)
{
    int permille;

    if (!arg_int(0, &permille))
        return -1;
    return hypercall(KMV_HC_SCRUB, (uint32_t)permille, 0) < 0 ? -1 : 0;
}
