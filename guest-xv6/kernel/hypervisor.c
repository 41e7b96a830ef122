#include "hypervisor.h"

#include "console.h"
#include "kmv/hypercall.h"
#include "x86.h"

#ifndef KMV_OFFSET
#error "KMV_OFFSET: the OFFSET that this kernel's programs are translated for"
#endif

#define CPUID_ECX_HYPERVISOR (1u << 31)
#define LEAF_HYPERVISOR      0x40000000u

/* "KMEMVISORKMV" */
#define SIGNATURE_EBX 0x4D454D4Bu
#define SIGNATURE_ECX 0x4F534956u
#define SIGNATURE_EDX 0x564D4B52u

extern const char text_end[]; /* kernel.ld */

static bool have_hypervisor;
static uint32_t features;

void hypervisor_detect(void)
{
    if ((cpuid(1).ecx & CPUID_ECX_HYPERVISOR) == 0)
        return;
    struct cpuid_regs r = cpuid(LEAF_HYPERVISOR);
    have_hypervisor = r.ebx == SIGNATURE_EBX && r.ecx == SIGNATURE_ECX && r.edx == SIGNATURE_EDX;
    if (have_hypervisor)
        features = (uint32_t)hypercall(KMV_HC_FEATURES, 0, 0);
}

bool machine_has_hypervisor(void)
{
    return have_hypervisor;
}

bool machine_is_mirrored(void)
{
    return (features & KMV_FEATURE_MIRROR) != 0;
}

uint32_t mirror_offset(void)
{
    return KMV_OFFSET;
}

/* The translator leaves the map at the first multiple of 4 behind the code. */
void windows_announce(struct kmv_window_maps *maps)
{
    uint32_t map = ((uint32_t)text_end + 3) & ~3u;

    if (!machine_is_mirrored())
        return;
    maps->kernel = *(const uint32_t *)map == KMV_WINDOW_MAP_MAGIC ? map : 0;
    hypercall(KMV_HC_WINDOWS, (uint32_t)maps, 0);
}

int hypercall(int number, uint32_t a, uint32_t b)
{
    int result;

    if (!have_hypervisor)
        return -1;
    __asm__ volatile("vmcall" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(0) : "memory");
    return result;
}

/* Ways to end an emulator, each ignored by the others: QEMU's isa-debug-exit where it has been put,
 * QEMU's ACPI power register (i440fx), Bochs's shutdown port. */
static void emulator_poweroff(int status)
{
    outb(0x501, (uint8_t)status);
    outw(0x604, 0x2000);
    for (const char *text = "Shutdown"; *text != '\0'; text++)
        outb(0x8900, (uint8_t)*text);
}

void machine_poweroff(int status)
{
    hypercall(KMV_HC_POWEROFF, (uint32_t)status & 0xFF, 0);
    emulator_poweroff(status);
    cli();
    for (;;)
        __asm__ volatile("hlt");
}
