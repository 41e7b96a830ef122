#include <hv/mm/tlb.h>
#include <hv/platform/panic.h>
#include <hv/vcpu/others.h>
#include <hv/vmx/vmx.h>

struct invalidation {
    u64 context; /* EPTP or VPID */
    u64 address;
};

static u64 guest_ept_pointer;

static void invvpid(enum invvpid_type type, u64 address)
{
    struct invalidation what = {VMX_GUEST_VPID, address};
    bool failed;

    __asm__ volatile("invvpid %1, %2" : "=@ccna"(failed) : "m"(what), "r"((u64)type) : "memory");
    if (failed)
        panic("invvpid type=%d address=0x%lx failed", (int)type, address);
}

void tlb_init(u64 ept_pointer)
{
    guest_ept_pointer = ept_pointer;
}

void tlb_flush_ept_here(void)
{
    struct invalidation what = {guest_ept_pointer, 0};
    bool failed;

    __asm__ volatile("invept %1, %2"
                     : "=@ccna"(failed)
                     : "m"(what), "r"((u64)INVEPT_SINGLE_CONTEXT)
                     : "memory");
    if (failed)
        panic("invept failed");
}

void tlb_flush_ept(void)
{
    tlb_flush_ept_here();
    vcpus_request_flush(REQUEST_FLUSH_EPT);
}

void tlb_flush_elsewhere(void)
{
    vcpus_request_flush(REQUEST_FLUSH_GUEST);
}

void tlb_flush_gva(gva_t gva)
{
    invvpid(INVVPID_ADDRESS, gva.v);
}

void tlb_flush_guest(void)
{
    invvpid(INVVPID_SINGLE_CONTEXT, 0);
}

void tlb_flush_nonglobal(void)
{
    invvpid(INVVPID_RETAIN_GLOBALS, 0);
}
