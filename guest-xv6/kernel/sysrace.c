/*
 * Processors that write to the same memory at once, for tests of the mirror: stores without a lock,
 * whose order the mirror need not share; stores that do not meet and locked ones, whose it does;
 * and stores through pages whose frames are being exchanged.
 */
#include "hypervisor.h"
#include "kmap.h"
#include "kmv/hypercall.h"
#include "memlayout.h"
#include "proc.h"
#include "string.h"
#include "syscall.h"
#include "syscall_table.h"
#include "x86.h"

#define RACERS_MAX 8
#define LOCKED     512
#define STEPS      128 /* a sweep over the plain page */
#define DELAY_MAX  7   /* in turns of a loop */
#define EXCHANGES  16  /* a sweep, even */

/* All racers store to all of it. */
static volatile struct {
    uint8_t bytes[8 * STEPS];
    uint16_t words[4 * STEPS];
    uint32_t longs[2 * STEPS];
    uint8_t overlapping[8 * STEPS];
} race_plain __attribute__((aligned(PGSIZE)));
_Static_assert(sizeof(race_plain) == PGSIZE, "nothing else is on this page");

/* Locked writes of all; bytes that are each one racer's own, side by side. */
static volatile struct {
    uint32_t locked[LOCKED];
    uint8_t own[256][RACERS_MAX];
} race_exact __attribute__((aligned(PGSIZE)));
_Static_assert(sizeof(race_exact) == PGSIZE, "nothing else is on this page");

/* Two pages that exchange their frames. */
static volatile uint8_t race_moving[2][PGSIZE / RACERS_MAX][RACERS_MAX]
    __attribute__((aligned(PGSIZE)));
static volatile uint32_t moves; /* ever */

static uint8_t before[PGSIZE];

/* Where racers wait for each other. */
static uint32_t arrived, rounds;

static void meet(uint32_t racers)
{
    uint32_t round = __atomic_load_n(&rounds, __ATOMIC_SEQ_CST);

    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == racers) {
        __atomic_store_n(&arrived, 0, __ATOMIC_SEQ_CST);
        __atomic_add_fetch(&rounds, 1, __ATOMIC_SEQ_CST);
    }
    while (__atomic_load_n(&rounds, __ATOMIC_SEQ_CST) == round && !proc_killed())
        cpu_relax();
}

/* All bytes of it are alike, and no other racer's are the same; 0 is what was there at first. */
static uint32_t pattern(uint32_t who)
{
    return 0x11111111u * (who + 1);
}

static bool is_stored(uint8_t byte)
{
    return byte % 0x11 == 0 && byte / 0x11 <= RACERS_MAX;
}

/* All racers come to these few bytes at nearly the same time. */
static void store_plain(uint32_t value, uint32_t step, uint32_t shift)
{
    for (uint32_t i = step * 8; i < step * 8 + 8; i++)
        race_plain.bytes[i] = (uint8_t)value;
    for (uint32_t i = step * 4; i < step * 4 + 4; i++)
        race_plain.words[i] = (uint16_t)value;
    for (uint32_t i = step * 2; i < step * 2 + 2; i++)
        race_plain.longs[i] = value;
    *(volatile uint32_t *)&race_plain.overlapping[step * 8 + shift] = value;
}

/* Who is ahead, and by how much, differs from step to step. */
static void race_step(uint32_t who, uint32_t racers, uint32_t step)
{
    meet(racers);
    for (uint32_t i = step * (who + 1) % DELAY_MAX; i > 0; i--)
        cpu_relax();
    store_plain(pattern(who), step, who % 5);
}

static void write_locked(volatile uint32_t *at, uint32_t value)
{
    uint32_t expected = *at;

    switch (((uintptr_t)at / sizeof(*at)) % 6) {
    case 0:
        __asm__ volatile("lock addl %1, %0" : "+m"(*at) : "r"(value) : "cc");
        break;
    case 1:
        xchg(at, value);
        break;
    case 2:
        __asm__ volatile("lock cmpxchgl %2, %0" : "+m"(*at), "+a"(expected) : "r"(value) : "cc");
        break;
    case 3:
        __asm__ volatile("lock xaddw %w1, %0" : "+m"(*(volatile uint16_t *)at), "+r"(value)::"cc");
        break;
    case 4:
        __asm__ volatile("lock xorb %b1, %0" : "+m"(*(volatile uint8_t *)at) : "q"(value) : "cc");
        break;
    default:
        __asm__ volatile("lock btcl %1, %0" : "+m"(*at) : "r"(value % 32) : "cc");
        break;
    }
}

static void store_exact(uint32_t who, uint32_t sweep)
{
    for (uint32_t i = 0; i < LOCKED; i++)
        write_locked(&race_exact.locked[i], pattern(who) + sweep);
    for (uint32_t i = 0; i < sizeof(race_exact.own) / RACERS_MAX; i++)
        race_exact.own[i][who] = (uint8_t)(who + sweep);
}

static int race_store(uint32_t who, uint32_t racers, uint32_t sweeps)
{
    for (uint32_t sweep = 0; sweep < sweeps; sweep++) {
        for (uint32_t step = 0; step < STEPS; step++)
            race_step(who, racers, step);
        store_exact(who, sweep);
    }
    meet(racers);
    return 0;
}

/* The first racer moves the pages, and moves them back; the others store as long, and wait where a
 * page is not there. */
static int race_move(uint32_t who, uint32_t racers, uint32_t sweeps)
{
    uint32_t before_all = __atomic_load_n(&moves, __ATOMIC_SEQ_CST);

    meet(racers);
    for (uint32_t i = 0; who == 0 && i < sweeps * EXCHANGES; i++) {
        kmap_exchange((uint32_t)race_moving[0], (uint32_t)race_moving[1]);
        __atomic_add_fetch(&moves, 1, __ATOMIC_SEQ_CST);
    }
    for (uint32_t i = 0; moves - before_all < sweeps * EXCHANGES && who != 0; i++)
        race_moving[i % 2][i / 2 % (PGSIZE / RACERS_MAX)][who] = (uint8_t)(who + i / PGSIZE);
    meet(racers);
    return 0;
}

/* Bytes of the plain page whose mirrors are others. */
static int race_differing(void)
{
    const volatile uint8_t *native = (const volatile uint8_t *)&race_plain;
    const volatile uint8_t *mirror = native + mirror_offset();
    int bytes = 0;

    for (uint32_t i = 0; i < PGSIZE; i++)
        bytes += native[i] != mirror[i];
    return bytes;
}

/* Their plain and exact pages; how many bytes differed in the plain one. */
static int race_settle(uint32_t who, uint32_t racers, uint32_t sweeps)
{
    int bytes = machine_is_mirrored() ? race_differing() : 0;

    (void)who, (void)racers, (void)sweeps;
    if (hypercall(KMV_HC_SETTLE, V2P(&race_plain), 1) != (bytes > 0) ||
        hypercall(KMV_HC_SETTLE, V2P(&race_exact), 1) != 0)
        return -1;
    return bytes;
}

/* What comes back from the mirror: bytes that are others than before, or -1: one that nobody had
 * stored. */
static int race_lose(uint32_t who, uint32_t racers, uint32_t sweeps)
{
    int changed = 0;

    (void)who, (void)racers, (void)sweeps;
    memcpy(before, (const void *)&race_plain, PGSIZE);
    if (hypercall(KMV_HC_POISON, V2P(&race_plain), KMV_POISON_NATIVE) != 0)
        return -1;
    for (uint32_t i = 0; i < PGSIZE; i++) {
        uint8_t byte = ((const volatile uint8_t *)&race_plain)[i];
        if (!is_stored(byte))
            return -1;
        changed += byte != before[i];
    }
    return changed;
}

int sys_race(void)
{
    static int (*const races[])(uint32_t who, uint32_t racers, uint32_t sweeps) = {
        [RACE_STORE] = race_store,
        [RACE_MOVE] = race_move,
        [RACE_SETTLE] = race_settle,
        [RACE_LOSE] = race_lose,
    };
    int what, who, racers, sweeps;

    if (!arg_int(0, &what) || !arg_int(1, &who) || !arg_int(2, &racers) || !arg_int(3, &sweeps) ||
        what < 0 || what >= (int)(sizeof(races) / sizeof(races[0])) || who < 0 || who >= racers ||
        racers > RACERS_MAX)
        return -1;
    return races[what]((uint32_t)who, (uint32_t)racers, (uint32_t)sweeps);
}
