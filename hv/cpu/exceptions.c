#include <hv/cpu/apic.h>
#include <hv/cpu/cpuid.h>
#include <hv/cpu/exceptions.h>
#include <hv/cpu/extable.h>
#include <hv/cpu/msr.h>
#include <hv/cpu/paging.h>
#include <hv/cpu/processor.h>
#include <hv/log/log.h>
#include <hv/platform/panic.h>
#include <hv/platform/screen.h>
#include <stdatomic.h>

/* Time for the others to take an NMI. */
#define HALT_MICROSECONDS 1000

struct exception_frame {
    u64 rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
    u64 vector, error;
    u64 rip, cs, rflags, rsp, ss;
};

static struct processor *_Atomic last_one; /* goes on alone, to end the machine */

void exception_handle(struct exception_frame *frame);

static _Noreturn void halt(void)
{
    for (;;)
        __asm__ volatile("cli; hlt");
}

bool exceptions_take_nmi(void)
{
    struct processor *self = processor_self();

    return __atomic_load_n(&self->nmi_pending, __ATOMIC_RELAXED) &&
           __atomic_exchange_n(&self->nmi_pending, false, __ATOMIC_ACQ_REL);
}

void exceptions_start_mce(void)
{
    static const struct mce_source registers = {msr_try_read, msr_try_write};

    mce_start(&registers, exceptions_mce());
}

/* A machine check comes at any instruction: the handler can't use what survives faults, whose
 * outcome the interrupted code may just be about to look at. */
static bool read_register(u32 msr, u64 *value)
{
    *value = msr_read(msr);
    return true;
}

static bool write_register(u32 msr, u64 value)
{
    msr_write(msr, value);
    return true;
}

enum mce_kind exceptions_collect_mce(void)
{
    static const struct mce_source registers = {read_register, write_register};

    return mce_collect(&registers, exceptions_mce());
}

struct mce_queue *exceptions_mce(void)
{
    return &processor_self()->machine_checks;
}

/* The hypervisor can't go on without what it was just about to read, but where it is told so. */
static bool survives_machine_check(struct exception_frame *frame)
{
    enum mce_kind kind = exceptions_collect_mce();
    u64 fixup = kind == MCE_SRAR ? extable_fixup(frame->rip, EXTABLE_MACHINE_CHECK) : 0;
    struct mce_error error;

    if (fixup != 0)
        frame->rip = fixup;
    if (kind < MCE_SRAR || fixup != 0)
        return true;
    while (mce_take(exceptions_mce(), &error))
        mce_log(exceptions_mce(), &error, "stop");
    return false;
}

/* A push into a guard page can't be delivered there, so it comes as a double fault. */
static bool is_overflow(const struct exception_frame *frame)
{
    return (frame->vector == VECTOR_DF || frame->vector == VECTOR_PF) &&
           paging_is_guard(cr2_read());
}

static void dump(const struct exception_frame *frame)
{
    const u64 *registers = &frame->rax;
    static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rbp", "rsi", "rdi", "r8",
                                        "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};

    screen_take_log();
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        log_event("hv_state", "register=%s value=0x%lx", names[i], registers[i]);
    log_event("hv_state",
              "rip=0x%lx cs=0x%lx rflags=0x%lx rsp=0x%lx ss=0x%lx cr0=0x%lx cr2=0x%lx "
              "cr3=0x%lx cr4=0x%lx",
              frame->rip, frame->cs, frame->rflags, frame->rsp, frame->ss, cr0_read(), cr2_read(),
              cr3_read(), cr4_read());
}

/* One NMI is sent at a time, so one that comes is the hypervisor's if one was sent. A guest's that
 * comes at the same moment merges with it, as two of its own would. */
void processor_kick(struct processor *processor)
{
    if (!__atomic_exchange_n(&processor->kicked, true, __ATOMIC_SEQ_CST))
        apic_send(processor->apic_id, APIC_NMI);
}

void processors_halt_others(void)
{
    struct processor *self = processor_self(), *first = NULL;

    if (!atomic_compare_exchange_strong(&last_one, &first, self) && first != self)
        halt();
    for (u32 i = 0; i < KMV_CPUS_MAX; i++) {
        if (processors[i].started && &processors[i] != self)
            apic_send(processors[i].apic_id, APIC_NMI);
    }
    apic_delay(HALT_MICROSECONDS);
}

/* An entry that has passed its last look at what it is to wait for is turned round (SDM vol. 3C,
 * 27.1: an NMI in root mode doesn't hold up VMRESUME). */
static void on_nmi(struct exception_frame *frame)
{
    struct processor *self = processor_self();

    if (last_one != NULL && last_one != self)
        halt();
    if (!__atomic_exchange_n(&self->kicked, false, __ATOMIC_SEQ_CST))
        self->nmi_pending = true;
    if (frame->rip >= (u64)guest_entry_begin && frame->rip < (u64)guest_entry_end)
        frame->rip = (u64)guest_entry_abort;
}

void exception_handle(struct exception_frame *frame)
{
    u64 fixup = 0;

    if (frame->vector == VECTOR_NMI) {
        on_nmi(frame);
        return;
    }
    if (frame->vector == VECTOR_MC && survives_machine_check(frame))
        return;
    if (frame->vector != VECTOR_MC)
        fixup = extable_fixup(frame->rip, EXTABLE_FAULT);
    if (fixup != 0) {
        frame->rip = fixup;
        return;
    }
    dump(frame);
    panic_at(frame->rip, frame->rbp, "%s vector=%lu error=0x%lx rip=0x%lx cr2=0x%lx",
             is_overflow(frame) ? "stack overflow" : "exception", frame->vector, frame->error,
             frame->rip, cr2_read());
}
