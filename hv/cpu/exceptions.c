#include <hv/cpu/cpuid.h>
#include <hv/cpu/exceptions.h>
#include <hv/cpu/extable.h>
#include <hv/cpu/paging.h>
#include <hv/log/log.h>
#include <hv/platform/panic.h>

struct exception_frame {
    u64 rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15;
    u64 vector, error;
    u64 rip, cs, rflags, rsp, ss;
};

static volatile bool nmi_pending;

void exception_handle(struct exception_frame *frame);

bool exceptions_take_nmi(void)
{
    return __atomic_exchange_n(&nmi_pending, false, __ATOMIC_ACQ_REL);
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

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        log_event("hv_state", "register=%s value=0x%llx", names[i],
                  (unsigned long long)registers[i]);
    log_event("hv_state",
              "rip=0x%llx cs=0x%llx rflags=0x%llx rsp=0x%llx ss=0x%llx cr0=0x%llx cr2=0x%llx "
              "cr3=0x%llx cr4=0x%llx",
              (unsigned long long)frame->rip, (unsigned long long)frame->cs,
              (unsigned long long)frame->rflags, (unsigned long long)frame->rsp,
              (unsigned long long)frame->ss, (unsigned long long)cr0_read(),
              (unsigned long long)cr2_read(), (unsigned long long)cr3_read(),
              (unsigned long long)cr4_read());
}

void exception_handle(struct exception_frame *frame)
{
    u64 fixup;

    if (frame->vector == VECTOR_NMI) {
        nmi_pending = true;
        return;
    }
    fixup = extable_fixup(frame->rip);
    if (fixup != 0) {
        frame->rip = fixup;
        return;
    }
    dump(frame);
    panic_at(frame->rip, frame->rbp, "%s vector=%llu error=0x%llx rip=0x%llx cr2=0x%llx",
             is_overflow(frame) ? "stack overflow" : "exception", (unsigned long long)frame->vector,
             (unsigned long long)frame->error, (unsigned long long)frame->rip,
             (unsigned long long)cr2_read());
}
