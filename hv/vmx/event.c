#include <hv/cpu/cpuid.h>
#include <hv/cpu/exceptions.h>
#include <hv/vcpu/boundary.h>
#include <hv/vmx/backend.h>
#include <hv/vmx/vmx.h>

#define NONE_BLOCKED_NMI (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS | INTERRUPTIBILITY_NMI)

void vmx_event_collect(struct vcpu *vcpu)
{
    u32 info = (u32)vmcs_read(VMCS_IDT_VECTORING_INFO);

    vcpu->event.info = 0;
    if ((info & INTERRUPTION_VALID) == 0)
        return;
    /* Bit 12 is undefined here and must be 0 in the entry field (SDM vol. 3C, 25.9.3, 25.8.3). */
    vcpu->event.info = info & ~INTERRUPTION_NMI_UNBLOCKED;
    if (info & INTERRUPTION_ERROR_VALID)
        vcpu->event.error = (u32)vmcs_read(VMCS_IDT_VECTORING_ERROR_CODE);
    if (INTERRUPTION_TYPE(info) >= INTERRUPTION_SOFTWARE)
        vcpu->event.length = (u32)vmcs_read(VMCS_EXIT_INSTRUCTION_LENGTH);
    /* The NMI that is delivered again must not find itself blocked by its first delivery. */
    if (INTERRUPTION_TYPE(info) == INTERRUPTION_NMI)
        vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
                   vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & ~(u64)INTERRUPTIBILITY_NMI);
}

static void set_primary(struct vcpu *vcpu, u32 bit, bool on)
{
    u32 primary = on ? vcpu->primary | bit : vcpu->primary & ~bit;

    if (primary == vcpu->primary)
        return;
    vcpu->primary = primary;
    vmcs_write(VMCS_PRIMARY_CONTROLS, primary);
}

void vcpu_raise(struct vcpu *vcpu, u8 vector)
{
    vcpu->raised[vector / 64] |= 1ull << vector % 64;
    vcpu->raised_words |= 1u << vector / 64;
}

/* The highest vector has the highest priority (SDM vol. 3A, 11.8.3). At least one waits. */
static unsigned take_highest(struct vcpu *vcpu)
{
    unsigned word = 31 - (unsigned)__builtin_clz(vcpu->raised_words);
    unsigned bit = 63 - (unsigned)__builtin_clzll(vcpu->raised[word]);

    vcpu->raised[word] &= ~(1ull << bit);
    if (vcpu->raised[word] == 0)
        vcpu->raised_words &= ~(1u << word);
    return word * 64 + bit;
}

static bool takes_nmi(const struct vcpu *vcpu)
{
    return vcpu->event.info == 0 &&
           (vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) & NONE_BLOCKED_NMI) == 0;
}

static bool takes_interrupt(const struct vcpu *vcpu)
{
    return vcpu->event.info == 0 && (vmcs_read(VMCS_GUEST_RFLAGS) & RFLAGS_IF) != 0 &&
           (vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) &
            (INTERRUPTIBILITY_STI | INTERRUPTIBILITY_MOV_SS)) == 0;
}

static void deliver(struct vcpu *vcpu, bool nmi, bool interrupt)
{
    if (nmi) {
        vcpu->nmi_wanted = false;
        vcpu->event.info = INTERRUPTION_VALID | INTERRUPTION_NMI << 8 | VECTOR_NMI;
    } else if (interrupt) {
        vcpu->event.info = INTERRUPTION_VALID | INTERRUPTION_EXTERNAL << 8 | take_highest(vcpu);
    }
}

/* What has to wait for the end of a window asks for no exit: the breakpoint there is one. */
static void deliver_waiting(struct vcpu *vcpu)
{
    bool nmi = vcpu->nmi_wanted && takes_nmi(vcpu);
    bool interrupt = vcpu->raised_words != 0 && takes_interrupt(vcpu);
    bool held = vmx_step_prepare(vcpu, nmi || interrupt);

    if (!held)
        deliver(vcpu, nmi, interrupt);
    nmi = vcpu->nmi_wanted && !held;
    interrupt = vcpu->raised_words != 0 && !held;
    set_primary(vcpu, PRIMARY_NMI_WINDOW_EXITING, nmi);
    set_primary(vcpu, PRIMARY_INTERRUPT_WINDOW_EXITING | PRIMARY_HLT_EXITING, interrupt);
    vcpu->waiting = held || nmi || interrupt;
}

void vmx_event_deliver(struct vcpu *vcpu)
{
    if (exceptions_take_nmi())
        vcpu->nmi_wanted = true;
    if (vcpu->waiting || vcpu->nmi_wanted || vcpu->raised_words != 0 || vmx_step_wanted(vcpu))
        deliver_waiting(vcpu);
    if (vcpu->event.info == 0)
        return;
    vmcs_write(VMCS_ENTRY_INTERRUPTION_INFO, vcpu->event.info);
    if (vcpu->event.info & INTERRUPTION_ERROR_VALID)
        vmcs_write(VMCS_ENTRY_EXCEPTION_ERROR_CODE, vcpu->event.error);
    if (INTERRUPTION_TYPE(vcpu->event.info) >= INTERRUPTION_SOFTWARE)
        vmcs_write(VMCS_ENTRY_INSTRUCTION_LENGTH, vcpu->event.length);
}

void vmx_nmi_reblock(u32 unblocked)
{
    if (unblocked & INTERRUPTION_NMI_UNBLOCKED)
        vmcs_write(VMCS_GUEST_INTERRUPTIBILITY,
                   vmcs_read(VMCS_GUEST_INTERRUPTIBILITY) | INTERRUPTIBILITY_NMI);
}

/* SDM vol. 3A, table 6-4. */
static bool is_contributory(unsigned vector)
{
    return vector == 0 || (vector >= 10 && vector <= 13);
}

/* SDM vol. 3A, table 6-5. */
static bool makes_double_fault(unsigned first, unsigned second)
{
    if (first == VECTOR_PF)
        return second == VECTOR_PF || is_contributory(second);
    return is_contributory(first) && is_contributory(second);
}

/* In real mode there are none: an entry with one would fail (SDM vol. 3C, 27.2.1.3). */
static bool has_error_codes(void)
{
    return (vmcs_read(VMCS_GUEST_CR0) & CR0_PE) != 0;
}

enum exit_result vcpu_inject(struct vcpu *vcpu, unsigned vector, bool has_error, u32 error)
{
    const struct event *first = &vcpu->event;
    bool in_exception =
        first->info != 0 && INTERRUPTION_TYPE(first->info) == INTERRUPTION_HARDWARE_EXCEPTION;

    if (in_exception && INTERRUPTION_VECTOR(first->info) == VECTOR_DF)
        return vcpu_stop(vcpu, "triple_fault", "vector=%u", vector);
    if (in_exception && makes_double_fault(INTERRUPTION_VECTOR(first->info), vector)) {
        vector = VECTOR_DF;
        has_error = true;
        error = 0;
    }
    vcpu->event = (struct event){
        .info = INTERRUPTION_VALID | INTERRUPTION_HARDWARE_EXCEPTION << 8 | vector |
                (has_error && has_error_codes() ? INTERRUPTION_ERROR_VALID : 0),
        .error = error,
    };
    return EXIT_RESUME;
}

bool vcpu_inject_instead(struct vcpu *vcpu, unsigned vector)
{
    u32 info = vcpu->event.info, type = INTERRUPTION_TYPE(info);

    if (info != 0 && type == INTERRUPTION_HARDWARE_EXCEPTION && INTERRUPTION_VECTOR(info) == vector)
        return false;
    if (info != 0 && type == INTERRUPTION_EXTERNAL)
        vcpu_raise(vcpu, INTERRUPTION_VECTOR(info));
    if (info != 0 && type == INTERRUPTION_NMI)
        vcpu->nmi_wanted = true;
    vcpu->event = (struct event){
        .info = INTERRUPTION_VALID | INTERRUPTION_HARDWARE_EXCEPTION << 8 | vector,
    };
    return true;
}

enum exit_result vcpu_inject_page_fault(struct vcpu *vcpu, gva_t gva, u32 error)
{
    enum exit_result result = vcpu_inject(vcpu, VECTOR_PF, true, error);

    if (INTERRUPTION_VECTOR(vcpu->event.info) == VECTOR_PF)
        cr2_write(gva.v);
    return result;
}
