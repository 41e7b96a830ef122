/*
 * Two threads write the same words, one after the other, a few times each: entry(0) with locked
 * instructions of every kind and size, entry(1) with plain ones. Each thread waits a little for the
 * other before each word; what it does to the words adds up to the same sum in any order.
 */
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned char u8;
typedef unsigned short u16;

enum { WORDS = 20000, ROUNDS = 4, PATIENCE = 2000, KINDS = 12, WORD_BYTES = 8 };

static u8 words[WORDS][WORD_BYTES] __attribute__((aligned(64)));
static u32 arrived;

static void meet(u32 word)
{
    __asm__ volatile("lock incl %0" : "+m"(arrived)::"cc");
    for (u32 i = 0; i < PATIENCE && *(volatile u32 *)&arrived < 2 * (word + 1); i++)
        __asm__ volatile("pause");
}

static void exchange(u8 *at, u32 kind)
{
    u32 value = kind, old = 0;
    switch (kind) {
    case 0:
        __asm__ volatile("xchgl %0, %1" : "+r"(value), "+m"(*(u32 *)at));
        __asm__ volatile("lock addl %1, %0" : "+m"(*(u32 *)at) : "r"(value) : "cc");
        break;
    case 1:
        __asm__ volatile("lock xaddl %0, %1" : "+r"(value), "+m"(*(u32 *)at)::"cc");
        break;
    case 2:
        old = *(volatile u32 *)at;
        value = old + 1;
        __asm__ volatile("lock cmpxchgl %2, %1" : "+a"(old), "+m"(*(u32 *)at) : "r"(value) : "cc");
        break;
    default:
        value = *(volatile u32 *)at;
        __asm__ volatile("lock cmpxchg8b %0"
                         : "+m"(*(u64 *)at), "+a"(value), "+d"(old)
                         : "b"(value + 1), "c"(old + 1)
                         : "cc");
        break;
    }
}

/* ecx holds the address, or changes, or a register moves its own address. */
static void cornered(u8 *at, u32 kind)
{
    u32 ecx = (u32)at;
    if (kind == 4)
        __asm__ volatile("lock incl (%0)" : "+c"(ecx)::"cc", "memory");
    else if (kind == 5)
        __asm__ volatile("lock xaddl %0, (%0)" : "+c"(ecx)::"cc", "memory");
    else
        __asm__ volatile("lock btcl %0, (%1)" : : "c"(kind), "a"(at) : "cc", "memory");
}

static void small(u8 *at, u32 kind)
{
    switch (kind) {
    case 7:
        __asm__ volatile("lock incb %0" : "+m"(*at)::"cc");
        break;
    case 8:
        __asm__ volatile("xchgb %b0, %1" : "+q"(kind), "+m"(at[1]));
        break;
    case 9:
        __asm__ volatile("lock decw %0" : "+m"(*(u16 *)at)::"cc");
        break;
    case 10:
        __asm__ volatile("xchgw %w0, %1" : "+r"(kind), "+m"(*(u16 *)(at + 2)));
        break;
    default:
        __asm__ volatile("lock notl %0" : "+m"(*(u32 *)at));
        break;
    }
}

static void locked(u8 *at, u32 kind)
{
    if (kind < 4)
        exchange(at, kind);
    else if (kind < 7)
        cornered(at, kind);
    else
        small(at, kind);
}

static void plain(u8 *at)
{
    __asm__ volatile("incl %0" : "+m"(*(u32 *)at)::"cc");
}

u32 entry(u32 how)
{
    for (u32 word = 0; word < WORDS; word++) {
        meet(word);
        for (u32 round = 0; round < ROUNDS; round++) {
            if (how == 0)
                locked(words[word], word % KINDS);
            else
                plain(words[word]);
        }
    }
    return arrived;
}
