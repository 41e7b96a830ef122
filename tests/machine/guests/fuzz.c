/*
 * Hypercalls with hostile arguments, from ring 0 and ring 3: "seed=N calls=N" on the command line.
 * An arena of RAM holds a pattern on both sides; only calls that may change memory are pointed at
 * it, and no byte may change but those asked for. Powers off with 0, or with the number of the
 * check that failed (enum failure).
 */
#include "runtime.h"

#include <kmv/contract.h>
#include <kmv/hypercall.h>

#define ARENA_START 0x400000u
#define ARENA_END   0x600000u
#define FORCED_END  0x610000u /* pages that are lost or given, and not touched until renewed */
#define OPEN_END    0x620000u /* pages that are protected or not, and never go bad */
#define PERMILLE    1000u
#define MARGIN      64u
#define CHECK_EVERY 65536u

enum failure {
    ANSWER_UNKNOWN = 1,
    REGISTERS_CHANGED = 2,
    ARENA_CHANGED = 3,
    RING3_ACCEPTED = 4,
    IMAGE_CHANGED = 5,
    ANSWER_WRONG = 6
};

static struct call {
    u32 number, first, second, third;
    u32 result;
    bool registers_kept;
} call;

static u32 seed, mirrored;
static u32 accepted[KMV_HC_COUNT], refused[KMV_HC_COUNT], unknown, from_ring3;

static u32 next_random(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 17;
    seed ^= seed << 5;
    return seed;
}

static u32 below(u32 limit)
{
    return next_random() % limit;
}

static _Noreturn void fail(enum failure what)
{
    print("fuzz failed: number=");
    print_hex(call.number);
    print(" first=");
    print_hex(call.first);
    print(" second=");
    print_hex(call.second);
    print(" result=");
    print_hex(call.result);
    print("\n");
    power_off(what);
}

static u32 do_call(void)
{
    u32 ebx = call.first, ecx = call.second, edx = call.third, esi = 0x51515151, edi = 0xd1d1d1d1;

    __asm__ volatile("vmcall"
                     : "=a"(call.result), "+b"(ebx), "+c"(ecx), "+d"(edx), "+S"(esi), "+D"(edi)
                     : "0"(call.number)
                     : "memory", "cc");
    call.registers_kept = ebx == call.first && ecx == call.second && edx == call.third &&
                          esi == 0x51515151 && edi == 0xd1d1d1d1;
    return 0;
}

/* The arena's pattern, on the native side and, as a translated kernel would, on the mirror's. */
static u32 pattern(u32 address)
{
    return address * 0x9e3779b1u ^ 0x5bd1e995u;
}

static void fill(u32 start, u32 end)
{
    for (u32 at = start & ~3u; at < end; at += 4) {
        *(volatile u32 *)at = pattern(at);
        if (mirrored)
            *(volatile u32 *)(at + KMV_OFFSET_DEFAULT) = pattern(at);
    }
}

static void check(u32 start, u32 end)
{
    for (u32 at = start & ~3u; at < end; at += 4) {
        if (*(volatile u32 *)at != pattern(at))
            fail(ARENA_CHANGED);
    }
}

/* Of everything that no call may touch: low memory and what lies behind the arena. */
static u32 checksum(void)
{
    static const u32 ranges[][2] = {
        {0x1000, 0x90000}, {0x200000, ARENA_START}, {OPEN_END, 0x800000}};
    u32 sum = 1;

    for (u32 i = 0; i < COUNT(ranges); i++) {
        for (u32 at = ranges[i][0]; at < ranges[i][1]; at += 4)
            sum = sum * 31 + *(volatile u32 *)at;
    }
    return sum;
}

/* Addresses that are almost right, and any others; never RAM outside of the arena. */
static u32 hostile_address(void)
{
    static const u32 edges[] = {0x9fffc,    0xa0000,    0xbfffc,    0x38000000, 0x36000000,
                                0xe0000000, 0xe0001000, 0xfec00000, 0xfee00000, 0xfffffff8,
                                0xffffffff, 0x80000000, 0x37fffff8};
    u32 address = next_random();

    switch (below(4)) {
    case 0:
        address = edges[below(COUNT(edges))];
        break;
    case 1:
        address = ram_bytes - below(64);
        break;
    case 2:
        address = ARENA_START + MARGIN + below(ARENA_END - ARENA_START - 4096);
        break;
    default:
        break;
    }
    if (address < ARENA_START || (address >= ARENA_END && address < ram_bytes - 64))
        address = 0xa0000 + (address & 0x1ffff);
    return address;
}

static u32 hostile_size(void)
{
    static const u32 sizes[] = {0,   1,   7,    8,          9,          255,
                                256, 257, 4096, 0x7fffffff, 0x80000000, 0xffffffff};

    return below(2) ? sizes[below(COUNT(sizes))] : next_random();
}

static bool in_arena(u32 address)
{
    return address >= ARENA_START && address < ARENA_END;
}

/* What a call that loses pages is pointed at. */
static void aim_poison(void)
{
    bool now = call.number == KMV_HC_POISON;

    if (below(2) != 0)
        call.second &= now ? 0xff0f : 0xfff0f;
    /* Every boundary counted is an exit. */
    if (!now)
        call.second &= 0x3fffff;
    /* This kernel's own pages have no second copy, and it still needs them. */
    if (call.first < ram_bytes && (!in_arena(call.first) || below(64) != 0))
        call.first = ram_bytes + below(0x1000000);
    /* Both copies of a page may only go where nothing looks for them. */
    if ((call.second & KMV_POISON_FORCE) && (call.first < ram_bytes || below(4) == 0))
        call.first = ARENA_END + below(FORCED_END - ARENA_END);
}

/* What is said of pages: right and wrong ones, and what the list may hold that is no RAM. */
static u32 list[4] __attribute__((aligned(16)));
static void aim_protect(void)
{
    for (u32 i = 0; i < COUNT(list); i++) {
        u32 hostile = hostile_address();
        bool wrong = below(64) == 0 && !in_arena(hostile);

        list[i] = wrong ? hostile : FORCED_END + (below(12) << 12) + below(5);
    }
    if (below(8) == 0)
        return;
    call.first = (u32)list;
    call.second = below(COUNT(list) + 1) | (below(2) ? KMV_PROTECT_OFF : 0);
}

static void choose(void)
{
    call.number = below(8) == 0 ? next_random() : below(KMV_HC_COUNT + 4);
    call.first = hostile_address();
    call.second = hostile_size();
    call.third = next_random();
    /* What a right call costs is not what is tried here: a comparison of all RAM, a line of the
     * log. */
    if (call.number == KMV_HC_POWEROFF || (call.number == KMV_HC_VERIFY && below(1024) != 0))
        call.number = KMV_HC_ABI_VERSION;
    if (call.number == KMV_HC_NOTE && call.second <= KMV_NOTE_MAX && below(64) != 0)
        call.second += KMV_NOTE_MAX + 1;
    if (call.number == KMV_HC_POISON || call.number == KMV_HC_POISON_LATER)
        aim_poison();
    if (call.number == KMV_HC_PROTECT)
        aim_protect();
    if (call.number == KMV_HC_LOSS_VECTOR && below(8) != 0)
        call.first = below(64);
    if ((call.number == KMV_HC_RENEW && below(2) != 0) ||
        (call.number == KMV_HC_GIVE && call.first < ram_bytes))
        call.first = ARENA_END + below(FORCED_END - ARENA_END);
    if (call.number == KMV_HC_GIVE && (call.first < ram_bytes || below(2) != 0))
        call.first = ARENA_END + below(FORCED_END - ARENA_END);
    /* Most of a processor's time would go into it. */
    if (call.number == KMV_HC_SCRUB && below(8) != 0)
        call.first = below(64) == 0 ? below(PERMILLE) : 0;
    /* At the end of RAM, always one byte too many. */
    if (call.number == KMV_HC_COUNTERS && call.first < ram_bytes && call.first >= ARENA_END)
        call.second |= 0x100;
}

static u32 min(u32 a, u32 b)
{
    return a < b ? a : b;
}

/* The bytes that were asked for may have changed; those around them have not. */
static void check_counters(void)
{
    u32 end = call.first + min(call.second & ~7u, KMV_COUNTER_COUNT * 8);

    if (end == call.first)
        return;
    if (!in_arena(call.first))
        fail(ANSWER_WRONG);
    check(call.first - MARGIN, call.first & ~3u);
    check((end + 3) & ~3u, end + MARGIN);
    fill(call.first, end);
}

/* Zeros at first; from here on the page is as it was before it was lost. */
static void check_renewed(void)
{
    u32 page = call.first & ~0xfffu;

    if (page < ARENA_END || page >= FORCED_END)
        fail(ANSWER_WRONG);
    for (u32 at = page; at < page + 4096; at += 4) {
        if (*(volatile u32 *)at != 0)
            fail(ARENA_CHANGED);
    }
    fill(page, page + 4096);
}

static void check_answer(void)
{
    static const int errors[] = {-2, -5, -12, -14, -16, -22, -38, -95, -114};
    bool known = (int)call.result >= 0;

    for (u32 i = 0; i < COUNT(errors); i++)
        known |= (int)call.result == errors[i];
    if (!known)
        fail(ANSWER_UNKNOWN);
    if (!call.registers_kept)
        fail(REGISTERS_CHANGED);
    if (call.number >= KMV_HC_COUNT) {
        unknown++;
        if ((int)call.result != -38)
            fail(ANSWER_WRONG);
        return;
    }
    accepted[call.number] += (int)call.result >= 0;
    refused[call.number] += (int)call.result < 0;
    if ((int)call.result < 0)
        return;
    if (call.number == KMV_HC_COUNTERS)
        check_counters();
    if (call.number == KMV_HC_RENEW)
        check_renewed();
    if (call.number == KMV_HC_PROTECT)
        check(FORCED_END, OPEN_END);
    if (call.number == KMV_HC_POISON && in_arena(call.first))
        check(call.first & ~0xfffu, (call.first & ~0xfffu) + 4096);
}

static void one_call(void)
{
    choose();
    if (below(2) != 0) {
        do_call();
        check_answer();
        return;
    }
    from_ring3++;
    call.result = 0;
    if (attempt_user(do_call).vector != 6)
        fail(RING3_ACCEPTED);
}

static u32 number_after(const char *text, const char *name)
{
    u32 length = 0, value = 0;

    while (name[length] != '\0')
        length++;
    for (; *text != '\0'; text++) {
        u32 same = 0;

        while (same < length && text[same] == name[same])
            same++;
        if (same < length)
            continue;
        for (text += length; *text >= '0' && *text <= '9'; text++)
            value = value * 10 + (u32)(*text - '0');
        return value;
    }
    return 0;
}

static void report(u32 calls)
{
    print("fuzz calls=");
    print_hex(calls);
    print(" ring3=");
    print_hex(from_ring3);
    print(" unknown=");
    print_hex(unknown);
    print("\n");
    for (u32 i = 0; i < KMV_HC_COUNT; i++) {
        print("fuzz number=");
        print_hex(i);
        print(" accepted=");
        print_hex(accepted[i]);
        print(" refused=");
        print_hex(refused[i]);
        print("\n");
    }
}

/* This kernel is not translated: of its own pages no mirror is a copy, as the scrubber has to know.
 */
static void tell_untranslated(void)
{
    static u32 own[] = {0x0 | 0x9f, KMV_VGA_GPA_END | 0x33f, OPEN_END | 0};

    own[2] |= (ram_bytes - OPEN_END) / 4096 - 1;
    if (mirrored && hypercall(KMV_HC_PROTECT, (u32)own, COUNT(own) | KMV_PROTECT_OFF) != 0)
        fail(ANSWER_WRONG);
}

u32 guest_main(const char *command_line)
{
    u32 calls = number_after(command_line, "calls=");
    u32 sum;

    seed = number_after(command_line, "seed=") * 2 + 1;
    mirrored = hypercall(KMV_HC_FEATURES, 0, 0) & KMV_FEATURE_MIRROR;
    fill(ARENA_START, OPEN_END);
    tell_untranslated();
    sum = checksum();
    for (u32 i = 0; i < calls; i++) {
        one_call();
        if (i % CHECK_EVERY == CHECK_EVERY - 1)
            check(ARENA_START, ARENA_END);
    }
    check(ARENA_START, ARENA_END);
    if (checksum() != sum)
        fail(IMAGE_CHANGED);
    report(calls);
    return 0;
}
