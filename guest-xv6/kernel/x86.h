/* Instructions that C has no words for. */
#ifndef X86_H
#define X86_H

#include <stdint.h>

static inline uint8_t inb(uint16_t port)
{
    uint8_t value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void outb(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline void outw(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

/* Reads `words` 32-bit words from a port. */
static inline void insl(uint16_t port, void *to, uint32_t words)
{
    __asm__ volatile("cld; rep insl" : "+D"(to), "+c"(words) : "d"(port) : "memory", "cc");
}

static inline void outsl(uint16_t port, const void *from, uint32_t words)
{
    __asm__ volatile("cld; rep outsl" : "+S"(from), "+c"(words) : "d"(port) : "memory", "cc");
}

static inline uint32_t xchg(volatile uint32_t *addr, uint32_t value)
{
    __asm__ volatile("lock; xchgl %0, %1" : "+m"(*addr), "+r"(value) : : "memory");
    return value;
}

static inline void cpu_relax(void)
{
    __asm__ volatile("pause");
}

static inline void cli(void)
{
    __asm__ volatile("cli" : : : "memory");
}

static inline void sti(void)
{
    __asm__ volatile("sti" : : : "memory");
}

static inline uint64_t read_tsc(void)
{
    uint64_t stamp;

    __asm__ volatile("rdtsc" : "=A"(stamp));
    return stamp;
}

/* Sleeps until an interrupt. STI takes effect after the next instruction, so no interrupt slips in
 * between (SDM volume 2, STI). */
static inline void sti_hlt(void)
{
    __asm__ volatile("sti; hlt" : : : "memory");
}

static inline uint32_t read_eflags(void)
{
    uint32_t flags;

    __asm__ volatile("pushfl; popl %0" : "=r"(flags));
    return flags;
}

static inline uint32_t read_cr0(void)
{
    uint32_t value;

    __asm__ volatile("movl %%cr0, %0" : "=r"(value));
    return value;
}

static inline void write_cr0(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr0" : : "r"(value) : "memory");
}

static inline uint32_t read_cr2(void)
{
    uint32_t value;

    __asm__ volatile("movl %%cr2, %0" : "=r"(value));
    return value;
}

static inline uint32_t read_cr3(void)
{
    uint32_t value;

    __asm__ volatile("movl %%cr3, %0" : "=r"(value));
    return value;
}

static inline void write_cr3(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr3" : : "r"(value) : "memory");
}

static inline uint32_t read_cr4(void)
{
    uint32_t value;

    __asm__ volatile("movl %%cr4, %0" : "=r"(value));
    return value;
}

static inline void write_cr4(uint32_t value)
{
    __asm__ volatile("movl %0, %%cr4" : : "r"(value) : "memory");
}

static inline void invlpg(uint32_t va)
{
    __asm__ volatile("invlpg (%0)" : : "r"(va) : "memory");
}

static inline uint64_t rdmsr(uint32_t msr)
{
    uint64_t value;

    __asm__ volatile("rdmsr" : "=A"(value) : "c"(msr));
    return value;
}

static inline void wrmsr(uint32_t msr, uint64_t value)
{
    __asm__ volatile("wrmsr" : : "A"(value), "c"(msr) : "memory");
}

struct cpuid_regs {
    uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid_regs cpuid(uint32_t leaf)
{
    struct cpuid_regs r;

    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(0));
    return r;
}

/* Loads GDTR or IDTR. `table` is the table's address, `bytes` its size. */
#define DEFINE_LOAD_TABLE(insn)                                                                    \
    static inline void insn(const volatile void *table, uint32_t bytes)                            \
    {                                                                                              \
        struct {                                                                                   \
            uint16_t limit;                                                                        \
            uint32_t base;                                                                         \
        } __attribute__((packed)) r = {(uint16_t)(bytes - 1), (uint32_t)table};                    \
                                                                                                   \
        __asm__ volatile(#insn " %0" : : "m"(r));                                                  \
    }
DEFINE_LOAD_TABLE(lgdt)
DEFINE_LOAD_TABLE(lidt)

static inline void xsetbv(uint32_t index, uint32_t low)
{
    __asm__ volatile("xsetbv" : : "c"(index), "a"(low), "d"(0) : "memory");
}

/* All components that are enabled; `area` is aligned to 64 bytes. */
static inline void xsave(void *area)
{
    __asm__ volatile("xsave (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
}

static inline void xrstor(const void *area)
{
    __asm__ volatile("xrstor (%0)" : : "r"(area), "a"(~0u), "d"(~0u) : "memory");
}

static inline void fxsave(void *area)
{
    __asm__ volatile("fxsave (%0)" : : "r"(area) : "memory");
}

static inline void fxrstor(const void *area)
{
    __asm__ volatile("fxrstor (%0)" : : "r"(area) : "memory");
}

static inline void ltr(uint16_t selector)
{
    __asm__ volatile("ltr %0" : : "r"(selector) : "memory");
}

#endif
