/*
 * Saved and restored at every switch of processes. The kernel's own wide mirrors put back what they
 * use, so that an interrupt may come in the midst of one, and a switch keeps it too.
 */
#include "fpu.h"

#include <stdbool.h>
#include <stddef.h>

#include "mmu.h"
#include "proc.h"
#include "proctable.h"
#include "x86.h"

#define LEAF_FEATURES     1
#define LEAF_XSTATE       13
#define CPUID_EDX_FPU     (1u << 0)
#define CPUID_EDX_FXSR    (1u << 24)
#define CPUID_ECX_XSAVE   (1u << 26)
#define CPUID_ECX_AVX     (1u << 28)
#define XCR0_X87_SSE      0x03u
#define XCR0_AVX          0x04u
#define XCR0_AVX512       0xE0u
#define X87_CONTROL_START 0x37F  /* as FNINIT leaves it (SDM volume 1, 8.1.5) */
#define MXCSR_START       0x1F80 /* as reset leaves it (SDM volume 1, 10.2.3) */

/* As XSAVE lays it out, standard form (SDM volume 1, 13.4); with AVX-512 it ends at 2688. */
struct area {
    uint16_t x87_control;
    uint16_t x87_rest[11];
    uint32_t mxcsr;
    uint8_t rest[2688 - 28];
} __attribute__((aligned(64)));

static enum { KEEPS_NOTHING, KEEPS_FXSAVE, KEEPS_XSAVE } keeps;
static struct area areas[NPROC];
static const struct area start = {.x87_control = X87_CONTROL_START, .mxcsr = MXCSR_START};

uint32_t kmv_vector_bytes;

static bool has_all(uint32_t bits, uint32_t wanted)
{
    return (bits & wanted) == wanted;
}

/* The components of XCR0 to be enabled: whole sets, as far as they fit an area. */
static uint32_t components(uint32_t features)
{
    uint32_t offered = cpuid(LEAF_XSTATE).eax;
    uint32_t wanted = XCR0_X87_SSE;

    if ((features & CPUID_ECX_AVX) == 0 || !has_all(offered, XCR0_AVX))
        return wanted;
    wanted |= XCR0_AVX;
    return has_all(offered, XCR0_AVX512) ? wanted | XCR0_AVX512 : wanted;
}

static uint32_t vector_bytes(uint32_t enabled)
{
    if (has_all(enabled, XCR0_AVX512))
        return 64;
    return has_all(enabled, XCR0_AVX) ? 32 : 0;
}

static void enable_xsave(uint32_t features)
{
    uint32_t enabled = components(features);

    write_cr4(read_cr4() | CR4_OSXSAVE);
    xsetbv(0, enabled);
    keeps = KEEPS_XSAVE;
    kmv_vector_bytes = vector_bytes(enabled);
}

void fpu_init(void)
{
    struct cpuid_regs features = cpuid(LEAF_FEATURES);

    if (!has_all(features.edx, CPUID_EDX_FPU | CPUID_EDX_FXSR)) {
        write_cr0(read_cr0() | CR0_EM);
        return;
    }
    write_cr0((read_cr0() & ~(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
    write_cr4(read_cr4() | CR4_OSFXSR | CR4_OSXMMEXCPT);
    keeps = KEEPS_FXSAVE;
    if ((features.ecx & CPUID_ECX_XSAVE) != 0)
        enable_xsave(features.ecx);
    fpu_reset();
}

static void load(const struct area *area)
{
    if (keeps == KEEPS_XSAVE)
        xrstor(area);
    else if (keeps == KEEPS_FXSAVE)
        fxrstor(area);
}

void fpu_save(const struct proc *p)
{
    struct area *area = &areas[p - procs];

    if (keeps == KEEPS_XSAVE)
        xsave(area);
    else if (keeps == KEEPS_FXSAVE)
        fxsave(area);
}

void fpu_restore(const struct proc *p)
{
    load(&areas[p - procs]);
}

void fpu_reset(void)
{
    load(&start);
}

void fpu_load_vector(const void *from)
{
    if (kmv_vector_bytes == 64)
        __asm__ volatile("vmovdqu32 (%0), %%zmm0" : : "r"(from) : "memory");
    else
        __asm__ volatile("vmovdqu (%0), %%ymm0" : : "r"(from) : "memory");
}
