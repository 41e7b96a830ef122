/*
 * What the small kernels share: traps, text on COM1, and attempts. An attempt is a function that
 * may fault; its answer is the fault or what the function returned.
 */
#ifndef TESTS_GUESTS_RUNTIME_H
#define TESTS_GUESTS_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define SELECTOR_CODE   0x08
#define SELECTOR_DATA   0x10
#define SELECTOR_TSS    0x28
#define SELECTOR_TASK   0x30
#define SELECTOR_CODE16 0x38
#define SELECTOR_DATA16 0x40
#define SELECTOR_FREE   0x50 /* to 0xc8 */

extern u64 gdt[];
extern u32 tss[]; /* of the running kernel */

struct trap {
    u32 edi, esi, ebp, esp, ebx, edx, ecx, eax, ds;
    u32 vector, error, eip, cs, eflags;
};

struct answer {
    bool fault;
    u32 vector, error;
    u32 value; /* what the function returned, without a fault */
};

typedef u32 (*attempt_function)(void);

struct answer attempt(attempt_function function);
struct answer attempt_user(attempt_function function); /* in ring 3, with IOPL 0 */

enum ring { KERNEL, USER };
enum when { ALWAYS, MIRRORED, UNMIRRORED, TSC_ADJUST, X2APIC };
struct row {
    const char *name;
    attempt_function function;
    const char *expected; /* as answer_text tells it */
    enum ring ring;
    enum when when;
};

/* Makes those of the attempts that apply here, and prints "attack NAME ring=R expected=E got=G" of
 * each. Returns how many got another answer. */
u32 rows_failed(const struct row *rows, u32 count);

/* Called for vectors 1, 2 and 32 to 47 instead of ending the attempt; NULL: nothing is done, and 1
 * ends it. */
extern void (*trap_hook)(const struct trap *trap);
extern u32 traps_seen[64];

/* "#GP(0x0)", "#UD" or "0x1"; `text` has at least 24 bytes. */
void answer_text(struct answer answer, char *text);

void print(const char *text);
void print_hex(u32 value);
bool text_equal(const char *a, const char *b);

/* The kernel's own part; runs with the runtime's GDT, IDT and TSS, paging and interrupts off.
 * Returns the status to power off with. */
u32 guest_main(const char *command_line);

/* Maps [0, RAM) and the pages of the I/O and local APIC with 4 MiB pages for ring 0 and 3, and
 * turns paging on. */
void paging_start(void);
extern u32 page_directory[1024];
extern u32 ram_bytes;
#define PDE_LARGE_USER 0xe7u /* present, writable, user, accessed, dirty, 4 MiB */

u32 hypercall(u32 number, u32 first, u32 second);
_Noreturn void power_off(u32 status);

static inline void outb(u16 port, u8 value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline u8 inb(u16 port)
{
    u8 value;

    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline u64 rdmsr(u32 msr)
{
    u64 value;

    __asm__ volatile("rdmsr" : "=A"(value) : "c"(msr));
    return value;
}

static inline void wrmsr(u32 msr, u64 value)
{
    __asm__ volatile("wrmsr" : : "c"(msr), "A"(value) : "memory");
}

struct cpuid {
    u32 eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(u32 leaf, u32 subleaf)
{
    struct cpuid r;

    __asm__ volatile("cpuid"
                     : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx)
                     : "a"(leaf), "c"(subleaf));
    return r;
}

#define DEFINE_REGISTER(name)                                                                      \
    static inline u32 name##_read(void)                                                            \
    {                                                                                              \
        u32 value;                                                                                 \
        __asm__ volatile("mov %%" #name ", %0" : "=r"(value));                                     \
        return value;                                                                              \
    }                                                                                              \
    static inline void name##_write(u32 value)                                                     \
    {                                                                                              \
        __asm__ volatile("mov %0, %%" #name : : "r"(value) : "memory");                            \
    }

DEFINE_REGISTER(cr0)
DEFINE_REGISTER(cr2)
DEFINE_REGISTER(cr3)
DEFINE_REGISTER(cr4)
DEFINE_REGISTER(dr0)
DEFINE_REGISTER(dr6)
DEFINE_REGISTER(dr7)

#endif
