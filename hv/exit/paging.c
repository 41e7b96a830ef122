#include <hv/cpu/cpuid.h>
#include <hv/cpu/exceptions.h>
#include <hv/exit/handlers.h>
#include <hv/mm/tlb.h>
#include <hv/vcpu/others.h>

#define CR0_RESERVED (~0xe005003full)

/* Turns the outcome of a mirror operation into the guest's fate; `address` is named when it stops.
 */
static enum exit_result answer_mirror(struct vcpu *vcpu, enum mirror_load_result result,
                                      u64 address)
{
    static const char *const reasons[] = {
        [MIRROR_LOAD_CONFLICT] = "mirror_conflict",
        [MIRROR_LOAD_NO_MEMORY] = "mirror_no_memory",
        [MIRROR_LOAD_BAD_ROOT] = "bad_page_directory",
        [MIRROR_LOAD_PSE_DIFFERS] = "pse_differs_between_processors",
    };

    if (result == MIRROR_LOAD_NOT_ALONE) {
        vcpus_stop_others(vcpu);
        return EXIT_AGAIN;
    }
    vcpus_go(vcpu);
    if (result == MIRROR_LOAD_OK)
        return EXIT_RESUME;
    if (result == MIRROR_LOAD_LOST_ROOT)
        return exit_page_lost(vcpu, GPA(vcpu->guest_cr3 & ~(u32)PAGE_MASK));
    return vcpu_stop(vcpu, reasons[result], "address=0x%lx", address);
}

static bool paging_on(const struct vcpu *vcpu)
{
    return (vcpu_control(vcpu, VCPU_CR0) & CR0_PG) != 0;
}

static enum exit_result load_root(struct vcpu *vcpu)
{
    bool pse = (vcpu_control(vcpu, VCPU_CR4) & CR4_PSE) != 0;
    enum exit_result result;
    u32 real = 0;

    do {
        result = answer_mirror(vcpu, mirror_load_root(vcpu->vm, vcpu->guest_cr3, pse, &real),
                               vcpu->guest_cr3);
    } while (result == EXIT_AGAIN);
    if (result == EXIT_RESUME)
        vcpu_set_real_cr3(vcpu, real);
    return result;
}

static enum exit_result fault(struct vcpu *vcpu)
{
    return vcpu_inject(vcpu, VECTOR_GP, true, 0);
}

/* Without a mirror paging is the guest's own, in any mode: the processor does the write itself. */
static enum exit_result write_again(struct vcpu *vcpu, enum control_register which, u64 value)
{
    vcpu_set_shadow(vcpu, which, value);
    return EXIT_RESUME;
}

static enum exit_result write_cr0(struct vcpu *vcpu, u64 value)
{
    bool was_on = paging_on(vcpu), on = (value & CR0_PG) != 0;

    if (!vcpu->vm->mirrored)
        return write_again(vcpu, VCPU_CR0, value);
    if ((on && !(value & CR0_PE)) || ((value & CR0_NW) && !(value & CR0_CD)))
        return fault(vcpu);
    vcpu_set_cr0(vcpu, (value & ~CR0_RESERVED) | CR0_ET);
    if (on != was_on) {
        if (on) {
            enum exit_result result = load_root(vcpu);

            if (result != EXIT_RESUME)
                return result;
        } else {
            mirror_unload_root(vcpu->vm);
        }
        tlb_flush_guest();
    }
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}

enum exit_result exit_load_cr3(struct vcpu *vcpu, u64 value)
{
    vcpu->vm->counters[KMV_COUNTER_cr3_loads]++;
    if (!vcpu->vm->mirrored) {
        vcpu_set_real_cr3(vcpu, value);
        return EXIT_RESUME;
    }
    vcpu->guest_cr3 = (u32)value;
    return paging_on(vcpu) ? load_root(vcpu) : EXIT_RESUME;
}

static enum exit_result write_cr3(struct vcpu *vcpu, u64 value)
{
    enum exit_result result = exit_load_cr3(vcpu, value);

    if (result == EXIT_RESUME)
        vcpu_skip_instruction(vcpu);
    return result;
}

static enum exit_result write_cr4(struct vcpu *vcpu, u64 value)
{
    u64 changed = value ^ vcpu_control(vcpu, VCPU_CR4);

    if (value & vcpu_cr4_reserved())
        return fault(vcpu);
    if (!vcpu->vm->mirrored)
        return write_again(vcpu, VCPU_CR4, value);
    if (value & CR4_PAE)
        return vcpu_stop(vcpu, "unsupported",
                         "what=\"PAE paging with the mirror on\" remedy=\"set mirror = off\"");
    vcpu_set_cr4(vcpu, value);
    if ((changed & (CR4_PSE | CR4_PGE)) && paging_on(vcpu)) {
        enum exit_result result = load_root(vcpu);

        if (result != EXIT_RESUME)
            return result;
    }
    tlb_flush_guest();
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}

/* WHY: the processor runs on a shadow root, which has to follow CR3 and paging; CR4 holds bits that
 * are ours. */
enum exit_result exit_cr_write(struct vcpu *vcpu, enum control_register which, u64 value)
{
    switch (which) {
    case VCPU_CR0:
        return write_cr0(vcpu, value);
    case VCPU_CR4:
        return write_cr4(vcpu, value);
    case VCPU_CR3:
        break;
    }
    return write_cr3(vcpu, value);
}

/* WHY: CR3 holds the shadow root, which is none of the guest's business. */
enum exit_result exit_cr3_read(struct vcpu *vcpu, unsigned gpr)
{
    vcpu_set_gpr(vcpu, gpr, vcpu->guest_cr3);
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}

/* WHY: the guest's INVLPG names the native address; the mirror address is owed the same. */
enum exit_result exit_invlpg(struct vcpu *vcpu, gva_t gva)
{
    enum exit_result result;

    do {
        result = answer_mirror(vcpu, mirror_sync(vcpu->vm), gva.v);
    } while (result == EXIT_AGAIN);
    if (result != EXIT_RESUME)
        return result;
    tlb_flush_gva(gva);
    tlb_flush_gva(GVA((u32)(gva.v + vcpu->vm->offset)));
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}

/* WHY: a fault may only mean that the mirror tables lag behind the guest's. */
enum exit_result exit_page_fault(struct vcpu *vcpu, gva_t gva, u32 error)
{
    enum mirror_load_result loaded = MIRROR_LOAD_OK;
    bool resolved = mirror_page_fault(vcpu->vm, gva, error, &loaded);

    if (loaded != MIRROR_LOAD_OK)
        return answer_mirror(vcpu, loaded, gva.v);
    return resolved ? EXIT_RESUME : vcpu_inject_page_fault(vcpu, gva, error);
}
