/* Physical memory, the recorder of entry stores, and the log. */
#include "machine.h"
#include "testing.h"

#include <hv/cpu/extable.h>
#include <hv/log/log.h>
#include <hv/mm/entry.h>
#include <hv/mm/phys.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *   ARENA_BASE  image | heap | spare | guest block | mirror block, or in another order
 */
#define ARENA_BASE (1ull << 32)
#define HV_BYTES   (64 * 1024)

const struct machine_config machine_default = {
    .ram_bytes = 8 * MIB,
    .heap_bytes = 4 * MIB,
    .spare_bytes = 256 * 1024,
    .offset = KMV_OFFSET_DEFAULT,
    .mirrored = true,
};

struct vm vm;
struct kmv_bootinfo boot;
void (*machine_after_store64)(const u64 *entry, u64 old, u64 value);

/* Kept from machine to machine: tests start thousands. */
static u8 *arena;
static u64 arena_bytes, arena_room;

void *phys_ptr(hpa_t hpa)
{
    assert_true(hpa.v >= ARENA_BASE && hpa.v < ARENA_BASE + arena_bytes);
    return arena + (hpa.v - ARENA_BASE);
}

/* The CPU reaches devices too; the hypervisor has no business there. Here they are one page that
 * stays zero. */
static u8 device_page[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));

void *machine_memory(u64 hpa)
{
    if (hpa >= ARENA_BASE)
        return phys_ptr(HPA(hpa));
    memset(device_page, 0, sizeof(device_page));
    return device_page + (hpa & PAGE_MASK);
}

/* Reads of memory meet no machine check but the one that a test wants. */
u32 machine_check_in;

bool extable_take(enum extable_kind kind)
{
    return kind == EXTABLE_MACHINE_CHECK && machine_check_in > 0 && --machine_check_in == 0;
}

static u64 large_align(u64 value)
{
    return (value + LARGE_PAGE_MASK) & ~LARGE_PAGE_MASK;
}

struct block {
    uint64_t *base;
    u64 bytes, align;
};

/* The order-th permutation: each digit of a number to factorial base takes one of what is left. */
static void permute(struct block *blocks, u32 count, u32 order)
{
    for (u32 i = 0; i < count; i++) {
        u32 taken = i + order % (count - i);
        struct block block = blocks[taken];

        order /= count - i;
        memmove(&blocks[i + 1], &blocks[i], (taken - i) * sizeof(block));
        blocks[i] = block;
    }
}

static void lay_out(const struct machine_config *config)
{
    struct block blocks[] = {{&boot.hv_base, HV_BYTES, PAGE_SIZE},
                             {&boot.heap_base, config->heap_bytes, PAGE_SIZE},
                             {&boot.spare_base, config->spare_bytes, PAGE_SIZE},
                             {&boot.guest_base, config->ram_bytes, LARGE_PAGE_SIZE},
                             {&boot.mirror_base, config->ram_bytes, LARGE_PAGE_SIZE}};
    u64 at = ARENA_BASE;

    boot = (struct kmv_bootinfo){.magic = KMV_BOOTINFO_MAGIC, .version = KMV_BOOTINFO_VERSION};
    boot.flags = config->mirrored ? KMV_BOOT_MIRROR : 0;
    boot.mirror_offset = config->offset;
    boot.hv_size = HV_BYTES;
    boot.heap_size = config->heap_bytes;
    boot.spare_size = config->spare_bytes;
    boot.guest_size = config->ram_bytes;
    permute(blocks, ARRAY_LEN(blocks), config->order);
    for (u32 i = 0; i < ARRAY_LEN(blocks); i++) {
        at = (at + blocks[i].align - 1) & ~(blocks[i].align - 1);
        *blocks[i].base = at;
        at += blocks[i].bytes + config->gap_bytes;
    }
    arena_bytes = large_align(at) - ARENA_BASE;
}

void machine_fill(u8 *ram, u64 bytes)
{
    for (u64 i = 0; i < bytes / sizeof(u32); i++)
        ((u32 *)ram)[i] = MACHINE_WORD(i);
}

void machine_start_with(const struct machine_config *config, void (*fill)(u8 *ram, u64 bytes))
{
    lay_out(config);
    machine_after_store64 = NULL;
    if (arena_bytes > arena_room) {
        free(arena);
        arena_room = large_align(arena_bytes);
        arena = aligned_alloc(LARGE_PAGE_SIZE, arena_room);
        assert_non_null(arena);
    }
    memset(arena, 0xa5, arena_bytes);
    memset(machine_memory(boot.guest_base), 0, boot.guest_size);
    if (fill != NULL)
        fill(machine_memory(boot.guest_base), boot.guest_size);
    log_forget();
    assert_int_equal(vm_init(&vm, &boot), 0);
    cpu_reset();
}

void machine_start(const struct machine_config *config)
{
    machine_start_with(config, NULL);
}

void machine_stop(void)
{
    arena_bytes = 0; /* nothing is there any more */
}

void entry_store64(u64 *entry, u64 value)
{
    u64 old = *entry;

    assert_int_equal((uintptr_t)entry % sizeof(*entry), 0);
    /* Write without read is a misconfiguration. */
    assert_true((value & EPT_READ) || !(value & EPT_WRITE));
    *entry = value;
    if (machine_after_store64 != NULL)
        machine_after_store64(entry, old, value);
}

void entry_store32(u32 *entry, u32 value)
{
    assert_int_equal((uintptr_t)entry % sizeof(*entry), 0);
    *entry = value;
}

#define LOG_LINES 4096
static struct {
    char event[32];
    char text[256];
} lines[LOG_LINES];
static unsigned line_count;

void log_forget(void)
{
    line_count = 0;
}

void log_event(const char *event, const char *format, ...)
{
    va_list values;

    if (line_count == LOG_LINES)
        line_count = 0;
    snprintf(lines[line_count].event, sizeof(lines[0].event), "%s", event);
    va_start(values, format);
    vsnprintf(lines[line_count].text, sizeof(lines[0].text), format, values);
    va_end(values);
    line_count++;
}

unsigned log_count(const char *event)
{
    unsigned count = 0;

    for (unsigned i = 0; i < line_count; i++)
        count += strcmp(lines[i].event, event) == 0;
    return count;
}

const char *log_last(const char *event)
{
    for (unsigned i = line_count; i-- > 0;) {
        if (strcmp(lines[i].event, event) == 0)
            return lines[i].text;
    }
    return "";
}

int machine_setup(void **state)
{
    (void)state;
    machine_start(&machine_default);
    return 0;
}

int machine_teardown(void **state)
{
    (void)state;
    machine_stop();
    return 0;
}
