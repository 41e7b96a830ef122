/*
 * The local APIC while a virtual processor waits for its start-up interrupt. It waits in root mode,
 * where neither INIT nor the start-up interrupt reaches it (SDM vol. 3C, 26.2; a state of the guest
 * to wait in is missing from some machines, and faulty in others). So as long as one waits, the
 * APIC's page is read-only to the guest, and its writes are done here. As soon as none does, the
 * page is the guest's again. In x2APIC mode the command register alone is watched, always.
 */
#include <hv/cpu/msr.h>
#include <hv/exit/decode.h>
#include <hv/exit/handlers.h>
#include <hv/log/log.h>
#include <hv/mm/tlb.h>
#include <hv/vcpu/others.h>
#include <hv/vm/linear.h>

#define INSTRUCTION_MAX 15u

/* SDM vol. 3A, 11.6.1. */
#define COMMAND_KIND(c)        ((c) >> 8 & 7)
#define COMMAND_SHORT(c)       ((c) >> 18 & 3) /* not 0: no destination */
#define KIND_INIT              5u
#define KIND_STARTUP           6u
#define DESTINATION_SHIFT      24
#define DESTINATION_ALL        0xffffffffu
#define MEMORY_DESTINATION_ALL 0xffu

/* It may reach into the next page, or that may not be there. */
static bool decode(struct vcpu *vcpu, struct store *store)
{
    struct linear_space space = vcpu_linear_space(vcpu);
    struct linear_fault fault;
    u8 code[INSTRUCTION_MAX];
    u32 bytes = sizeof(code);
    gva_t address;

    if (!vcpu_code_address(vcpu, &address))
        return false;
    if (!linear_copy(vcpu->vm, &space, (u32)address.v, code, bytes, LINEAR_READ, &fault))
        bytes = (u32)(fault.gva.v - address.v);
    return bytes <= sizeof(code) && decode_store(code, bytes, store);
}

/* Is the command to be sent? One that waits has had its INIT, one that runs takes no start-up
 * interrupt. */
static bool filter(const struct vcpu *vcpu, u32 destination, u32 command)
{
    bool startup = COMMAND_KIND(command) == KIND_STARTUP;
    bool all = COMMAND_SHORT(command) != 0 || destination == DESTINATION_ALL;

    for (u32 i = 0; i < vcpu_count && startup; i++) {
        if (&vcpus[i] != vcpu && vcpus[i].waits && (all || processors[i].apic_id == destination))
            vcpu_start(&vcpus[i], (u8)command);
    }
    return !startup && COMMAND_KIND(command) != KIND_INIT;
}

void apic_trap(struct vm *vm)
{
    ept_set_perms(&vm->ept, GPA(LOCAL_APIC_PAGE), EPT_READ);
    tlb_flush_ept();
}

/* WHY: see above. A store that isn't understood ends the trapping: the guest then runs without the
 * processors that still wait, rather than not at all. */
enum exit_result exit_apic(struct vcpu *vcpu, const struct memory_access *access)
{
    u64 offset = access->gpa.v & PAGE_MASK;
    struct store store;
    u32 value, destination;

    if (!decode(vcpu, &store)) {
        log_event("apic_released", "rip=0x%lx", vcpu_rip(vcpu));
        ept_set_perms(&vcpu->vm->ept, access->gpa, EPT_RW);
        return EXIT_RESUME;
    }
    value = store.has_gpr ? (u32)vcpu_gpr(vcpu, store.gpr) : store.value;
    destination = *apic_register(APIC_COMMAND_HIGH) >> DESTINATION_SHIFT;
    if (destination == MEMORY_DESTINATION_ALL)
        destination = DESTINATION_ALL;
    if (offset != APIC_COMMAND_LOW || filter(vcpu, destination, value))
        *apic_register(offset) = value;
    vcpu_skip_store(vcpu, store.length);
    if (vcpus_waiting == 0)
        ept_set_perms(&vcpu->vm->ept, access->gpa, EPT_RW);
    return EXIT_RESUME;
}

bool apic_write_command(const struct vcpu *vcpu, u64 value)
{
    return (vcpus_waiting > 0 && !filter(vcpu, (u32)(value >> 32), (u32)value)) ||
           msr_try_write(MSR_X2APIC_COMMAND, value);
}
