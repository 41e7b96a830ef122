/*
 * What a hostile kernel tries, a row an attempt: its name, what it does, the answer it has to get.
 * Prints one line a row and powers off with the number of wrong answers. An attempt that ends the
 * guest has a program of its own (stops.c).
 */
#include "runtime.h"

/* A row of one instruction that needs nothing but memory to point at. */
#define INSTRUCTION(name, text)                                                                    \
    static u32 name(void)                                                                          \
    {                                                                                              \
        static u64 operand[2];                                                                     \
        u32 eax = 0, ecx = 0, edx = 0;                                                             \
                                                                                                   \
        __asm__ volatile(text                                                                      \
                         : "+m"(operand), "+a"(eax), "+c"(ecx), "+d"(edx)                          \
                         :                                                                         \
                         : "ebx", "esi", "edi", "memory", "cc");                                   \
        return 0;                                                                                  \
    }

/* A row of one C statement; `return` gives the answer. */
#define ATTEMPT(name, body)                                                                        \
    static u32 name(void)                                                                          \
    {                                                                                              \
        body return 0;                                                                             \
    }

/* VMX is hidden, so none of its instructions exist, nor do AMD's, nor what no control backs. */
INSTRUCTION(vmxon, "vmxon %0")
INSTRUCTION(vmcall, "vmcall")
INSTRUCTION(vmxoff, "vmxoff")
INSTRUCTION(vmclear, "vmclear %0")
INSTRUCTION(vmptrld, "vmptrld %0")
INSTRUCTION(vmptrst, "vmptrst %0")
INSTRUCTION(vmread, "vmread %%eax, %%ecx")
INSTRUCTION(vmwrite, "vmwrite %%eax, %%ecx")
INSTRUCTION(vmlaunch, "vmlaunch")
INSTRUCTION(vmresume, "vmresume")
INSTRUCTION(invept, "invept %0, %%ecx")
INSTRUCTION(invvpid, "invvpid %0, %%ecx")
INSTRUCTION(vmfunc, "vmfunc")
INSTRUCTION(vmrun, ".byte 0x0f, 0x01, 0xd8")
INSTRUCTION(vmmcall, ".byte 0x0f, 0x01, 0xd9")
INSTRUCTION(getsec, ".byte 0x0f, 0x37")
INSTRUCTION(rsm, "rsm")
INSTRUCTION(encls, ".byte 0x0f, 0x01, 0xcf")
INSTRUCTION(enclu, ".byte 0x0f, 0x01, 0xd7")
INSTRUCTION(invpcid, "invpcid %0, %%ecx")
INSTRUCTION(xsaves, ".byte 0x0f, 0xc7, 0x2d\n.long 0")
INSTRUCTION(xrstors, ".byte 0x0f, 0xc7, 0x1d\n.long 0")
INSTRUCTION(rdtscp, "rdtscp")
INSTRUCTION(monitor, "monitor")
INSTRUCTION(mwait, "mwait")
INSTRUCTION(syscall_instruction, "syscall")
INSTRUCTION(swapgs_bytes, ".byte 0x0f, 0x01, 0xf8")
INSTRUCTION(ud2, "ud2")
INSTRUCTION(rdpmc, "rdpmc")
INSTRUCTION(invd, "invd")
INSTRUCTION(wbinvd, "wbinvd")
INSTRUCTION(hlt, "hlt")
INSTRUCTION(cli, "cli")
INSTRUCTION(in_delay, "inb $0x80, %%al")
INSTRUCTION(icebp, ".byte 0xf1")
INSTRUCTION(bound, ".byte 0x62, 0x05\n.long bound_limits\n.pushsection .data\nbound_limits: .long "
                   "1, 2\n.popsection")
INSTRUCTION(divide, "div %%ecx")
INSTRUCTION(into, "mov $0x7fffffff, %%eax\nadd $1, %%eax\ninto")
INSTRUCTION(rdtsc, "rdtsc")
INSTRUCTION(single_step, "pushf\norl $0x100, (%%esp)\npopf\nnop\nnop")
INSTRUCTION(lidt_user, "sidt %0\nlidt %0")
INSTRUCTION(clts, "clts")
INSTRUCTION(read_cr0, "mov %%cr0, %%eax")
INSTRUCTION(read_cr1, ".byte 0x0f, 0x20, 0xc8")
INSTRUCTION(read_cr8_lock, ".byte 0xf0, 0x0f, 0x20, 0xc0")
INSTRUCTION(write_cr5, ".byte 0x0f, 0x22, 0xe8")
INSTRUCTION(bad_selector, "mov $0x1000, %%eax\nmov %%ax, %%ds")
INSTRUCTION(load_busy_task, "mov $0x28, %%eax\nltr %%ax")

/* Hypercalls. */
#define KMV_HC_NOTE     2
#define KMV_HC_POISON   3
#define KMV_HC_COUNTERS 5
ATTEMPT(call_version, return hypercall(0, 0, 0);)
ATTEMPT(call_unknown, return hypercall(0xffffffff, 0, 0);)
ATTEMPT(call_negative, return hypercall(0x80000000, 0, 0);)
ATTEMPT(call_near, return hypercall(0x1000, 0, 0);)
ATTEMPT(note_too_long, return hypercall(KMV_HC_NOTE, 0x102000, 257);)
ATTEMPT(note_overflow, return hypercall(KMV_HC_NOTE, 0xffffff80, 256);)
ATTEMPT(note_past_end, return hypercall(KMV_HC_NOTE, ram_bytes - 8, 16);)
ATTEMPT(note_vga, return hypercall(KMV_HC_NOTE, 0x9fff8, 16);)
ATTEMPT(counters_tables, return hypercall(KMV_HC_COUNTERS, 0xe0000000, 64);)
ATTEMPT(counters_mirror, return hypercall(KMV_HC_COUNTERS, 0x38000000, 64);)
ATTEMPT(counters_lapic, return hypercall(KMV_HC_COUNTERS, 0xfee00000, 64);)
ATTEMPT(counters_straddle, return hypercall(KMV_HC_COUNTERS, ram_bytes - 4, 64);)
ATTEMPT(poison_device, return hypercall(KMV_HC_POISON, 0xfee00000, 0);)
ATTEMPT(poison_side, return hypercall(KMV_HC_POISON, 0x200000, 7);)
ATTEMPT(poison_end, return hypercall(KMV_HC_POISON, ram_bytes, 0);)

#define KMV_HC_POISON_LATER    8
#define KMV_HC_INTERRUPT_LATER 9
#define KMV_HC_LOSS_VECTOR     10
#define KMV_HC_LOST_PAGE       11
#define KMV_HC_RENEW           12
#define KMV_HC_PROTECT         13
#define KMV_HC_GIVE            14
#define KMV_HC_FAULTS          15
#define KMV_HC_SCRUB           16
ATTEMPT(give_device, return hypercall(KMV_HC_GIVE, 0xfee00000, 0);)
ATTEMPT(give_vga, return hypercall(KMV_HC_GIVE, 0xb8000, 0);)
ATTEMPT(give_mirror, return hypercall(KMV_HC_GIVE, 0x38200000, 0);)
ATTEMPT(give_end, return hypercall(KMV_HC_GIVE, ram_bytes, 0);)
ATTEMPT(loss_by_nmi, return hypercall(KMV_HC_LOSS_VECTOR, 2, 0);)
ATTEMPT(loss_by_page_fault, return hypercall(KMV_HC_LOSS_VECTOR, 14, 0);)
ATTEMPT(loss_by_interrupt, return hypercall(KMV_HC_LOSS_VECTOR, 32, 0);)
ATTEMPT(loss_wraps, return hypercall(KMV_HC_LOSS_VECTOR, 0x100 + 18, 0);)
ATTEMPT(loss_off, return hypercall(KMV_HC_LOSS_VECTOR, 0, 0);)
ATTEMPT(lost_page_none, return hypercall(KMV_HC_LOST_PAGE, 0, 0);)
/* For tests only: the product has none of these. */
ATTEMPT(poison_later, return hypercall(KMV_HC_POISON_LATER, 0x200000, 0);)
ATTEMPT(interrupt_later, return hypercall(KMV_HC_INTERRUPT_LATER, 32, 0);)
ATTEMPT(faults_planned, return hypercall(KMV_HC_FAULTS, 0x200000, 24);)
ATTEMPT(renew_good, return hypercall(KMV_HC_RENEW, 0x200000, 0);)
ATTEMPT(renew_device, return hypercall(KMV_HC_RENEW, 0xfee00000, 0);)
ATTEMPT(renew_tables, return hypercall(KMV_HC_RENEW, 0xe0000000, 0);)
static u32 protect(u32 word, u32 order)
{
    static u32 list[1];

    list[0] = word;
    return hypercall(KMV_HC_PROTECT, (u32)list, order);
}
ATTEMPT(protect_device, return protect(0xfee00000, 1);)
ATTEMPT(protect_mirror, return protect(0x38200000, 1);)
ATTEMPT(protect_vga, return protect(0x9f001, 1);)
ATTEMPT(protect_past_end, return protect((ram_bytes - 4096) | 1, 1);)
ATTEMPT(protect_wraps, return protect(0xffffffff, 1);)
ATTEMPT(protect_many, return protect(0x200000, 1025);)
ATTEMPT(protect_list_nowhere, return hypercall(KMV_HC_PROTECT, 0xfffffffc, 2);)
ATTEMPT(scrub_all, return hypercall(KMV_HC_SCRUB, 501, 0);)
ATTEMPT(scrub_negative, return hypercall(KMV_HC_SCRUB, 0xffffffff, 0);)

/* Only as many bytes as asked for may change. */
static u32 counters_exact(void)
{
    static u32 buffer[8];

    for (u32 i = 0; i < COUNT(buffer); i++)
        buffer[i] = 0xa5a5a5a5;
    hypercall(KMV_HC_COUNTERS, (u32)buffer, 12); /* one counter fits */
    for (u32 i = 2; i < COUNT(buffer); i++) {
        if (buffer[i] != 0xa5a5a5a5)
            return i;
    }
    return 0;
}

/* Control registers. */
#define CR4_VMXE    (1u << 13)
#define CR4_MCE     (1u << 6)
#define CR4_OSXSAVE (1u << 18)
ATTEMPT(cr4_vmxe_read, return cr4_read() & CR4_VMXE;)
ATTEMPT(cr4_vmxe, cr4_write(cr4_read() | CR4_VMXE);)
ATTEMPT(cr4_smxe, cr4_write(cr4_read() | 1u << 14);)
ATTEMPT(cr4_la57, cr4_write(cr4_read() | 1u << 12);)
ATTEMPT(cr4_pcide, cr4_write(cr4_read() | 1u << 17);)
ATTEMPT(cr4_pke, cr4_write(cr4_read() | 1u << 22);)
ATTEMPT(cr4_cet, cr4_write(cr4_read() | 1u << 23);)
ATTEMPT(cr4_bit19, cr4_write(cr4_read() | 1u << 19);)
ATTEMPT(cr4_bit31, cr4_write(cr4_read() | 1u << 31);)
ATTEMPT(cr4_unchanged, u32 before = cr4_read(); attempt(cr4_vmxe); return before ^ cr4_read();)
ATTEMPT(cr4_mce_off, cr4_write(cr4_read() & ~CR4_MCE); return cr4_read() & CR4_MCE;)
ATTEMPT(cr4_mce_on, cr4_write(cr4_read() | CR4_MCE); u32 seen = cr4_read() & CR4_MCE;
        cr4_write(cr4_read() & ~CR4_MCE); return seen;)
ATTEMPT(cr0_nw, cr0_write((cr0_read() | 1u << 29) & ~(1u << 30));)
ATTEMPT(cr0_pg_without_pe, cr0_write(0x80000010);)
ATTEMPT(cr0_reserved, cr0_write(cr0_read() | 1u << 6); return cr0_read() & 1u << 6;)
ATTEMPT(cr0_ne, u32 before = cr0_read(); cr0_write(before | 0x20); u32 set = cr0_read() & 0x20;
        cr0_write(before & ~0x20u); u32 cleared = cr0_read() & 0x20; cr0_write(before);
        return set | cleared << 8;)
ATTEMPT(cr3_own, return cr3_read() ^ (u32)page_directory;)

/* Extended state. */
static u32 xsetbv(u32 index, u32 low, u32 high)
{
    __asm__ volatile("xsetbv" : : "c"(index), "a"(low), "d"(high));
    return 0;
}
static u32 with_osxsave(u32 index, u32 low, u32 high)
{
    cr4_write(cr4_read() | CR4_OSXSAVE);
    return xsetbv(index, low, high);
}
ATTEMPT(xsetbv_hidden, cr4_write(cr4_read() & ~CR4_OSXSAVE); return xsetbv(0, 1, 0);)
ATTEMPT(xcr0_none, return with_osxsave(0, 0, 0);)
ATTEMPT(xcr0_avx_alone, return with_osxsave(0, 5, 0);)
ATTEMPT(xcr0_high, return with_osxsave(0, 7, 0x80000000);)
ATTEMPT(xcr1, return with_osxsave(1, 1, 0);)
ATTEMPT(xcr_huge, return with_osxsave(0xffffffff, 1, 0);)
ATTEMPT(xcr0_good, with_osxsave(0, 7, 0); u32 low; __asm__ volatile("xgetbv"
                                                                    : "=a"(low)
                                                                    : "c"(0)
                                                                    : "edx");
        return low;)
ATTEMPT(xsetbv_user, return xsetbv(0, 7, 0);)
ATTEMPT(osxsave_shown, return cpuid(1, 0).ecx & 1u << 27;)

/* Model-specific registers. */
#define MSR_APIC_BASE               0x1b
#define MSR_PAT                     0x277
#define MSR_EFER                    0xc0000080
#define READ_MSR(name, msr)         ATTEMPT(name, return (u32)rdmsr(msr);)
#define READ_MSR_HIGH(name, msr)    ATTEMPT(name, return (u32)(rdmsr(msr) >> 32);)
#define WRITE_MSR(name, msr, value) ATTEMPT(name, wrmsr(msr, value);)
READ_MSR(msr_unknown, 0x12345)
READ_MSR(msr_hyperv, 0x40000000)
READ_MSR(msr_high_unknown, 0xc0001fff)
READ_MSR(msr_beyond, 0xffffffff)
READ_MSR(feature_control, 0x3a)
WRITE_MSR(feature_control_write, 0x3a, 5)
READ_MSR(vmx_basic, 0x480)
READ_MSR(vmx_true_entry, 0x490)
READ_MSR(vmx_ept_cap, 0x48c)
WRITE_MSR(vmx_basic_write, 0x480, 0)
WRITE_MSR(microcode_update, 0x79, 0x1000)
READ_MSR_HIGH(microcode_version, 0x8b)
READ_MSR(smrr_base, 0x1f2)
READ_MSR(smm_monitor, 0x9b)
READ_MSR(smi_count, 0x34)
READ_MSR(mtrr_cap, 0xfe)
READ_MSR(mtrr_base, 0x200)
WRITE_MSR(mtrr_base_write, 0x200, 0)
WRITE_MSR(pat_bad, MSR_PAT, 2)
WRITE_MSR(efer_reserved, MSR_EFER, 1u << 1)
WRITE_MSR(efer_long_mode, MSR_EFER, 1u << 8)
READ_MSR(efer, MSR_EFER)
WRITE_MSR(lstar, 0xc0000082, 0)
WRITE_MSR(x2apic_enable, MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | 1u << 10)
WRITE_MSR(apic_on_ram, MSR_APIC_BASE, 0x100900)
WRITE_MSR(apic_off, MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) & ~0x800ull)
WRITE_MSR(apic_same, MSR_APIC_BASE, rdmsr(MSR_APIC_BASE))
READ_MSR(x2apic_id, 0x802)
WRITE_MSR(x2apic_icr, 0x830, 0xc4500)
READ_MSR(performance_counter, 0xc1)
READ_MSR(performance_global, 0x38f)
READ_MSR(debug_store, 0x600)
READ_MSR(machine_check_bank, 0x401)
READ_MSR(power_limit, 0x610)
READ_MSR(xss, 0xda0)
WRITE_MSR(smi_trigger, 0x9e, 1)
ATTEMPT(tsc_write, wrmsr(0x10, 1ull << 40); u32 high = (u32)(rdmsr(0x10) >> 32);
        return high & 0xffffff00;)
ATTEMPT(tsc_adjust, u64 before = rdmsr(0x3b); wrmsr(0x3b, before + (1ull << 40));
        u64 after = rdmsr(0x3b); wrmsr(0x3b, before); return (u32)((after - before) >> 40);)

/* CPUID. */
ATTEMPT(cpuid_vmx, return cpuid(1, 0).ecx & (1u << 5 | 1u << 6);)
ATTEMPT(cpuid_hypervisor, return cpuid(1, 0).ecx >> 31;)
ATTEMPT(cpuid_signature, return cpuid(0x40000000, 0).ebx;)
ATTEMPT(cpuid_monitor, return cpuid(1, 0).ecx & 1u << 3;)
ATTEMPT(cpuid_monitor_leaf, struct cpuid r = cpuid(5, 0); return r.eax | r.ebx | r.ecx | r.edx;)
ATTEMPT(cpuid_perfmon, struct cpuid r = cpuid(10, 0); return r.eax | r.ebx | r.ecx | r.edx;)
ATTEMPT(cpuid_invpcid, return cpuid(7, 0).ebx & (1u << 2 | 1u << 10);)
ATTEMPT(cpuid_xsaves, return cpuid(13, 1).eax & 1u << 3;)
ATTEMPT(cpuid_x2apic, return cpuid(1, 0).ecx & 1u << 21;)

/* Ports. */
static u32 in32(u16 port)
{
    u32 value;

    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}
static u32 in16(u16 port)
{
    u32 value = 0;

    __asm__ volatile("inw %1, %w0" : "+a"(value) : "Nd"(port));
    return value;
}
static void out32(u16 port, u32 value)
{
    __asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}
#define READ_PORT(name, port) ATTEMPT(name, return inb(port);)
READ_PORT(port_com2, 0x2fd)
READ_PORT(port_e9, 0xe9)
READ_PORT(port_debug, 0x402)
READ_PORT(port_bochs, 0x8900)
READ_PORT(port_dma, 0x08)
READ_PORT(port_dma_page, 0x87)
READ_PORT(port_dma16, 0xd0)
READ_PORT(port_floppy, 0x3f4)
READ_PORT(port_a20, 0x92)
READ_PORT(port_smi, 0xb2)
READ_PORT(port_fwcfg, 0x511)
READ_PORT(port_bmide, 0xc002)
READ_PORT(port_reset, 0xcf9)
ATTEMPT(port_com2_wide, return in32(0x2f8);)
ATTEMPT(port_straddle, return in16(0x3ff);)
ATTEMPT(port_wrap, return in32(0xffff);)
ATTEMPT(com2_write, for (u32 i = 0; i < 64; i++) outb(0x2f8, 'X');)
ATTEMPT(bochs_shutdown, for (const char *c = "Shutdown"; *c != '\0'; c++) outb(0x8900, (u8)*c);)
ATTEMPT(acpi_off, out32(0x604, 0x2000); out32(0xb004, 0x2000);)
ATTEMPT(a20_off, outb(0x92, 0);)
static void keyboard_send(u16 port, u8 value)
{
    while (inb(0x64) & 2)
        ;
    outb(port, value);
}
/* The keyboard controller can gate A20 for the whole machine, the hypervisor included. */
static u32 a20_is_off(void)
{
    volatile u32 *low = (u32 *)0x7000;
    volatile u32 *high = (u32 *)0x107000;
    u32 saved = *high;
    u32 off;

    *low = 0x11111111;
    *high = 0x22222222;
    off = *low != 0x11111111;
    *high = saved;
    return off;
}
ATTEMPT(a20_by_keyboard, keyboard_send(0x64, 0xd1); keyboard_send(0x60, 0xdd); return a20_is_off();)
ATTEMPT(a20_by_command, keyboard_send(0x64, 0xdd); return a20_is_off();)
static u32 out_string(u16 port, u32 count)
{
    const void *from = (void *)0x100000;

    __asm__ volatile("rep outsb" : "+S"(from), "+c"(count) : "d"(port) : "memory");
    return count;
}
static u32 in_string(u16 port, u32 count)
{
    void *to = (void *)0x300000;

    __asm__ volatile("rep insb" : "+D"(to), "+c"(count) : "d"(port) : "memory");
    return count;
}
ATTEMPT(outs_delay, return out_string(0x80, 1000000);)
ATTEMPT(outs_to_fault, const void *from = (void *)(ram_bytes - 16); u32 count = 64;
        __asm__ volatile("rep outsb"
                         : "+S"(from), "+c"(count)
                         : "d"(0x80)
                         : "memory");
        return count;)
ATTEMPT(ins_rtc, return in_string(0x71, 4096);)

/* PCI configuration: reads are answered, nothing can be changed; bus mastering is off everywhere.
 */
static u32 pci_read(u32 device, u32 offset)
{
    out32(0xcf8, 0x80000000 | device << 11 | offset);
    return in32(0xcfc);
}
static u32 pci_masters(void)
{
    u32 masters = 0;

    for (u32 device = 0; device < 32; device++) {
        bool is_bridge = pci_read(device, 8) >> 24 == 6;

        if (pci_read(device, 0) != 0xffffffff && !is_bridge)
            masters += pci_read(device, 4) >> 2 & 1;
    }
    return masters;
}
static u32 pci_enable_masters(void)
{
    for (u32 device = 0; device < 32; device++) {
        u32 command = pci_read(device, 4);

        out32(0xcfc, command | 4);
    }
    return pci_masters();
}
static u32 pci_move_bar(void)
{
    u32 before = pci_read(2, 0x10);

    out32(0xcfc, 0x00100000);
    return pci_read(2, 0x10) ^ before;
}
ATTEMPT(pci_host_bridge, return pci_read(0, 0);)

/* Memory, with paging on. */
static void map(u32 at, u32 entry)
{
    page_directory[at >> 22] = entry;
    __asm__ volatile("invlpg (%0)" : : "r"(at) : "memory");
}
#define UNMAPPED 0x30000000u
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

/* Debug registers. */
ATTEMPT(dr7_gd, dr7_write(0x2400); return dr7_read();)
ATTEMPT(dr4_with_de, cr4_write(cr4_read() | 8); __asm__ volatile(".byte 0x0f, 0x21, 0xe0"
                                                                 :
                                                                 :
                                                                 : "eax");)
ATTEMPT(dr4_without_de, cr4_write(cr4_read() & ~8u); __asm__ volatile(".byte 0x0f, 0x21, 0xe0"
                                                                      :
                                                                      :
                                                                      : "eax");)
static u32 watched;
static u32 watchpoint(void)
{
    dr0_write((u32)&watched);
    dr7_write(0xd0401); /* local 0, 4 bytes, writes */
    *(volatile u32 *)&watched = 1;
    __asm__ volatile("nop");
    return 0;
}
ATTEMPT(debug_off, dr7_write(0x400); return dr7_read();)
/* A breakpoint on MOV SS waits until the next instruction is done. */
static u32 mov_ss_watchpoint(void)
{
    static u16 selector = SELECTOR_DATA;

    dr0_write((u32)&selector);
    dr7_write(0x70401); /* local 0, 2 bytes, reads and writes */
    __asm__ volatile("mov %0, %%ss\nnop\nnop" : : "m"(selector));
    return 0;
}

/* Events. */
static u32 interrupt_storm(void)
{
    u32 before = traps_seen[48];

    for (u32 i = 0; i < 20000; i++)
        __asm__ volatile("int $48");
    return traps_seen[48] - before;
}
static u32 fault_storm(void)
{
    u32 faults = 0;

    for (u32 i = 0; i < 5000; i++)
        faults += attempt(ud2).vector == 6;
    return faults;
}
static volatile u32 *const lapic = (u32 *)0xfee00000;
static u32 nmi_to_self(void)
{
    u32 before = traps_seen[2];

    for (u32 i = 0; i < 3; i++) {
        lapic[0x310 / 4] = lapic[0x20 / 4];
        lapic[0x300 / 4] = 0x4400; /* NMI, physical destination, assert */
        for (volatile u32 wait = 0; wait < 20000; wait++)
            ;
    }
    return traps_seen[2] - before;
}
ATTEMPT(software_nmi, u32 before = traps_seen[2]; __asm__ volatile("int $2");
        return traps_seen[2] - before;)
ATTEMPT(software_mc, __asm__ volatile("int $18");)
ATTEMPT(interrupt_from_user, __asm__ volatile("int $32");)
ATTEMPT(interrupt_beyond_idt, __asm__ volatile("int $200");)
static u32 misaligned(void)
{
    u32 value;

    __asm__ volatile("pushf\norl $0x40000, (%%esp)\npopf\nmov 1(%%esp), %0" : "=r"(value));
    return value;
}
ATTEMPT(tsd_on, cr4_write(cr4_read() | 4);)
ATTEMPT(tsd_off, cr4_write(cr4_read() & ~4u);)
ATTEMPT(alignment_on, cr0_write(cr0_read() | 1u << 18);)
static u32 timer_interrupts;
static void count_interrupt(const struct trap *trap)
{
    timer_interrupts += trap->vector == 32;
    outb(0x20, 0x20);
}
static u32 timer_wakes(void)
{
    static const u8 setup[][2] = {{0x20, 0x11}, {0x21, 32},   {0x21, 4}, {0x21, 1},
                                  {0x21, 0xfe}, {0x43, 0x34}, {0x40, 0}, {0x40, 16}};

    for (u32 i = 0; i < COUNT(setup); i++)
        outb(setup[i][0], setup[i][1]);
    timer_interrupts = 0;
    trap_hook = count_interrupt;
    while (timer_interrupts < 3)
        __asm__ volatile("sti; hlt; cli");
    trap_hook = NULL;
    outb(0x21, 0xff);
    return timer_interrupts;
}
/* Maps of windows that lie: interrupts still arrive, and debug registers are as they were. */
#define KMV_HC_WINDOWS 7
static u32 lying_map[3 + 8192 / 4] __attribute__((aligned(4096)));
static u32 with_windows(u32 maps)
{
    u32 ticks;

    dr0_write(0x1234);
    hypercall(KMV_HC_WINDOWS, maps, 0);
    ticks = timer_wakes();
    hypercall(KMV_HC_WINDOWS, 0, 0);
    return dr0_read() == 0x1234 && ticks >= 3;
}
ATTEMPT(windows_misaligned, return hypercall(KMV_HC_WINDOWS, 0x102002, 0);)
ATTEMPT(windows_nowhere, return with_windows(UNMAPPED);)
ATTEMPT(windows_end, return with_windows(0xfffffffc);)
static u32 windows_everywhere(void)
{
    static u32 maps[2];

    maps[0] = maps[1] = (u32)lying_map;
    for (u32 i = 0; i < COUNT(lying_map); i++)
        lying_map[i] = 0xffffffff;
    lying_map[0] = 0x574d564b;
    lying_map[1] = 0x100000;
    return with_windows((u32)maps);
}
static u32 windows_wrapping(void)
{
    static u32 maps[2];

    maps[0] = maps[1] = 0xfffffff0;
    return with_windows((u32)maps);
}
static u32 virtual_8086(void)
{
    /* GS, FS, DS, ES, SS, ESP, EFLAGS with VM, CS, EIP: 16-bit code at 0x7000 */
    *(volatile u32 *)0x7000 = 0x90f490f4; /* hlt, nop, hlt, nop */
    __asm__ volatile("mov %%esp, tss + 4\n"
                     "push $0\npush $0\npush $0\npush $0\npush $0x600\npush $0xff0\n"
                     "push $0x20002\npush $0x700\npush $0\niret"
                     :
                     :
                     : "memory");
    return 0;
}

static const struct row rows[] = {
    /* VMX instructions and relatives */
    {"vmxon", vmxon, "#UD", KERNEL, ALWAYS},
    {"vmxoff", vmxoff, "#UD", KERNEL, ALWAYS},
    {"vmclear", vmclear, "#UD", KERNEL, ALWAYS},
    {"vmptrld", vmptrld, "#UD", KERNEL, ALWAYS},
    {"vmptrst", vmptrst, "#UD", KERNEL, ALWAYS},
    {"vmread", vmread, "#UD", KERNEL, ALWAYS},
    {"vmwrite", vmwrite, "#UD", KERNEL, ALWAYS},
    {"vmlaunch", vmlaunch, "#UD", KERNEL, ALWAYS},
    {"vmresume", vmresume, "#UD", KERNEL, ALWAYS},
    {"invept", invept, "#UD", KERNEL, ALWAYS},
    {"invvpid", invvpid, "#UD", KERNEL, ALWAYS},
    {"vmfunc", vmfunc, "#UD", KERNEL, ALWAYS},
    {"vmrun", vmrun, "#UD", KERNEL, ALWAYS},
    {"vmmcall", vmmcall, "#UD", KERNEL, ALWAYS},
    {"getsec", getsec, "#UD", KERNEL, ALWAYS},
    {"rsm", rsm, "#UD", KERNEL, ALWAYS},
    {"encls", encls, "#UD", KERNEL, ALWAYS},
    {"enclu", enclu, "#UD", KERNEL, ALWAYS},
    {"invpcid", invpcid, "#UD", KERNEL, ALWAYS},
    {"xsaves", xsaves, "#UD", KERNEL, ALWAYS},
    {"xrstors", xrstors, "#UD", KERNEL, ALWAYS},
    {"rdtscp", rdtscp, "#UD", KERNEL, ALWAYS},
    {"monitor", monitor, "#UD", KERNEL, ALWAYS},
    {"mwait", mwait, "#UD", KERNEL, ALWAYS},
    {"syscall_instruction", syscall_instruction, "#UD", KERNEL, MIRRORED},
    {"swapgs_bytes", swapgs_bytes, "#UD", KERNEL, ALWAYS},
    {"ud2", ud2, "#UD", KERNEL, ALWAYS},
    {"vmxon", vmxon, "#UD", USER, ALWAYS},
    {"vmread", vmread, "#UD", USER, ALWAYS},
    {"vmlaunch", vmlaunch, "#UD", USER, ALWAYS},
    {"invept", invept, "#UD", USER, ALWAYS},
    {"vmcall", vmcall, "#UD", USER, ALWAYS},
    {"mwait", mwait, "#UD", USER, ALWAYS},
    {"rdpmc", rdpmc, "#GP(0x0)", KERNEL, ALWAYS},
    {"rdpmc", rdpmc, "#GP(0x0)", USER, ALWAYS},
    {"invd", invd, "0x0", KERNEL, ALWAYS},
    {"wbinvd", wbinvd, "0x0", KERNEL, ALWAYS},
    {"invd", invd, "#GP(0x0)", USER, ALWAYS},
    {"hlt", hlt, "#GP(0x0)", USER, ALWAYS},
    {"cli", cli, "#GP(0x0)", USER, ALWAYS},
    {"in_delay", in_delay, "#GP(0x0)", USER, ALWAYS},
    {"clts", clts, "#GP(0x0)", USER, ALWAYS},
    {"read_cr0", read_cr0, "#GP(0x0)", USER, ALWAYS},
    {"lidt_user", lidt_user, "#GP(0x0)", USER, ALWAYS},
    {"read_cr1", read_cr1, "#UD", KERNEL, ALWAYS},
    {"read_cr8_lock", read_cr8_lock, "#UD", KERNEL, ALWAYS},
    {"write_cr5", write_cr5, "#UD", KERNEL, ALWAYS},
    /* hypercalls */
    {"call_version", call_version, "0x1", KERNEL, ALWAYS},
    {"call_unknown", call_unknown, "0xffffffda", KERNEL, ALWAYS},
    {"call_negative", call_negative, "0xffffffda", KERNEL, ALWAYS},
    {"call_near", call_near, "0xffffffda", KERNEL, ALWAYS},
    {"note_too_long", note_too_long, "0xffffffea", KERNEL, ALWAYS},
    {"note_overflow", note_overflow, "0xfffffff2", KERNEL, ALWAYS},
    {"note_past_end", note_past_end, "0xfffffff2", KERNEL, ALWAYS},
    {"note_vga", note_vga, "0xfffffff2", KERNEL, ALWAYS},
    {"counters_tables", counters_tables, "0xfffffff2", KERNEL, ALWAYS},
    {"counters_mirror", counters_mirror, "0xfffffff2", KERNEL, ALWAYS},
    {"counters_lapic", counters_lapic, "0xfffffff2", KERNEL, ALWAYS},
    {"counters_straddle", counters_straddle, "0xfffffff2", KERNEL, ALWAYS},
    {"counters_exact", counters_exact, "0x0", KERNEL, ALWAYS},
    {"poison_device", poison_device, "0xffffffea", KERNEL, ALWAYS},
    {"poison_side", poison_side, "0xffffffea", KERNEL, ALWAYS},
    {"poison_end", poison_end, "0xffffffea", KERNEL, ALWAYS},
    {"loss_by_nmi", loss_by_nmi, "0xffffffea", KERNEL, ALWAYS},
    {"loss_by_page_fault", loss_by_page_fault, "0xffffffea", KERNEL, ALWAYS},
    {"loss_by_interrupt", loss_by_interrupt, "0xffffffea", KERNEL, ALWAYS},
    {"loss_wraps", loss_wraps, "0xffffffea", KERNEL, ALWAYS},
    {"loss_off", loss_off, "0x0", KERNEL, ALWAYS},
    {"lost_page_none", lost_page_none, "0xfffffffe", KERNEL, ALWAYS},
    {"poison_later", poison_later, "0xffffffda", KERNEL, MIRRORED},
    {"interrupt_later", interrupt_later, "0xffffffda", KERNEL, MIRRORED},
    {"faults_planned", faults_planned, "0xffffffda", KERNEL, MIRRORED},
    {"renew_good", renew_good, "0xffffffea", KERNEL, ALWAYS},
    {"renew_device", renew_device, "0xffffffea", KERNEL, ALWAYS},
    {"renew_tables", renew_tables, "0xffffffea", KERNEL, ALWAYS},
    {"give_device", give_device, "0xffffffea", KERNEL, ALWAYS},
    {"give_vga", give_vga, "0xffffffea", KERNEL, ALWAYS},
    {"give_mirror", give_mirror, "0xffffffea", KERNEL, ALWAYS},
    {"give_end", give_end, "0xffffffea", KERNEL, ALWAYS},
    {"protect_device", protect_device, "0xffffffea", KERNEL, MIRRORED},
    {"protect_mirror", protect_mirror, "0xffffffea", KERNEL, MIRRORED},
    {"protect_vga", protect_vga, "0xffffffea", KERNEL, MIRRORED},
    {"protect_past_end", protect_past_end, "0xffffffea", KERNEL, MIRRORED},
    {"protect_wraps", protect_wraps, "0xffffffea", KERNEL, MIRRORED},
    {"protect_many", protect_many, "0xffffffea", KERNEL, MIRRORED},
    {"protect_list_nowhere", protect_list_nowhere, "0xfffffff2", KERNEL, MIRRORED},
    {"protect_many", protect_many, "0xffffffa1", KERNEL, UNMIRRORED},
    {"scrub_all", scrub_all, "0xffffffea", KERNEL, MIRRORED},
    {"scrub_negative", scrub_negative, "0xffffffea", KERNEL, MIRRORED},
    {"scrub_all", scrub_all, "0xffffffa1", KERNEL, UNMIRRORED},
    /* control registers */
    {"cr4_vmxe_read", cr4_vmxe_read, "0x0", KERNEL, ALWAYS},
    {"cr4_vmxe", cr4_vmxe, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_smxe", cr4_smxe, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_la57", cr4_la57, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_pcide", cr4_pcide, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_pke", cr4_pke, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_cet", cr4_cet, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_bit19", cr4_bit19, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_bit31", cr4_bit31, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr4_unchanged", cr4_unchanged, "0x0", KERNEL, ALWAYS},
    {"cr4_mce_off", cr4_mce_off, "0x0", KERNEL, ALWAYS},
    {"cr4_mce_on", cr4_mce_on, "0x40", KERNEL, ALWAYS},
    {"cr0_nw", cr0_nw, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr0_pg_without_pe", cr0_pg_without_pe, "#GP(0x0)", KERNEL, ALWAYS},
    {"cr0_reserved", cr0_reserved, "0x0", KERNEL, ALWAYS},
    {"cr0_ne", cr0_ne, "0x20", KERNEL, ALWAYS},
    {"cr3_own", cr3_own, "0x0", KERNEL, ALWAYS},
    /* extended state */
    {"xsetbv_hidden", xsetbv_hidden, "#UD", KERNEL, ALWAYS},
    {"xcr0_none", xcr0_none, "#GP(0x0)", KERNEL, ALWAYS},
    {"xcr0_avx_alone", xcr0_avx_alone, "#GP(0x0)", KERNEL, ALWAYS},
    {"xcr0_high", xcr0_high, "#GP(0x0)", KERNEL, ALWAYS},
    {"xcr1", xcr1, "#GP(0x0)", KERNEL, ALWAYS},
    {"xcr_huge", xcr_huge, "#GP(0x0)", KERNEL, ALWAYS},
    {"xcr0_good", xcr0_good, "0x7", KERNEL, ALWAYS},
    {"xsetbv_user", xsetbv_user, "#GP(0x0)", USER, ALWAYS},
    {"osxsave_shown", osxsave_shown, "0x8000000", KERNEL, ALWAYS},
    /* MSRs */
    {"msr_unknown", msr_unknown, "#GP(0x0)", KERNEL, ALWAYS},
    {"msr_hyperv", msr_hyperv, "#GP(0x0)", KERNEL, ALWAYS},
    {"msr_high_unknown", msr_high_unknown, "#GP(0x0)", KERNEL, ALWAYS},
    {"msr_beyond", msr_beyond, "#GP(0x0)", KERNEL, ALWAYS},
    {"msr_unknown", msr_unknown, "#GP(0x0)", USER, ALWAYS},
    {"feature_control", feature_control, "0x1", KERNEL, ALWAYS},
    {"feature_control_write", feature_control_write, "#GP(0x0)", KERNEL, ALWAYS},
    {"vmx_basic", vmx_basic, "#GP(0x0)", KERNEL, ALWAYS},
    {"vmx_true_entry", vmx_true_entry, "#GP(0x0)", KERNEL, ALWAYS},
    {"vmx_ept_cap", vmx_ept_cap, "#GP(0x0)", KERNEL, ALWAYS},
    {"vmx_basic_write", vmx_basic_write, "#GP(0x0)", KERNEL, ALWAYS},
    {"microcode_update", microcode_update, "0x0", KERNEL, ALWAYS},
    {"microcode_version", microcode_version, "0xffffffff", KERNEL, ALWAYS},
    {"smrr_base", smrr_base, "#GP(0x0)", KERNEL, ALWAYS},
    {"smm_monitor", smm_monitor, "#GP(0x0)", KERNEL, ALWAYS},
    {"smi_count", smi_count, "#GP(0x0)", KERNEL, ALWAYS},
    {"mtrr_cap", mtrr_cap, "0x0", KERNEL, ALWAYS},
    {"mtrr_base", mtrr_base, "#GP(0x0)", KERNEL, ALWAYS},
    {"mtrr_base_write", mtrr_base_write, "#GP(0x0)", KERNEL, ALWAYS},
    {"pat_bad", pat_bad, "#GP(0x0)", KERNEL, ALWAYS},
    {"efer_reserved", efer_reserved, "#GP(0x0)", KERNEL, ALWAYS},
    {"efer_long_mode", efer_long_mode, "#GP(0x0)", KERNEL, MIRRORED},
    {"efer", efer, "0x0", KERNEL, MIRRORED},
    {"lstar", lstar, "#GP(0x0)", KERNEL, MIRRORED},
    {"x2apic_enable", x2apic_enable, "#GP(0x0)", KERNEL, ALWAYS},
    {"apic_on_ram", apic_on_ram, "#GP(0x0)", KERNEL, ALWAYS},
    {"apic_off", apic_off, "#GP(0x0)", KERNEL, ALWAYS},
    {"apic_same", apic_same, "0x0", KERNEL, ALWAYS},
    {"x2apic_id", x2apic_id, "#GP(0x0)", KERNEL, ALWAYS},
    {"x2apic_icr", x2apic_icr, "#GP(0x0)", KERNEL, ALWAYS},
    {"performance_counter", performance_counter, "#GP(0x0)", KERNEL, ALWAYS},
    {"performance_global", performance_global, "#GP(0x0)", KERNEL, ALWAYS},
    {"debug_store", debug_store, "#GP(0x0)", KERNEL, ALWAYS},
    {"machine_check_bank", machine_check_bank, "#GP(0x0)", KERNEL, ALWAYS},
    {"power_limit", power_limit, "#GP(0x0)", KERNEL, ALWAYS},
    {"xss", xss, "#GP(0x0)", KERNEL, ALWAYS},
    {"smi_trigger", smi_trigger, "#GP(0x0)", KERNEL, ALWAYS},
    {"tsc_write", tsc_write, "0x100", KERNEL, ALWAYS},
    {"tsc_adjust", tsc_adjust, "0x1", KERNEL, TSC_ADJUST},
    /* CPUID */
    {"cpuid_vmx", cpuid_vmx, "0x0", KERNEL, ALWAYS},
    {"cpuid_hypervisor", cpuid_hypervisor, "0x1", KERNEL, ALWAYS},
    {"cpuid_signature", cpuid_signature, "0x4d454d4b", KERNEL, ALWAYS},
    {"cpuid_monitor", cpuid_monitor, "0x0", KERNEL, ALWAYS},
    {"cpuid_monitor_leaf", cpuid_monitor_leaf, "0x0", KERNEL, ALWAYS},
    {"cpuid_perfmon", cpuid_perfmon, "0x0", KERNEL, ALWAYS},
    {"cpuid_invpcid", cpuid_invpcid, "0x0", KERNEL, ALWAYS},
    {"cpuid_xsaves", cpuid_xsaves, "0x0", KERNEL, ALWAYS},
    {"cpuid_x2apic", cpuid_x2apic, "0x0", KERNEL, ALWAYS},
    /* ports */
    {"port_com2", port_com2, "0xff", KERNEL, ALWAYS},
    {"port_e9", port_e9, "0xff", KERNEL, ALWAYS},
    {"port_debug", port_debug, "0xff", KERNEL, ALWAYS},
    {"port_bochs", port_bochs, "0xff", KERNEL, ALWAYS},
    {"port_dma", port_dma, "0xff", KERNEL, ALWAYS},
    {"port_dma_page", port_dma_page, "0xff", KERNEL, ALWAYS},
    {"port_dma16", port_dma16, "0xff", KERNEL, ALWAYS},
    {"port_floppy", port_floppy, "0xff", KERNEL, ALWAYS},
    {"port_a20", port_a20, "0xff", KERNEL, ALWAYS},
    {"port_smi", port_smi, "0xff", KERNEL, ALWAYS},
    {"port_fwcfg", port_fwcfg, "0xff", KERNEL, ALWAYS},
    {"port_bmide", port_bmide, "0xff", KERNEL, ALWAYS},
    {"port_reset", port_reset, "0xff", KERNEL, ALWAYS},
    {"port_com2_wide", port_com2_wide, "0xffffffff", KERNEL, ALWAYS},
    {"port_straddle", port_straddle, "0xffff", KERNEL, ALWAYS},
    {"port_wrap", port_wrap, "0xffffffff", KERNEL, ALWAYS},
    {"com2_write", com2_write, "0x0", KERNEL, ALWAYS},
    {"bochs_shutdown", bochs_shutdown, "0x0", KERNEL, ALWAYS},
    {"acpi_off", acpi_off, "0x0", KERNEL, ALWAYS},
    {"a20_off", a20_off, "0x0", KERNEL, ALWAYS},
    {"a20_by_keyboard", a20_by_keyboard, "0x0", KERNEL, ALWAYS},
    {"a20_by_command", a20_by_command, "0x0", KERNEL, ALWAYS},
    {"outs_delay", outs_delay, "0x0", KERNEL, ALWAYS},
    {"outs_to_fault", outs_to_fault, "#PF(0x0)", KERNEL, ALWAYS},
    {"ins_rtc", ins_rtc, "0x0", KERNEL, ALWAYS},
    {"pci_host_bridge", pci_host_bridge, "0x12378086", KERNEL, ALWAYS},
    {"pci_masters", pci_masters, "0x0", KERNEL, ALWAYS},
    {"pci_enable_masters", pci_enable_masters, "0x0", KERNEL, ALWAYS},
    {"pci_move_bar", pci_move_bar, "0x0", KERNEL, ALWAYS},
    /* memory */
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
    /* debugging */
    {"icebp", icebp, "#DB", KERNEL, ALWAYS},
    {"single_step", single_step, "#DB", KERNEL, ALWAYS},
    {"watchpoint", watchpoint, "#DB", KERNEL, ALWAYS},
    {"debug_off", debug_off, "0x400", KERNEL, ALWAYS},
    {"dr7_gd", dr7_gd, "#DB", KERNEL, ALWAYS},
    {"debug_off", debug_off, "0x400", KERNEL, ALWAYS},
    {"dr4_with_de", dr4_with_de, "#UD", KERNEL, ALWAYS},
    {"dr4_without_de", dr4_without_de, "0x0", KERNEL, ALWAYS},
    {"mov_ss_watchpoint", mov_ss_watchpoint, "#DB", KERNEL, ALWAYS},
    {"debug_off", debug_off, "0x400", KERNEL, ALWAYS},
    /* exceptions and events */
    {"bound", bound, "#BR", KERNEL, ALWAYS},
    {"divide", divide, "#DE", KERNEL, ALWAYS},
    {"into", into, "#OF", KERNEL, ALWAYS},
    {"bad_selector", bad_selector, "#GP(0x1000)", KERNEL, ALWAYS},
    {"load_busy_task", load_busy_task, "#GP(0x28)", KERNEL, ALWAYS},
    {"tsd_on", tsd_on, "0x0", KERNEL, ALWAYS},
    {"rdtsc", rdtsc, "#GP(0x0)", USER, ALWAYS},
    {"tsd_off", tsd_off, "0x0", KERNEL, ALWAYS},
    {"rdtsc", rdtsc, "0x0", USER, ALWAYS},
    {"alignment_on", alignment_on, "0x0", KERNEL, ALWAYS},
    {"misaligned", misaligned, "#AC(0x0)", USER, ALWAYS},
    {"bad_idt", bad_idt, "0x1", KERNEL, MIRRORED},
    {"bad_gdt", bad_gdt, "0x1", KERNEL, MIRRORED},
    {"bad_page_directory", bad_page_directory, "0x1", KERNEL, MIRRORED},
    {"interrupt_storm", interrupt_storm, "0x4e20", KERNEL, ALWAYS},
    {"fault_storm", fault_storm, "0x1388", KERNEL, ALWAYS},
    {"nmi_to_self", nmi_to_self, "0x3", KERNEL, ALWAYS},
    {"software_nmi", software_nmi, "0x1", KERNEL, ALWAYS},
    {"software_mc", software_mc, "#MC", KERNEL, ALWAYS},
    {"interrupt_from_user", interrupt_from_user, "#GP(0x102)", USER, ALWAYS},
    {"interrupt_beyond_idt", interrupt_beyond_idt, "#GP(0x642)", KERNEL, ALWAYS},
    {"windows_misaligned", windows_misaligned, "0xffffffea", KERNEL, MIRRORED},
    {"windows_nowhere", windows_nowhere, "0x1", KERNEL, MIRRORED},
    {"windows_end", windows_end, "0x1", KERNEL, MIRRORED},
    {"windows_everywhere", windows_everywhere, "0x1", KERNEL, MIRRORED},
    {"windows_wrapping", windows_wrapping, "0x1", KERNEL, MIRRORED},
    {"virtual_8086", virtual_8086, "#GP(0x0)", KERNEL, ALWAYS},
    {"timer_wakes", timer_wakes, "0x3", KERNEL, ALWAYS},
};

static bool applies(const struct row *row, bool mirrored)
{
    if (row->when == TSC_ADJUST)
        return cpuid(7, 0).ebx >> 1 & 1;
    return row->when == ALWAYS || (row->when == MIRRORED) == mirrored;
}

u32 guest_main(const char *command_line)
{
    bool mirrored = (hypercall(1, 0, 0) & 1) != 0;
    u32 wrong = 0;

    (void)command_line;
    paging_start();
    for (u32 i = 0; i < COUNT(rows); i++) {
        if (applies(&rows[i], mirrored))
            wrong += !row_passes(&rows[i]);
    }
    return wrong < 250 ? wrong : 250;
}
