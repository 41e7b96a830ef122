/* The VMX backend's own parts, for hv/vmx and hv/boot only. */
#ifndef HV_VMX_BACKEND_H
#define HV_VMX_BACKEND_H

#include <hv/vcpu/vcpu.h>
#include <hv/vmx/features.h>

/* Enters VMX operation and prepares the VMCS of this processor's vcpu. Tables come from the heap.
 * 0, -HV_ENOMEM, -HV_EIO (logged). */
int vmx_setup(struct vcpu *vcpu, const struct vmx_controls *controls);

/* The guest begins at `entry` (protected mode, flat, paging off), with EAX and EBX as Multiboot
 * wants them. 0, -HV_EIO (logged). */
int vmx_start_boot(struct vcpu *vcpu, u32 entry, u32 mbi);

/* As INIT leaves a processor (SDM vol. 3A, table 9-1); it waits for its start-up interrupt. 0,
 * -HV_EIO (logged). */
int vmx_start_waiting(struct vcpu *vcpu);

/* The start-up interrupt: real mode, at the page `vector`. */
void vmx_start_up(u8 vector);

/* Runs the guest to its next VM exit. False: something has to be done first. */
bool vmx_enter_guest(struct vcpu *vcpu);

/* Answers the VM exit that just happened. */
enum exit_result vmx_dispatch(struct vcpu *vcpu);

/* What vcpu_run calls in place of these two: weak, so that a build for tests can go around them
 * (tests/machine/hypervisor). */
bool vmx_hooked_enter(struct vcpu *vcpu);
enum exit_result vmx_hooked_dispatch(struct vcpu *vcpu);

/* Before an entry: hands the UART log lines, visits pages as the scrubber's budget allows, and sees
 * to an exit when more is due. */
void vmx_do_due(struct vcpu *vcpu);

/* Takes over the event whose delivery the exit interrupted, if any, for re-injection (SDM vol.
 * 3C, 28.2.4). */
void vmx_event_collect(struct vcpu *vcpu);

/* Writes the pending event, and a waiting NMI if the window is open, into the VM-entry fields. */
void vmx_event_deliver(struct vcpu *vcpu);

/* Before an entry: makes the guest run to the end of an open window if an event is `wanted`,
 * something waits for a boundary, or another processor wants this one to stop; else does these.
 * True: nothing may be injected yet. */
bool vmx_step_prepare(struct vcpu *vcpu, bool wanted);

/* Has that anything to do without a wanted event? */
bool vmx_step_wanted(const struct vcpu *vcpu);

/* Restores blocking by NMI that an interrupted IRET had lifted (SDM vol. 3C, 28.2.3). */
void vmx_nmi_reblock(u32 unblocked);

/* Logs the guest's state as event=guest_state lines; all: every field of the VMCS. */
void vmx_dump_guest(const struct vcpu *vcpu);
void vmx_dump_all(const struct vcpu *vcpu);

/* Logs the field that a failed VM entry failed for as event=entry_check. */
void vmx_log_entry_check(void);

/* Name of a basic exit reason (SDM vol. 3D, appendix C). */
const char *vmx_exit_name(unsigned reason);

u64 vmx_enter(u64 *regs, bool launched, const _Atomic u32 *requests);
extern const char vmx_exit_point[];

#endif
