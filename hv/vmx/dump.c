#include <hv/cpu/cpuid.h>
#include <hv/log/log.h>
#include <hv/vmx/backend.h>
#include <hv/vmx/check.h>
#include <hv/vmx/vmx.h>

#define FIELD_ROW(name, encoding) {#name, encoding},
static const struct {
    const char *name;
    u32 encoding;
} fields[] = {VMCS_FIELDS(FIELD_ROW)};

/* VMCS encoding: bits 11:10 tell the type, 2 is guest state (SDM vol. 3C, table 25-21). */
static bool is_guest_field(u32 encoding)
{
    return (encoding >> 10 & 3) == 2;
}

static void dump_registers(const struct vcpu *vcpu)
{
    log_event("guest_state",
              "eax=0x%llx ebx=0x%llx ecx=0x%llx edx=0x%llx esi=0x%llx edi=0x%llx ebp=0x%llx "
              "cr2=0x%llx cr3=0x%x",
              (unsigned long long)vcpu->regs[REG_RAX], (unsigned long long)vcpu->regs[REG_RBX],
              (unsigned long long)vcpu->regs[REG_RCX], (unsigned long long)vcpu->regs[REG_RDX],
              (unsigned long long)vcpu->regs[REG_RSI], (unsigned long long)vcpu->regs[REG_RDI],
              (unsigned long long)vcpu->regs[REG_RBP], (unsigned long long)cr2_read(),
              vcpu->guest_cr3);
}

static void dump_fields(bool all)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (all || is_guest_field(fields[i].encoding))
            log_event("guest_state", "field=%s value=0x%llx", fields[i].name,
                      (unsigned long long)vmcs_read(fields[i].encoding));
    }
}

void vmx_dump_guest(const struct vcpu *vcpu)
{
    dump_registers(vcpu);
    dump_fields(false);
    log_event("guest_state",
              "exit_reason=0x%llx qualification=0x%llx interruption=0x%llx idt_vectoring=0x%llx",
              (unsigned long long)vmcs_read(VMCS_EXIT_REASON),
              (unsigned long long)vmcs_read(VMCS_EXIT_QUALIFICATION),
              (unsigned long long)vmcs_read(VMCS_EXIT_INTERRUPTION_INFO),
              (unsigned long long)vmcs_read(VMCS_IDT_VECTORING_INFO));
}

void vmx_dump_all(const struct vcpu *vcpu)
{
    dump_registers(vcpu);
    dump_fields(true);
}

const char *vmx_field_name(enum vmcs_field field)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (fields[i].encoding == field)
            return fields[i].name;
    }
    return "unknown";
}

void vmx_log_entry_check(void)
{
    struct entry_fault fault = vmx_check_entry(vmcs_read);

    if (fault.rule == NULL)
        log_event("entry_check", "field=unknown");
    else
        log_event("entry_check", "field=%s value=0x%llx rule=\"SDM vol. 3C, %s\"",
                  vmx_field_name(fault.field), (unsigned long long)fault.value, fault.rule);
}
