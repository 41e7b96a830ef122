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
              "eax=0x%lx ebx=0x%lx ecx=0x%lx edx=0x%lx esi=0x%lx edi=0x%lx ebp=0x%lx "
              "cr2=0x%lx cr3=0x%x",
              vcpu->regs[REG_RAX], vcpu->regs[REG_RBX], vcpu->regs[REG_RCX], vcpu->regs[REG_RDX],
              vcpu->regs[REG_RSI], vcpu->regs[REG_RDI], vcpu->regs[REG_RBP], cr2_read(),
              vcpu->guest_cr3);
}

static void dump_fields(bool all)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
        if (all || is_guest_field(fields[i].encoding))
            log_event("guest_state", "field=%s value=0x%lx", fields[i].name,
                      vmcs_read(fields[i].encoding));
    }
}

void vmx_dump_guest(const struct vcpu *vcpu)
{
    dump_registers(vcpu);
    dump_fields(false);
    log_event("guest_state",
              "exit_reason=0x%lx qualification=0x%lx interruption=0x%lx idt_vectoring=0x%lx",
              vmcs_read(VMCS_EXIT_REASON), vmcs_read(VMCS_EXIT_QUALIFICATION),
              vmcs_read(VMCS_EXIT_INTERRUPTION_INFO), vmcs_read(VMCS_IDT_VECTORING_INFO));
}

void vmx_dump_all(const struct vcpu *vcpu)
{
    dump_registers(vcpu);
    dump_fields(true);
}

static const char *field_name(enum vmcs_field field)
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
        log_event("entry_check", "field=%s value=0x%lx rule=\"SDM vol. 3C, %s\"",
                  field_name(fault.field), fault.value, fault.rule);
}
