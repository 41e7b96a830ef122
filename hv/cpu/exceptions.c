#include <hv/cpu/cpuid.h>
#include <hv/cpu/exceptions.h>
#include <hv/cpu/extable.h>
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
    panic("exception vector=%llu error=0x%llx rip=0x%llx cr2=0x%llx rsp=0x%llx rbp=0x%llx "
          "rax=0x%llx rbx=0x%llx rcx=0x%llx "
          "rdx=0x%llx rsi=0x%llx rdi=0x%llx",
          (unsigned long long)frame->vector, (unsigned long long)frame->error,
          (unsigned long long)frame->rip, (unsigned long long)cr2_read(),
          (unsigned long long)frame->rsp, (unsigned long long)frame->rbp,
          (unsigned long long)frame->rax, (unsigned long long)frame->rbx,
          (unsigned long long)frame->rcx, (unsigned long long)frame->rdx,
          (unsigned long long)frame->rsi, (unsigned long long)frame->rdi);
}
