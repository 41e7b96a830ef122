#include <hv/cpu/cpuid.h>
#include <hv/exit/handlers.h>

#define LEAF_FEATURES          1
#define LEAF_MONITOR           5
#define LEAF_POWER             6
#define LEAF_STRUCTURED        7
#define LEAF_PERFMON           0xa
#define LEAF_XSTATE            0xd
#define LEAF_HYPERVISOR        0x40000000
#define LEAF_EXTENDED_FEATURES 0x80000001

/* Features that nothing backs: hidden, so that the guest gets the #UD that it would get without
 * them. */
struct hidden {
    u32 leaf, subleaf;
    u32 ebx, ecx, edx, eax;
    bool mirrored; /* only there */
};

static const struct hidden hidden[] = {
    /* debug store (DTES64, DS-CPL, DS), MONITOR, VMX, SMX, EIST, TM2, SDBG, xTPR, PDCM, PCID, DCA;
       ACPI, TM */
    {LEAF_FEATURES, 0, .ecx = 0x7fu << 2 | 1u << 11 | 0x3u << 14 | 0x3u << 17,
     .edx = 1u << 21 | 1u << 22 | 1u << 29},
    {LEAF_MONITOR, 0, ~0u, ~0u, ~0u, ~0u, false},
    /* all but ARAT: the rest is of MSRs that are denied */
    {LEAF_POWER, 0, ~0u, ~0u, ~0u, ~(1u << 2), false},
    /* SGX, INVPCID, RDT, MPX, PT; protection keys, WAITPKG, CET, LA57, RDPID, bus-lock, ENQCMD,
     * SGX-LC, PKS; UINTR, PCONFIG, LBR, CET, AMX, speculation MSRs */
    {LEAF_STRUCTURED, 0, .ebx = 1u << 2 | 1u << 10 | 1u << 12 | 1u << 14 | 1u << 15 | 1u << 25,
     .ecx = 0x7u << 3 | 1u << 7 | 1u << 16 | 1u << 22 | 1u << 24 | 0x7u << 29,
     .edx = 1u << 5 | 0x7u << 18 | 1u << 22 | 0x3u << 24 | 0x3fu << 26},
    {LEAF_PERFMON, 0, ~0u, ~0u, ~0u, ~0u, false},
    /* XSAVES, XFD */
    {LEAF_XSTATE, 1, .eax = 1u << 3 | 1u << 4},
    /* SYSCALL, NX, long mode: a 32-bit machine without PAE has none of them */
    {LEAF_EXTENDED_FEATURES, 0, .edx = 1u << 11 | 1u << 20 | 1u << 29, .mirrored = true},
    {LEAF_EXTENDED_FEATURES, 0, .edx = 1u << 27}, /* RDTSCP */
};

static void hide(bool mirrored, u32 leaf, u32 subleaf, struct cpuid *r)
{
    for (size_t i = 0; i < ARRAY_LEN(hidden); i++) {
        if (hidden[i].leaf != leaf || hidden[i].subleaf != subleaf ||
            (hidden[i].mirrored && !mirrored))
            continue;
        r->eax &= ~hidden[i].eax;
        r->ebx &= ~hidden[i].ebx;
        r->ecx &= ~hidden[i].ecx;
        r->edx &= ~hidden[i].edx;
    }
}

static struct cpuid answer(const struct vcpu *vcpu, u32 leaf, u32 subleaf)
{
    struct cpuid r;

    if (leaf == LEAF_HYPERVISOR)
        return (struct cpuid){LEAF_HYPERVISOR, 0x4d454d4b /* KMEM */, 0x4f534956 /* VISO */,
                              0x564d4b52 /* RKMV */};
    r = cpuid(leaf, subleaf);
    hide(vcpu->vm->mirrored, leaf, leaf == LEAF_STRUCTURED || leaf == LEAF_XSTATE ? subleaf : 0,
         &r);
    if (leaf == LEAF_FEATURES) {
        r.ecx |= 1u << 31;
        r.ecx &= ~CPUID1_ECX_OSXSAVE;
        if (vcpu_control(vcpu, VCPU_CR4) & CR4_OSXSAVE)
            r.ecx |= CPUID1_ECX_OSXSAVE;
    }
    return r;
}

/* WHY: the exit is unconditional, and the guest must not see features that only the hypervisor
 * uses. */
enum exit_result exit_cpuid(struct vcpu *vcpu)
{
    struct cpuid r = answer(vcpu, (u32)vcpu_gpr(vcpu, REG_RAX), (u32)vcpu_gpr(vcpu, REG_RCX));

    vcpu_set_gpr(vcpu, REG_RAX, r.eax);
    vcpu_set_gpr(vcpu, REG_RBX, r.ebx);
    vcpu_set_gpr(vcpu, REG_RCX, r.ecx);
    vcpu_set_gpr(vcpu, REG_RDX, r.edx);
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}
