/* This project's own system calls: what programs may ask of the hypervisor. */
#include "cpu.h"
#include "hypervisor.h"
#include "inject.h"
#include "kmv/hypercall.h"
#include "memlayout.h"
#include "proc.h"
#include "sleeplock.h"
#include "string.h"
#include "syscall_table.h"
#include "vm.h"

/* Buffers that the hypervisor reads or fills: aligned to their size, so that none crosses a page.
 */
static struct {
    struct sleeplock lock;
    uint64_t counters[KMV_NOTE_MAX / sizeof(uint64_t)] __attribute__((aligned(KMV_NOTE_MAX)));
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

/* Fills shared.counters, whose lock is held. Returns the number of counters that it has, or -1. */
static int read_counters(void)
{
    int count = hypercall(KMV_HC_COUNTERS, V2P(shared.counters), sizeof(shared.counters));
    int capacity = sizeof(shared.counters) / sizeof(shared.counters[0]);

    return count < 0 ? -1 : count < capacity ? count : capacity;
}

int sys_verify(void)
{
    void *result;

    if (!arg_buffer(0, &result, 2 * sizeof(uint32_t)))
        return -1;
    sleep_lock(&shared.lock);
    int differing = hypercall(KMV_HC_VERIFY, 0, 0);
    bool ok = differing >= 0 && read_counters() > KMV_COUNTER_verify_pages;
    if (ok) {
        ((uint32_t *)result)[0] = (uint32_t)shared.counters[KMV_COUNTER_verify_pages];
        ((uint32_t *)result)[1] = (uint32_t)differing;
    }
    sleep_unlock(&shared.lock);
    return ok ? 0 : -1;
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
    if (count > 0)
        memcpy(values, shared.counters,
               (uint32_t)(count < capacity ? count : capacity) * sizeof(uint64_t));
    sleep_unlock(&shared.lock);
    return count;
}

int sys_note(void)
{
    const char *text;

    if (!arg_string(0, &text))
        return -1;
    sleep_lock(&shared.lock);
    copy_string(shared.note, text, sizeof(shared.note));
    int result = hypercall(KMV_HC_NOTE, V2P(shared.note), strlen(shared.note));
    sleep_unlock(&shared.lock);
    return result < 0 ? -1 : 0;
}

int sys_poison(void)
{
    int va, side;

    if (!arg_int(0, &va) || !arg_int(1, &side))
        return -1;
    void *page = vm_page(proc_self()->pgdir, (uint32_t)va);
    if (page == NULL)
        return -1;
    return hypercall(KMV_HC_POISON, V2P(page), (uint32_t)side) < 0 ? -1 : 0;
}
