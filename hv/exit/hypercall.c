#include <hv/cpu/exceptions.h>
#include <hv/exit/handlers.h>
#include <hv/log/log.h>
#include <hv/recovery/recovery.h>
#include <hv/vcpu/others.h>
#include <hv/vm/guestmem.h>

/* Vectors below are those of exceptions. */
#define FIRST_INTERRUPT 32u

typedef int (*hypercall_handler)(struct vcpu *vcpu, u32 first, u32 second);

static int abi_version(struct vcpu *vcpu, u32 first, u32 second)
{
    (void)vcpu, (void)first, (void)second;
    return KMV_ABI_VERSION;
}

static int features(struct vcpu *vcpu, u32 first, u32 second)
{
    (void)first, (void)second;
    return vcpu->vm->mirrored ? KMV_FEATURE_MIRROR | KMV_FEATURE_UNSYNC : 0;
}

/* A quote or a control character would break the line's key=value form. */
static void sanitise(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~' || *text == '"')
            *text = '.';
    }
}

static int note(struct vcpu *vcpu, u32 gpa, u32 bytes)
{
    char text[KMV_NOTE_MAX + 1], exits[320];
    const u64 *values;
    int error;

    if (bytes > KMV_NOTE_MAX)
        return -HV_EINVAL;
    error = guest_read(vcpu->vm, GPA(gpa), text, bytes);
    if (error != 0)
        return error;
    text[bytes] = '\0';
    sanitise(text);
    values = vcpu->vm->counters;
    vcpu_exits_text(exits, sizeof(exits));
    log_event("note", "text=\"%s\" exits=%lu pt_writes=%lu hv_ticks=%lu%s", text,
              values[KMV_COUNTER_exits], values[KMV_COUNTER_pt_writes],
              values[KMV_COUNTER_hv_ticks], exits);
    return 0;
}

static int poison(struct vcpu *vcpu, u32 gpa, u32 where)
{
    return recovery_poison(vcpu->vm, GPA(gpa), where);
}

static int verify(struct vcpu *vcpu, u32 first, u32 second)
{
    (void)first, (void)second;
    return recovery_verify(vcpu->vm);
}

static int counters(struct vcpu *vcpu, u32 gpa, u32 bytes)
{
    u32 size = sizeof(vcpu->vm->counters);
    int error;

    vcpu->vm->counters[KMV_COUNTER_spare_free] = vcpu->vm->spare.free_count;
    error = guest_write(vcpu->vm, GPA(gpa), vcpu->vm->counters, bytes < size ? bytes & ~7u : size);
    return error != 0 ? error : KMV_COUNTER_COUNT;
}

static int windows(struct vcpu *vcpu, u32 maps, u32 second)
{
    (void)second;
    if (!vcpu->vm->mirrored)
        return -HV_EOPNOTSUPP;
    if (maps % sizeof(u32) != 0)
        return -HV_EINVAL;
    vcpu->window_maps = GVA(maps);
    return 0;
}

/* Exceptions that nothing else raises here, of those that push no error code (SDM vol. 3A, table
 * 6-1). */
static bool is_loss_vector(u32 vector)
{
    return vector == 0 || (vector >= VECTOR_MC && vector < FIRST_INTERRUPT && vector != VECTOR_CP);
}

static int loss_vector(struct vcpu *vcpu, u32 vector, u32 second)
{
    (void)second;
    if (!is_loss_vector(vector))
        return -HV_EINVAL;
    vcpu->vm->loss_vector = (u8)vector;
    return 0;
}

static int lost_page(struct vcpu *vcpu, u32 first, u32 second)
{
    (void)first, (void)second;
    if (!vcpu->loss_told)
        return -HV_ENOENT;
    vcpu->loss_told = false;
    return (int)vcpu->lost_page.v;
}

static int renew(struct vcpu *vcpu, u32 gpa, u32 second)
{
    (void)second;
    return recovery_renew(vcpu->vm, GPA(gpa));
}

static int give(struct vcpu *vcpu, u32 gpa, u32 second)
{
    (void)second;
    return recovery_give(vcpu->vm, GPA(gpa));
}

static int scrub(struct vcpu *vcpu, u32 permille, u32 second)
{
    (void)second;
    return scrub_set_budget(vcpu->vm, permille);
}

static int protect(struct vcpu *vcpu, u32 list, u32 order)
{
    return recovery_protect(vcpu->vm, GPA(list), order);
}

/* What one processor alone wrote is in the order of its program on both sides. */
static int settle(struct vcpu *vcpu, u32 gpa, u32 pages)
{
    if (!vcpu->vm->mirrored || vcpu_count - vcpus_waiting < 2)
        return -HV_EOPNOTSUPP;
    return recovery_settle(vcpu->vm, GPA(gpa), pages);
}

static const hypercall_handler handlers[KMV_HC_COUNT] = {
    [KMV_HC_ABI_VERSION] = abi_version,
    [KMV_HC_FEATURES] = features,
    [KMV_HC_NOTE] = note,
    [KMV_HC_POISON] = poison,
    [KMV_HC_VERIFY] = verify,
    [KMV_HC_COUNTERS] = counters,
    [KMV_HC_WINDOWS] = windows,
    [KMV_HC_LOSS_VECTOR] = loss_vector,
    [KMV_HC_LOST_PAGE] = lost_page,
    [KMV_HC_RENEW] = renew,
    [KMV_HC_PROTECT] = protect,
    [KMV_HC_GIVE] = give,
    [KMV_HC_SCRUB] = scrub,
    [KMV_HC_SETTLE] = settle,
};

/* Calls that take pages away, replace or compare them: the others are stopped meanwhile. */
#define ALONE                                                                                      \
    (1u << KMV_HC_POISON | 1u << KMV_HC_VERIFY | 1u << KMV_HC_RENEW | 1u << KMV_HC_PROTECT |       \
     1u << KMV_HC_GIVE | 1u << KMV_HC_SETTLE)

static int call(struct vcpu *vcpu, u32 number, u32 first, u32 second)
{
    int result = -HV_ENOSYS;

    if (number < 32 && (ALONE >> number & 1))
        vcpus_stop_others(vcpu);
    if (number < KMV_HC_COUNT && handlers[number] != NULL)
        result = handlers[number](vcpu, first, second);
    vcpus_go(vcpu);
    return result;
}

static enum exit_result guest_power_off(struct vcpu *vcpu, u32 status)
{
    vcpu->power_off = true;
    vcpu->status = status & 0xff;
    return EXIT_STOP;
}

/* WHY: VMCALL is the guest kernel's way to speak to us; its programs have no business here. */
enum exit_result exit_hypercall(struct vcpu *vcpu)
{
    u32 number = (u32)vcpu_gpr(vcpu, REG_RAX);
    u32 first = (u32)vcpu_gpr(vcpu, REG_RBX), second = (u32)vcpu_gpr(vcpu, REG_RCX);

    if (vcpu_privilege(vcpu) != 0)
        return vcpu_inject(vcpu, VECTOR_UD, false, 0);
    if (number == KMV_HC_POWEROFF)
        return guest_power_off(vcpu, first);
    vcpu_set_gpr(vcpu, REG_RAX, (u32)call(vcpu, number, first, second));
    vcpu_skip_instruction(vcpu);
    return EXIT_RESUME;
}
