/* A freestanding program with what C programs have: entry(argument) returns a checksum over all of
 * it. */
typedef unsigned int u32;
typedef unsigned long long u64;
typedef unsigned char u8;

struct pair {
    u32 key;
    short small;
    char letter;
    double weight;
};

struct block {
    u32 words[37];
    char text[19];
};

static struct pair table[64];
static u32 checksum = 1;
static char buffer[300];
static u8 bits[64];
static volatile u32 shared;

static void mix(u32 value)
{
    checksum = (checksum << 5 | checksum >> 27) ^ (value * 2654435761u);
}

static u32 fibonacci(u32 n)
{
    return n < 2 ? n : fibonacci(n - 1) + fibonacci(n - 2);
}

static u32 classify(u32 n)
{
    switch (n % 11) {
    case 0:
        return n + 1;
    case 1:
        return n * 3;
    case 2:
        return n ^ 0x55;
    case 3:
        return n - 7;
    case 4:
        return n << 3;
    case 5:
        return n >> 1;
    case 6:
        return ~n;
    case 7:
        return n | 0x8000;
    case 8:
        return n & 0xff;
    default:
        return 0;
    }
}

static u32 add(u32 a, u32 b)
{
    return a + b;
}
static u32 subtract(u32 a, u32 b)
{
    return a - b;
}
static u32 multiply(u32 a, u32 b)
{
    return a * b;
}
static u32 (*const operations[])(u32, u32) = {add, subtract, multiply};

static u32 sum_of(u32 count, ...)
{
    __builtin_va_list arguments;
    u32 sum = 0;
    __builtin_va_start(arguments, count);
    while (count--)
        sum += __builtin_va_arg(arguments, u32);
    __builtin_va_end(arguments);
    return sum;
}

static struct block make_block(u32 seed)
{
    struct block block;
    for (u32 i = 0; i < 37; i++)
        block.words[i] = seed = seed * 1103515245 + 12345;
    for (u32 i = 0; i < 19; i++)
        block.text[i] = (char)(seed >> (i % 24));
    return block;
}

static u32 use_block(struct block block)
{
    return block.words[36] + (u32)block.text[18];
}

void *memcpy(void *to, const void *from, u32 size)
{
    char *out = to;
    const char *in = from;
    while (size--)
        *out++ = *in++;
    return to;
}

void *memset(void *to, int value, u32 size)
{
    char *out = to;
    while (size--)
        *out++ = (char)value;
    return to;
}

static void strings(void)
{
    void *edi = buffer;
    const void *esi = buffer;
    u32 count = 60;
    __asm__ volatile("cld; rep stosl" : "+D"(edi), "+c"(count) : "a"(0x61626364) : "memory");
    mix((u32)edi - (u32)buffer);
    count = 101;
    edi = buffer + 3;
    __asm__ volatile("rep movsb" : "+D"(edi), "+S"(esi), "+c"(count)::"memory");
    count = 33;
    edi = buffer + 200;
    esi = buffer + 210;
    __asm__ volatile("std; rep movsw; cld" : "+D"(edi), "+S"(esi), "+c"(count)::"memory");
    edi = buffer + 250;
    __asm__ volatile("stosb; stosw; stosl" : "+D"(edi) : "a"(0x31323334) : "memory");
    __asm__ volatile("movsb; movsw; movsl" : "+D"(edi), "+S"(esi)::"memory");
    for (u32 i = 0; i < sizeof(buffer); i++)
        mix((u8)buffer[i]);
}

static void atomics(void)
{
    u32 old = 5, carry;
    __asm__ volatile("lock xaddl %0, %1" : "+r"(old), "+m"(shared)::"cc");
    __asm__ volatile("xchgl %0, %1" : "+r"(old), "+m"(shared));
    __asm__ volatile("lock cmpxchgl %2, %1" : "+a"(old), "+m"(shared) : "r"(77) : "cc");
    __asm__ volatile("incl %0; notl %0; negl %0; shll $3, %0; rcrl $1, %0" : "+m"(shared)::"cc");
    for (int bit = -70; bit < 200; bit += 13) {
        __asm__ volatile("btsl %2, %1; sbbl %0, %0"
                         : "=r"(carry), "+m"(bits[16])
                         : "r"(bit)
                         : "cc", "memory");
        mix(carry);
        __asm__ volatile("btcl %1, %0" : "+m"(bits[16]) : "r"(bit * 3 / 2) : "cc", "memory");
    }
    mix(old);
    mix(shared);
}

static void floats(u32 seed)
{
    double sum = seed;
    long double wide = 1;
    float narrow = 0.5f;
    for (u32 i = 1; i < 40; i++) {
        sum += 1.0 / i;
        wide *= 1.0625L;
        narrow = narrow * 1.5f - (float)i;
        table[i].weight = sum * (double)wide + (double)narrow;
    }
    u64 whole = (u64)sum;
    mix((u32)whole);
    mix((u32)(int)wide);
    u8 environment[108];
    __asm__ volatile("fnstcw %0" : "=m"(environment[0]));
    mix(environment[0] | (u32)environment[1] << 8);
}

u32 entry(u32 seed)
{
    for (u32 i = 0; i < 64; i++) {
        table[i].key = classify(seed + i);
        table[i].small = (short)(seed * i);
        table[i].letter = (char)(i * 7);
    }
    floats(seed);
    for (u32 i = 0; i < 64; i++) {
        mix(table[i].key + (u32)table[i].small + (u32)table[i].letter + (u32)(int)table[i].weight);
        mix(operations[i % 3](i, seed));
    }
    mix(fibonacci(12));
    mix(sum_of(5, seed, 2, 3, 4, 5));
    struct block block = make_block(seed);
    mix(use_block(block));
    strings();
    atomics();
    for (u32 i = 0; i < sizeof(bits); i++)
        mix(bits[i]);
    u64 product = (u64)checksum * seed;
    mix((u32)(product >> 32));
    return checksum;
}
