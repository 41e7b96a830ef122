/*
 * The local APIC while a virtual processor waits for its start-up interrupt. It waits in root mode,
 * where neither INIT nor the start-up interrupt reaches it (SDM vol. 3C, 26.2; a state of the guest
 * to wait in is missing from some machines, and faulty in others). So as long as one waits, the
 * APIC's page is read-only to the guest, and its writes are done here. As soon as none does, the
 * page is the guest's again.
 */
#include <hv/exit/decode.h>
#include <hv/exit/handlers.h>
#include <hv/log/log.h>
#include <hv/mm/tlb.h>
#include <hv/vcpu/others.h>
#include <hv/vm/linear.h>

#define INSTRUCTION_MAX 15u

/* SDM vol. 3A, 11.6.1. */
#define COMMAND_KIND(c)   ((c) >> 8 & 7)
#define COMMAND_SHORT(c)  ((c) >> 18 & 3) /* not 0: no destination */
#define KIND_INIT         5u
#define KIND_STARTUP      6u
#define DESTINATION_SHIFT 24
#define DESTINATION_ALL   0xffu

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

static bool is_meant(u32 apic_id, u32 command)
{
    u32 destination = *apic_register(APIC_COMMAND_HIGH) >> DESTINATION_SHIFT;

    return COMMAND_SHORT(command) != 0 || destination == DESTINATION_ALL || destination == apic_id;
}

/* One that waits has had its INIT, one that runs takes no start-up interrupt. */
static void start(const struct vcpu *vcpu, u32 command)
{
    for (u32 i = 0; i < vcpu_count; i++) {
        if (&vcpus[i] != vcpu && vcpus[i].waits && is_meant(processors[i].apic_id, command))
            vcpu_start(&vcpus[i], (u8)command);
    }
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
    u32 value;

    if (!decode(vcpu, &store)) {
        log_event("apic_released", "rip=0x%lx", vcpu_rip(vcpu));
        ept_set_perms(&vcpu->vm->ept, access->gpa, EPT_RW);
        return EXIT_RESUME;
    }
    value = store.has_gpr ? (u32)vcpu_gpr(vcpu, store.gpr) : store.value;
    if (offset == APIC_COMMAND_LOW && COMMAND_KIND(value) == KIND_STARTUP)
        start(vcpu, value);
    else if (offset != APIC_COMMAND_LOW || COMMAND_KIND(value) != KIND_INIT)
        *apic_register(offset) = value;
    vcpu_skip_store(vcpu, store.length);
    if (vcpus_waiting == 0)
        ept_set_perms(&vcpu->vm->ept, access->gpa, EPT_RW);
    return EXIT_RESUME;
}
