#include <hv/cpu/descriptors.h>

#define VECTORS 32

struct gate {
    u16 offset_low;
    u16 selector;
    u8 ist;
    u8 type;
    u16 offset_mid;
    u32 offset_high;
    u32 reserved;
} __attribute__((packed));
_Static_assert(sizeof(struct gate) == 16, "SDM vol. 3A, 6.14.1: a 64-bit gate has 16 bytes");

struct tss {
    u32 reserved0;
    u64 rsp[3];
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3;
    u16 io_map_base;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "SDM vol. 3A, 8.7: a 64-bit TSS has 104 bytes");

struct table_register {
    u16 limit;
    u64 base;
} __attribute__((packed));

/* #DF and NMI get stacks of their own: both may come when the current one is not to be trusted. */
enum { IST_DOUBLE_FAULT = 1, IST_NMI = 2, IST_COUNT = 2, IST_BYTES = 8192 };

extern const u64 exception_stubs[VECTORS];

static u8 ist_stacks[IST_COUNT][IST_BYTES] __attribute__((aligned(16)));
static struct tss tss;
static struct gate idt[VECTORS];
static u64 gdt[5] = {
    0, 0x00af9b000000ffffull, /* code: 64-bit, ring 0, accessed */
    0x00cf93000000ffffull,    /* data: ring 0, accessed */
};

static void tss_init(void)
{
    u64 base = (u64)&tss;
    u64 limit = sizeof(tss) - 1;

    for (int i = 0; i < IST_COUNT; i++)
        tss.ist[i] = (u64)ist_stacks[i] + IST_BYTES;
    tss.io_map_base = sizeof(tss);
    gdt[SELECTOR_TSS / 8] =
        limit | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
}

static u8 vector_ist(int vector)
{
    if (vector == 8)
        return IST_DOUBLE_FAULT;
    return vector == 2 ? IST_NMI : 0;
}

static void idt_init(void)
{
    for (int vector = 0; vector < VECTORS; vector++) {
        u64 stub = exception_stubs[vector];

        idt[vector] = (struct gate){
            .offset_low = (u16)stub,
            .selector = SELECTOR_CODE,
            .ist = vector_ist(vector),
            .type = 0x8e, /* present interrupt gate */
            .offset_mid = (u16)(stub >> 16),
            .offset_high = (u32)(stub >> 32),
        };
    }
}

void descriptors_load(void)
{
    struct table_register gdtr = {sizeof(gdt) - 1, (u64)gdt};
    struct table_register idtr = {sizeof(idt) - 1, (u64)idt};

    tss_init();
    idt_init();
    __asm__ volatile("lgdt %0\n"
                     "push %1\n"
                     "lea 1f(%%rip), %%rax\n"
                     "push %%rax\n"
                     "lretq\n"
                     "1: mov %2, %%ds\n"
                     "mov %2, %%es\n"
                     "mov %2, %%ss\n"
                     "mov %3, %%fs\n"
                     "mov %3, %%gs\n"
                     "ltr %w4\n"
                     "lidt %5\n"
                     :
                     : "m"(gdtr), "i"(SELECTOR_CODE), "r"(SELECTOR_DATA), "r"(0), "r"(SELECTOR_TSS),
                       "m"(idtr)
                     : "rax", "memory");
}

u64 descriptors_gdt_base(void)
{
    return (u64)gdt;
}

u64 descriptors_idt_base(void)
{
    return (u64)idt;
}

u64 descriptors_tss_base(void)
{
    return (u64)&tss;
}
