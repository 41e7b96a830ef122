#include <hv/cpu/descriptors.h>
#include <hv/cpu/msr.h>
#include <hv/cpu/paging.h>
#include <hv/cpu/processor.h>

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

struct table_register {
    u16 limit;
    u64 base;
} __attribute__((packed));

/* #DF and NMI get stacks of their own: both may come when the current one is not to be trusted.
 * Below each lies a page that descriptors_stacks takes away. */
enum {
    IST_DOUBLE_FAULT = 1,
    IST_NMI = 2,
    IST_COUNT = 2,
    STACK_BYTES = 8192,
    AP_STACK_BYTES = 16384
};

struct stacks {
    struct {
        u8 guard[PAGE_SIZE];
        u8 stack[STACK_BYTES];
    } ist[IST_COUNT];
    u8 guard[PAGE_SIZE];
    u8 stack[AP_STACK_BYTES]; /* the one that boots has its own (boot/entry.S) */
};

extern const u64 exception_stubs[VECTORS];

struct processor processors[KMV_CPUS_MAX];
static struct stacks boot_stacks __attribute__((aligned(4096)));
static struct stacks *stacks[KMV_CPUS_MAX] = {&boot_stacks};
static struct gate idt[VECTORS];

static void gdt_init(struct processor *processor)
{
    struct tss *tss = &processor->tss;
    u64 base = (u64)tss, limit = sizeof(*tss) - 1;

    for (int i = 0; i < IST_COUNT; i++)
        tss->ist[i] = (u64)stacks[processor->index]->ist[i].stack + STACK_BYTES;
    tss->io_map_base = sizeof(*tss);
    processor->gdt[SELECTOR_CODE / 8] = 0x00af9b000000ffffull; /* 64-bit, ring 0, accessed */
    processor->gdt[SELECTOR_DATA / 8] = 0x00cf93000000ffffull; /* ring 0, accessed */
    processor->gdt[SELECTOR_TSS / 8] =
        limit | (base & 0xffffff) << 16 | 0x89ull << 40 | (base >> 24 & 0xff) << 56;
    processor->gdt[SELECTOR_TSS / 8 + 1] = base >> 32;
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

void descriptors_load(u32 index)
{
    struct processor *processor = &processors[index];
    struct table_register gdtr = {sizeof(processor->gdt) - 1, (u64)processor->gdt};
    struct table_register idtr = {sizeof(idt) - 1, (u64)idt};

    processor->self = processor;
    processor->index = index;
    gdt_init(processor);
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
    msr_write(MSR_GS_BASE, (u64)processor);
}

int descriptors_stacks(struct frame_pool *heap, u32 index)
{
    hpa_t block;
    int error = 0;

    if (index > 0) {
        if (!frame_alloc_block(heap, sizeof(**stacks) / PAGE_SIZE, &block))
            return -HV_ENOMEM;
        stacks[index] = (struct stacks *)block.v;
    }
    for (int i = 0; i < IST_COUNT && error == 0; i++)
        error = paging_guard(heap, (u64)stacks[index]->ist[i].guard);
    return error == 0 ? paging_guard(heap, (u64)stacks[index]->guard) : error;
}

u64 descriptors_ap_stack(u32 index)
{
    return (u64)stacks[index]->stack + AP_STACK_BYTES;
}

u64 descriptors_idt_base(void)
{
    return (u64)idt;
}
