/*
 * A stand-in for the hypervisor: tells on COM2, as events of the hypervisor's log, what the loader
 * handed over and put into guest RAM, then ends with a summary. Everything it says comes through
 * relocated pointers.
 */
#include <kmv/bootinfo.h>

#include "multiboot.h"

#define COM2             0x2F8
#define LINE_STATUS      5
#define LINE_STATUS_THRE 0x20

static uint8_t line_status(void)
{
    uint8_t status = 0;
    __asm__ volatile("inb %1, %0" : "=a"(status) : "Nd"((uint16_t)(COM2 + LINE_STATUS)));
    return status;
}

static void put_char(char c)
{
    while (!(line_status() & LINE_STATUS_THRE))
        ;
    __asm__ volatile("outb %0, %1" : : "a"(c), "Nd"((uint16_t)COM2));
}

static void put(const char *text)
{
    while (*text != '\0')
        put_char(*text++);
}

static void begin(const char *event)
{
    put("seq=0 tsc=0 event=");
    put(event);
}

static void number(const char *name, uint64_t value)
{
    put(" ");
    put(name);
    put("=0x");
    for (int shift = 60; shift >= 0; shift -= 4)
        put_char("0123456789abcdef"[value >> shift & 15]);
}

static void text(const char *name, const char *value)
{
    put(" ");
    put(name);
    put("=\"");
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"')
            put_char('\\');
        put_char(*value);
    }
    put("\"");
}

static uint64_t word_at(uint64_t address)
{
    return *(const uint64_t *)address;
}

static uint64_t flags_register(void)
{
    uint64_t flags;
    __asm__ volatile("pushfq; pop %0" : "=r"(flags));
    return flags;
}

/* In .data: only a loader that relocates makes the names readable, only one that clears bss the sum
 * zero. */
static const char *const words[] = {"relocated", "image"};
static const char *const *volatile relocated = words;
static volatile uint64_t cleared[512];

static void tell_image(const struct kmv_bootinfo *info)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < sizeof(cleared) / sizeof(cleared[0]); i++)
        sum |= cleared[i];
    begin("image");
    text("word", relocated[0]);
    number("bss", sum);
    number("rflags", flags_register());
    number("here", (uint64_t)&tell_image);
    number("hv_base", info->hv_base);
    number("hv_size", info->hv_size);
    put("\n");
}

static void tell_blocks(const struct kmv_bootinfo *info)
{
    begin("blocks");
    number("heap_base", info->heap_base);
    number("heap_size", info->heap_size);
    number("guest_base", info->guest_base);
    number("guest_size", info->guest_size);
    number("mirror_base", info->mirror_base);
    number("spare_base", info->spare_base);
    number("spare_size", info->spare_size);
    number("phys_end", info->phys_end);
    number("bootinfo", (uint64_t)info);
    put("\n");
}

static void tell_machine(const struct kmv_bootinfo *info)
{
    begin("machine");
    number("magic", info->magic);
    number("version", info->version);
    number("flags", info->flags);
    number("mirror_offset", info->mirror_offset);
    number("rsdp", info->rsdp != 0 ? word_at(info->rsdp) : 0);
    number("framebuffer", info->framebuffer.base);
    number("width", info->framebuffer.width);
    number("height", info->framebuffer.height);
    number("pixels_per_line", info->framebuffer.pixels_per_line);
    number("cpu_count", info->cpu_count);
    number("ap_start", info->ap_start);
    number("cpu_apic1", info->cpu_apic[1]);
    number("bgr", info->framebuffer.pixel_is_bgr);
    put("\n");
}

static const void *guest_at(const struct kmv_bootinfo *info, uint32_t address)
{
    return (const void *)(info->guest_base + address);
}

static void tell_guest(const struct kmv_bootinfo *info)
{
    const struct multiboot_info *mbi = guest_at(info, info->guest_mbi);
    const struct multiboot_module *modules = guest_at(info, mbi->mods_addr);

    begin("guest");
    number("entry", info->guest_entry);
    number("code", word_at(info->guest_base + info->guest_entry));
    number("mbi", info->guest_mbi);
    number("mbi_flags", mbi->flags);
    number("mem_upper", mbi->mem_upper);
    number("mods_count", mbi->mods_count);
    text("cmdline", guest_at(info, mbi->cmdline));
    put("\n");
    for (uint32_t i = 0; i < mbi->mods_count; i++) {
        begin("module");
        number("start", modules[i].start);
        number("size", modules[i].end - modules[i].start);
        number("data", word_at(info->guest_base + modules[i].start));
        text("string", guest_at(info, modules[i].string));
        put("\n");
    }
}

__attribute__((noreturn)) void _start(const struct kmv_bootinfo *info);

void _start(const struct kmv_bootinfo *info)
{
    tell_image(info);
    tell_blocks(info);
    tell_machine(info);
    tell_guest(info);
    begin("summary");
    put(" status=0\n");
    for (;;)
        __asm__ volatile("cli; hlt");
}
