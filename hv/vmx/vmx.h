/* VMX instructions. Failures carry the SDM's two kinds: invalid (no current VMCS) and valid (error
 * number in the VMCS). */
#ifndef HV_VMX_VMX_H
#define HV_VMX_VMX_H

#include <hv/types.h>
#include <hv/vmx/vmcs_fields.h>

/* Instructions with a region of memory for an operand. */
#define DEFINE_VMX_INSTRUCTION(name, mnemonic)                                                     \
    static inline bool name(hpa_t region)                                                          \
    {                                                                                              \
        bool failed;                                                                               \
        __asm__ volatile(mnemonic " %1" : "=@ccna"(failed) : "m"(region.v) : "memory");            \
        return !failed;                                                                            \
    }

DEFINE_VMX_INSTRUCTION(vmx_on, "vmxon")
DEFINE_VMX_INSTRUCTION(vmx_clear, "vmclear")
DEFINE_VMX_INSTRUCTION(vmx_load, "vmptrld")

static inline bool vmcs_try_write(enum vmcs_field field, u64 value)
{
    bool failed;

    __asm__ volatile("vmwrite %2, %1" : "=@ccna"(failed) : "r"((u64)field), "rm"(value));
    return !failed;
}

static inline u64 vmcs_read(enum vmcs_field field)
{
    u64 value;

    __asm__ volatile("vmread %1, %0" : "=rm"(value) : "r"((u64)field) : "cc");
    return value;
}

/* A field written while a VMCS is current, in the table above: fails only if the processor lacks
 * it, which setup found out. */
void vmcs_write(enum vmcs_field field, u64 value);

enum invept_type { INVEPT_SINGLE_CONTEXT = 1 };
enum invvpid_type { INVVPID_ADDRESS = 0, INVVPID_SINGLE_CONTEXT = 1, INVVPID_RETAIN_GLOBALS = 3 };

/* VPID of the guest; 0 is root mode. */
#define VMX_GUEST_VPID 1

/* Flush of what a MOV to CR3 flushes: everything but global pages. */
void tlb_flush_nonglobal(void);

/* Told once, at setup: the EPT that INVEPT names. */
void tlb_init(u64 ept_pointer);

#endif
