/* What the guest did that the hypervisor has to answer: one file each in this folder, free of
 * vendor details. */
#ifndef HV_EXIT_HANDLERS_H
#define HV_EXIT_HANDLERS_H

#include <hv/cpu/apic.h>
#include <hv/vcpu/vcpu.h>

struct memory_access {
    gpa_t gpa;
    gva_t gva;
    bool read, write, exec;
};

struct io_access {
    u16 port;
    u8 bytes; /* 1, 2, 4 */
    bool in;
    bool string;
};

enum task_source { TASK_CALL, TASK_IRET, TASK_JMP, TASK_GATE /* in the IDT */ };

struct task_switch {
    u16 selector; /* of the new task */
    enum task_source source;
    u32 length;     /* of the instruction that the old task is to go on behind; 0: on it */
    u32 external;   /* 1: not asked for by an instruction; EXT of error codes */
    bool has_error; /* the event comes with an error code */
    u32 error;
};

/* A write to the command register in x2APIC mode. False: it has to answer with #GP. */
bool apic_write_command(const struct vcpu *vcpu, u64 value);

/* A write to the local APIC's page, which apic_trap has made read-only to the guest. */
enum exit_result exit_apic(struct vcpu *vcpu, const struct memory_access *access);

/* From now on, as long as a virtual processor waits for its start-up interrupt. */
void apic_trap(struct vm *vm);

enum exit_result exit_memory(struct vcpu *vcpu, const struct memory_access *access);

/* A write by an instruction that violates at gpa; false, nothing done: exit_memory has to. */
bool exit_table_store(struct vcpu *vcpu, gpa_t gpa);

enum exit_result exit_page_fault(struct vcpu *vcpu, gva_t gva, u32 error);
enum exit_result exit_cpuid(struct vcpu *vcpu);
enum exit_result exit_cr_write(struct vcpu *vcpu, enum control_register which, u64 value);
/* What MOV to CR3 does; the instruction is not skipped. */
enum exit_result exit_load_cr3(struct vcpu *vcpu, u64 value);
enum exit_result exit_task_switch(struct vcpu *vcpu, const struct task_switch *request);
enum exit_result exit_cr3_read(struct vcpu *vcpu, unsigned gpr);
enum exit_result exit_invlpg(struct vcpu *vcpu, gva_t gva);
enum exit_result exit_io(struct vcpu *vcpu, const struct io_access *access);
enum exit_result exit_msr_read(struct vcpu *vcpu);
enum exit_result exit_msr_write(struct vcpu *vcpu);
enum exit_result exit_hypercall(struct vcpu *vcpu);
enum exit_result exit_xsetbv(struct vcpu *vcpu);
enum exit_result exit_machine_check(struct vcpu *vcpu);

/* The guest met a page that is lost on both sides: it is told, or stopped. */
enum exit_result exit_page_lost(struct vcpu *vcpu, gpa_t page);

/* Ports that the guest reaches directly; everything else exits. The bitmap has 8 KiB, a bit a port,
 * 1 = exit. */
void io_policy_fill(u8 *bitmap);

/* MSRs that the guest reaches directly. The bitmap has 4 KiB (SDM vol. 3C, 25.6.9), 1 = exit. */
void msr_policy_fill(u8 *bitmap, bool mirrored);

#endif
