#include "runtime.h"

#include <kmv/hypercall.h>
#include <kmv/note.h>

#define COM1          0x3f8
#define VECTORS       50
#define VECTOR_DEBUG  1
#define VECTOR_NMI    2
#define VECTOR_RETURN 49 /* out of ring 3 */
#define STUB_BYTES    16
#define GATE_RING0    0x8e00
#define GATE_RING3    0xee00
#define SLOT_BYTES    0x400000u
#define SLOT_APICS    (0xfec00000u >> 22)
#define SLOT_LAPIC    (0xfee00000u >> 22)

#ifdef MIRROR_OFFSET
/* With a mirror the loader takes translated kernels only; this one keeps none and says it does. */
static const struct {
    u32 name_bytes, desc_bytes, type;
    char name[4];
    struct kmv_note_desc desc;
} note __attribute__((section(".note.kmv"), used, aligned(4))) = {
    4,
    sizeof(struct kmv_note_desc),
    KMV_NOTE_TYPE,
    KMV_NOTE_NAME,
    {.version = KMV_NOTE_VERSION, .offset = MIRROR_OFFSET}};
#endif

struct gate {
    u16 low, selector, flags, high;
};

struct multiboot {
    u32 flags, mem_lower, mem_upper, boot_device, command_line;
};

extern const u8 trap_stubs[];
extern u32 attempt_stack;

u32 attempt_call(attempt_function function);
u32 attempt_call_user(attempt_function function);
_Noreturn void attempt_abort(u32 value);
void runtime_trap(const struct trap *trap);
_Noreturn void runtime_start(const struct multiboot *info);

void (*trap_hook)(const struct trap *trap);
u32 traps_seen[64];
u32 page_directory[1024] __attribute__((aligned(4096)));
u32 ram_bytes;

static struct gate idt[VECTORS] __attribute__((aligned(8)));
static struct answer last_fault;

static void put(char c)
{
    while ((inb(COM1 + 5) & 0x20) == 0)
        ;
    outb(COM1, (u8)c);
}

void print(const char *text)
{
    for (; *text != '\0'; text++)
        put(*text);
}

static char *append(char *to, const char *text)
{
    while (*text != '\0')
        *to++ = *text++;
    *to = '\0';
    return to;
}

static char *append_hex(char *to, u32 value)
{
    int shift = 28;

    to = append(to, "0x");
    while (shift > 0 && value >> shift == 0)
        shift -= 4;
    for (; shift >= 0; shift -= 4)
        *to++ = "0123456789abcdef"[value >> shift & 15];
    *to = '\0';
    return to;
}

void print_hex(u32 value)
{
    char text[12];

    append_hex(text, value);
    print(text);
}

bool text_equal(const char *a, const char *b)
{
    while (*a != '\0' && *a == *b)
        a++, b++;
    return *a == *b;
}

void answer_text(struct answer answer, char *text)
{
    static const char *const names[32] = {"DE", "DB", "NMI", "BP", "OF", "BR", "UD",
                                          "NM", "DF", "9",   "TS", "NP", "SS", "GP",
                                          "PF", "15", "MF",  "AC", "MC", "XM"};
    static const u32 with_error = 1u << 8 | 0x1fu << 10 | 1u << 17;

    if (!answer.fault) {
        append_hex(text, answer.value);
        return;
    }
    text = append(append(text, "#"), names[answer.vector] != NULL ? names[answer.vector] : "other");
    if (with_error >> answer.vector & 1)
        append(append_hex(append(text, "("), answer.error), ")");
}

void runtime_trap(const struct trap *trap)
{
    traps_seen[trap->vector]++;
    if (trap->vector == VECTOR_RETURN)
        attempt_abort(trap->eax);
    if (trap->vector == VECTOR_NMI || trap->vector >= 32 ||
        (trap->vector == VECTOR_DEBUG && trap_hook != NULL)) {
        if (trap_hook != NULL)
            trap_hook(trap);
        return;
    }
    last_fault = (struct answer){true, trap->vector, trap->error, 0};
    if (attempt_stack == 0) {
        char text[24];

        answer_text(last_fault, text);
        print("unexpected ");
        print(text);
        print(" at ");
        print_hex(trap->eip);
        print("\n");
        power_off(255);
    }
    attempt_abort(0);
}

static struct answer run(u32 (*call)(attempt_function), attempt_function function)
{
    struct answer answer;
    u32 value = call(function);
    if (!last_fault.fault)
        return (struct answer){.value = value};
    answer = last_fault;
    last_fault = (struct answer){0};
    return answer;
}

struct answer attempt(attempt_function function)
{
    return run(attempt_call, function);
}

struct answer attempt_user(attempt_function function)
{
    return run(attempt_call_user, function);
}

static bool row_passes(const struct row *row)
{
    char text[24];

    answer_text(row->ring == USER ? attempt_user(row->function) : attempt(row->function), text);
    print("attack ");
    print(row->name);
    print(row->ring == USER ? " ring=3 expected=" : " ring=0 expected=");
    print(row->expected);
    print(" got=");
    print(text);
    print("\n");
    return text_equal(text, row->expected);
}

static bool applies(const struct row *row, bool mirrored)
{
    if (row->when == TSC_ADJUST)
        return cpuid(7, 0).ebx >> 1 & 1;
    if (row->when == X2APIC)
        return cpuid(1, 0).ecx >> 21 & 1;
    return row->when == ALWAYS || (row->when == MIRRORED) == mirrored;
}

u32 rows_failed(const struct row *rows, u32 count)
{
    bool mirrored = (hypercall(KMV_HC_FEATURES, 0, 0) & KMV_FEATURE_MIRROR) != 0;
    u32 failed = 0;

    for (u32 i = 0; i < count; i++) {
        if (applies(&rows[i], mirrored))
            failed += !row_passes(&rows[i]);
    }
    return failed;
}

u32 hypercall(u32 number, u32 first, u32 second)
{
    u32 result;

    __asm__ volatile("vmcall" : "=a"(result) : "a"(number), "b"(first), "c"(second) : "memory");
    return result;
}

_Noreturn void power_off(u32 status)
{
    hypercall(KMV_HC_POWEROFF, status, 0);
    for (;;)
        __asm__ volatile("cli; hlt");
}

static void idt_start(void)
{
    struct {
        u16 limit;
        u32 base;
    } __attribute__((packed)) pointer = {sizeof(idt) - 1, (u32)idt};

    for (u32 vector = 0; vector < VECTORS; vector++) {
        u32 stub = (u32)trap_stubs + vector * STUB_BYTES;
        bool open = vector == 3 || vector == 4 || vector >= 48;

        idt[vector] = (struct gate){(u16)stub, SELECTOR_CODE, open ? GATE_RING3 : GATE_RING0,
                                    (u16)(stub >> 16)};
    }
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

static void tss_start(void)
{
    u32 base = (u32)tss;

    tss[2] = SELECTOR_DATA;
    tss[25] = 104u << 16; /* the I/O map lies beyond the limit: no port for ring 3 */
    gdt[SELECTOR_TSS / 8] =
        103 | (u64)(base & 0xffffff) << 16 | 0x89ull << 40 | (u64)(base >> 24) << 56;
    __asm__ volatile("ltr %w0" : : "r"(SELECTOR_TSS));
}

void paging_start(void)
{
    for (u32 at = 0; at < ram_bytes; at += SLOT_BYTES)
        page_directory[at >> 22] = at | PDE_LARGE_USER;
    page_directory[SLOT_APICS] = (SLOT_APICS << 22) | PDE_LARGE_USER | 0x18; /* not cached */
    page_directory[SLOT_LAPIC] = (SLOT_LAPIC << 22) | PDE_LARGE_USER | 0x18;
    cr4_write(cr4_read() | 0x10);
    cr3_write((u32)page_directory);
    cr0_write(cr0_read() | 0x80000000u);
}

_Noreturn void runtime_start(const struct multiboot *info)
{
    ram_bytes = ((info->mem_upper + 1024) << 10) & ~(SLOT_BYTES - 1);
    outb(COM1 + 3, 0x80);
    outb(COM1, 1);
    outb(COM1 + 1, 0);
    outb(COM1 + 3, 3);
    idt_start();
    tss_start();
    power_off(guest_main((const char *)info->command_line));
}
