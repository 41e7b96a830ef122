/* Memory, with paging on, and pages that the processor itself reads. */
#include "attack.h"

/* Memory, with paging on. */
static void map(u32 at, u32 entry)
{
    page_directory[at >> 22] = entry;
    __asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
}
ATTEMPT(read_unmapped, return *(volatile u32 *)UNMAPPED;)
ATTEMPT(write_unmapped, *(volatile u32 *)UNMAPPED = 1;)
ATTEMPT(straddle_end, return *(volatile u32 *)(ram_bytes - 2);)
ATTEMPT(call_unmapped, ((void (*)(void))UNMAPPED)();)
ATTEMPT(call_mirror, ((void (*)(void))0x38100000u)();)
ATTEMPT(write_own_mirror, *(volatile u32 *)0x38200000u = 1;)
static u32 null_page_map(void)
{
    map(UNMAPPED, 0x400000 | (PDE_LARGE_USER & ~2u));
    return 0;
}
ATTEMPT(readonly_write, cr0_write(cr0_read() | 1u << 16); null_page_map();
        *(volatile u32 *)UNMAPPED = 1;)
ATTEMPT(readonly_mirror_write, *(volatile u32 *)(UNMAPPED + 0x38000000u) = 1;)
static u32 reserved_pde(void)
{
    map(UNMAPPED, 0x400000 | PDE_LARGE_USER | 1u << 21);
    return *(volatile u32 *)UNMAPPED;
}
static u32 table_edited(void)
{
    static u32 table[1024] __attribute__((aligned(4096)));

    for (u32 i = 0; i < 1024; i++)
        table[i] = 0x01010101;
    table[0] = 0x400007;
    map(UNMAPPED, (u32)table | 7);
    *(volatile u32 *)0x400000 = 0x1234;
    return *(volatile u32 *)UNMAPPED;
}
ATTEMPT(unmap_again, map(UNMAPPED, 0); return *(volatile u32 *)UNMAPPED;)

/* Pages that the processor itself reads go bad, after this kernel wrote their mirror once. */
static void lose(u32 address)
{
    u32 page = address & ~0xfffu;

    for (u32 at = page; at < page + 4096; at += 4)
        *(volatile u32 *)(at + 0x38000000u) = *(volatile u32 *)at;
    hypercall(KMV_HC_POISON, page, 0);
}
static u32 interrupt_through(u32 lost)
{
    u32 before = traps_seen[48];

    lose(lost);
    __asm__ volatile("int $48" : : : "memory");
    return traps_seen[48] - before;
}
static u32 table_base(bool interrupts)
{
    struct {
        u16 limit;
        u32 base;
    } __attribute__((packed)) idt, gdt;

    __asm__ volatile("sidt %0\nsgdt %1" : "=m"(idt), "=m"(gdt));
    return interrupts ? idt.base : gdt.base;
}
ATTEMPT(bad_idt, return interrupt_through(table_base(true));)
ATTEMPT(bad_gdt, return interrupt_through(table_base(false));)
ATTEMPT(bad_page_directory, lose((u32)page_directory); cr3_write(cr3_read());
        return interrupt_through((u32)page_directory);)

static const struct row rows[] = {
    {"read_unmapped", read_unmapped, "#PF(0x0)", KERNEL, ALWAYS},
    {"write_unmapped", write_unmapped, "#PF(0x2)", KERNEL, ALWAYS},
    {"read_unmapped", read_unmapped, "#PF(0x4)", USER, ALWAYS},
    {"write_unmapped", write_unmapped, "#PF(0x6)", USER, ALWAYS},
    {"straddle_end", straddle_end, "#PF(0x0)", KERNEL, ALWAYS},
    {"call_unmapped", call_unmapped, "#PF(0x0)", KERNEL, ALWAYS},
    {"call_mirror", call_mirror, "#PF(0x1)", KERNEL, MIRRORED},
    {"write_own_mirror", write_own_mirror, "0x0", KERNEL, MIRRORED},
    {"readonly_write", readonly_write, "#PF(0x3)", KERNEL, ALWAYS},
    {"readonly_mirror_write", readonly_mirror_write, "#PF(0x3)", KERNEL, MIRRORED},
    {"reserved_pde", reserved_pde, "#PF(0x9)", KERNEL, ALWAYS},
    {"table_edited", table_edited, "0x1234", KERNEL, ALWAYS},
    {"unmap_again", unmap_again, "#PF(0x0)", KERNEL, ALWAYS},
    {"bad_idt", bad_idt, "0x1", KERNEL, MIRRORED},
    {"bad_gdt", bad_gdt, "0x1", KERNEL, MIRRORED},
    {"bad_page_directory", bad_page_directory, "0x1", KERNEL, MIRRORED},
};

const struct attempts attempts_memory = {rows, COUNT(rows)};
