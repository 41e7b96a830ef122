/* VMCS field encodings and control bits, named as in the SDM (vol. 3D, appendix B; vol. 3C, 25.6
 * to 25.8). */
#ifndef HV_VMX_VMCS_FIELDS_H
#define HV_VMX_VMCS_FIELDS_H

/* Of a segment register; its number counts as in enum segment_index. */
#define VMCS_SEGMENT(X, name, index)                                                               \
    X(GUEST_##name##_SELECTOR, 0x0800 + 2 * (index))                                               \
    X(GUEST_##name##_LIMIT, 0x4800 + 2 * (index))                                                  \
    X(GUEST_##name##_ACCESS_RIGHTS, 0x4814 + 2 * (index))                                          \
    X(GUEST_##name##_BASE, 0x6806 + 2 * (index))

/* X(name, encoding): every field this hypervisor reads or writes; the table also names them in
 * dumps. */
#define VMCS_FIELDS(X)                                                                             \
    X(VIRTUAL_PROCESSOR_ID, 0x0000)                                                                \
    VMCS_SEGMENT(X, ES, 0)                                                                         \
    VMCS_SEGMENT(X, CS, 1)                                                                         \
    VMCS_SEGMENT(X, SS, 2)                                                                         \
    VMCS_SEGMENT(X, DS, 3)                                                                         \
    VMCS_SEGMENT(X, FS, 4)                                                                         \
    VMCS_SEGMENT(X, GS, 5)                                                                         \
    VMCS_SEGMENT(X, LDTR, 6)                                                                       \
    VMCS_SEGMENT(X, TR, 7)                                                                         \
    X(HOST_ES_SELECTOR, 0x0c00)                                                                    \
    X(HOST_CS_SELECTOR, 0x0c02)                                                                    \
    X(HOST_SS_SELECTOR, 0x0c04)                                                                    \
    X(HOST_DS_SELECTOR, 0x0c06)                                                                    \
    X(HOST_FS_SELECTOR, 0x0c08)                                                                    \
    X(HOST_GS_SELECTOR, 0x0c0a)                                                                    \
    X(HOST_TR_SELECTOR, 0x0c0c)                                                                    \
    X(IO_BITMAP_A, 0x2000)                                                                         \
    X(IO_BITMAP_B, 0x2002)                                                                         \
    X(MSR_BITMAPS, 0x2004)                                                                         \
    X(EPT_POINTER, 0x201a)                                                                         \
    X(GUEST_PHYSICAL_ADDRESS, 0x2400)                                                              \
    X(VMCS_LINK_POINTER, 0x2800)                                                                   \
    X(GUEST_DEBUGCTL, 0x2802)                                                                      \
    X(GUEST_PAT, 0x2804)                                                                           \
    X(GUEST_EFER, 0x2806)                                                                          \
    X(GUEST_PDPTE0, 0x280a)                                                                        \
    X(HOST_PAT, 0x2c00)                                                                            \
    X(HOST_EFER, 0x2c02)                                                                           \
    X(PIN_BASED_CONTROLS, 0x4000)                                                                  \
    X(PRIMARY_CONTROLS, 0x4002)                                                                    \
    X(EXCEPTION_BITMAP, 0x4004)                                                                    \
    X(PAGE_FAULT_ERROR_MASK, 0x4006)                                                               \
    X(PAGE_FAULT_ERROR_MATCH, 0x4008)                                                              \
    X(CR3_TARGET_COUNT, 0x400a)                                                                    \
    X(EXIT_CONTROLS, 0x400c)                                                                       \
    X(EXIT_MSR_STORE_COUNT, 0x400e)                                                                \
    X(EXIT_MSR_LOAD_COUNT, 0x4010)                                                                 \
    X(ENTRY_CONTROLS, 0x4012)                                                                      \
    X(ENTRY_MSR_LOAD_COUNT, 0x4014)                                                                \
    X(ENTRY_INTERRUPTION_INFO, 0x4016)                                                             \
    X(ENTRY_EXCEPTION_ERROR_CODE, 0x4018)                                                          \
    X(ENTRY_INSTRUCTION_LENGTH, 0x401a)                                                            \
    X(SECONDARY_CONTROLS, 0x401e)                                                                  \
    X(INSTRUCTION_ERROR, 0x4400)                                                                   \
    X(EXIT_REASON, 0x4402)                                                                         \
    X(EXIT_INTERRUPTION_INFO, 0x4404)                                                              \
    X(EXIT_INTERRUPTION_ERROR_CODE, 0x4406)                                                        \
    X(IDT_VECTORING_INFO, 0x4408)                                                                  \
    X(IDT_VECTORING_ERROR_CODE, 0x440a)                                                            \
    X(EXIT_INSTRUCTION_LENGTH, 0x440c)                                                             \
    X(GUEST_GDTR_LIMIT, 0x4810)                                                                    \
    X(GUEST_IDTR_LIMIT, 0x4812)                                                                    \
    X(GUEST_INTERRUPTIBILITY, 0x4824)                                                              \
    X(GUEST_ACTIVITY_STATE, 0x4826)                                                                \
    X(GUEST_SYSENTER_CS, 0x482a)                                                                   \
    X(PREEMPTION_TIMER, 0x482e)                                                                    \
    X(HOST_SYSENTER_CS, 0x4c00)                                                                    \
    X(CR0_GUEST_HOST_MASK, 0x6000)                                                                 \
    X(CR4_GUEST_HOST_MASK, 0x6002)                                                                 \
    X(CR0_READ_SHADOW, 0x6004)                                                                     \
    X(CR4_READ_SHADOW, 0x6006)                                                                     \
    X(EXIT_QUALIFICATION, 0x6400)                                                                  \
    X(GUEST_LINEAR_ADDRESS, 0x640a)                                                                \
    X(GUEST_CR0, 0x6800)                                                                           \
    X(GUEST_CR3, 0x6802)                                                                           \
    X(GUEST_CR4, 0x6804)                                                                           \
    X(GUEST_GDTR_BASE, 0x6816)                                                                     \
    X(GUEST_IDTR_BASE, 0x6818)                                                                     \
    X(GUEST_DR7, 0x681a)                                                                           \
    X(GUEST_RSP, 0x681c)                                                                           \
    X(GUEST_RIP, 0x681e)                                                                           \
    X(GUEST_RFLAGS, 0x6820)                                                                        \
    X(GUEST_PENDING_DEBUG, 0x6822)                                                                 \
    X(GUEST_SYSENTER_ESP, 0x6824)                                                                  \
    X(GUEST_SYSENTER_EIP, 0x6826)                                                                  \
    X(HOST_CR0, 0x6c00)                                                                            \
    X(HOST_CR3, 0x6c02)                                                                            \
    X(HOST_CR4, 0x6c04)                                                                            \
    X(HOST_FS_BASE, 0x6c06)                                                                        \
    X(HOST_GS_BASE, 0x6c08)                                                                        \
    X(HOST_TR_BASE, 0x6c0a)                                                                        \
    X(HOST_GDTR_BASE, 0x6c0c)                                                                      \
    X(HOST_IDTR_BASE, 0x6c0e)                                                                      \
    X(HOST_SYSENTER_ESP, 0x6c10)                                                                   \
    X(HOST_SYSENTER_EIP, 0x6c12)                                                                   \
    X(HOST_RSP, 0x6c14)                                                                            \
    X(HOST_RIP, 0x6c16)

#define VMCS_FIELD_ENUM(name, encoding) VMCS_##name = (encoding),
enum vmcs_field { VMCS_FIELDS(VMCS_FIELD_ENUM) };

/* Pin-based controls, SDM vol. 3C, table 25-5. */
#define PIN_EXTERNAL_EXITING (1u << 0)
#define PIN_NMI_EXITING      (1u << 3)
#define PIN_VIRTUAL_NMIS     (1u << 5)
#define PIN_PREEMPTION_TIMER (1u << 6)

/* Primary processor-based controls, table 25-6. */
#define PRIMARY_INTERRUPT_WINDOW_EXITING (1u << 2)
#define PRIMARY_HLT_EXITING              (1u << 7)
#define PRIMARY_INVLPG_EXITING           (1u << 9)
#define PRIMARY_MWAIT_EXITING            (1u << 10)
#define PRIMARY_RDPMC_EXITING            (1u << 11)
#define PRIMARY_CR3_LOAD_EXITING         (1u << 15)
#define PRIMARY_CR3_STORE_EXITING        (1u << 16)
#define PRIMARY_NMI_WINDOW_EXITING       (1u << 22)
#define PRIMARY_USE_IO_BITMAPS           (1u << 25)
#define PRIMARY_USE_MSR_BITMAPS          (1u << 28)
#define PRIMARY_MONITOR_EXITING          (1u << 29)
#define PRIMARY_SECONDARY_CONTROLS       (1u << 31)

/* Secondary processor-based controls, table 25-7. */
#define SECONDARY_EPT                (1u << 1)
#define SECONDARY_VPID               (1u << 5)
#define SECONDARY_UNRESTRICTED_GUEST (1u << 7)

/* VM-exit controls, table 25-13; VM-entry controls, table 25-15. */
#define EXIT_SAVE_DEBUG         (1u << 2)
#define EXIT_HOST_ADDRESS_SPACE (1u << 9)
#define EXIT_ACKNOWLEDGE        (1u << 15)
#define EXIT_SAVE_PAT           (1u << 18)
#define EXIT_LOAD_PAT           (1u << 19)
#define EXIT_SAVE_EFER          (1u << 20)
#define EXIT_LOAD_EFER          (1u << 21)
#define ENTRY_LOAD_DEBUG        (1u << 2)
#define ENTRY_IA32E_MODE        (1u << 9)
#define ENTRY_LOAD_PAT          (1u << 14)
#define ENTRY_LOAD_EFER         (1u << 15)

/* Interruption information, tables 25-14, 25-17, 25-18. */
#define INTERRUPTION_VECTOR(info)  ((info)&0xff)
#define INTERRUPTION_TYPE(info)    ((info) >> 8 & 7)
#define INTERRUPTION_ERROR_VALID   (1u << 11)
#define INTERRUPTION_NMI_UNBLOCKED (1u << 12) /* exit information: "NMI unblocking due to IRET" */
#define INTERRUPTION_VALID         (1u << 31)
enum interruption_type {
    INTERRUPTION_EXTERNAL = 0,
    INTERRUPTION_NMI = 2,
    INTERRUPTION_HARDWARE_EXCEPTION = 3,
    INTERRUPTION_SOFTWARE = 4,
    INTERRUPTION_PRIVILEGED_SOFTWARE_EXCEPTION = 5,
};

/* Guest interruptibility state, table 25-3. */
#define INTERRUPTIBILITY_STI    (1u << 0)
#define INTERRUPTIBILITY_MOV_SS (1u << 1)
#define INTERRUPTIBILITY_NMI    (1u << 3)

/* Guest flags (SDM vol. 1, 3.4.3). */
#define RFLAGS_TF (1u << 8)
#define RFLAGS_IF (1u << 9)

/* What DR6 would have got, in the exit qualification of #DB (SDM vol. 3C, table 28-1). */
#define DEBUG_BREAKPOINT_0 (1u << 0)
#define DEBUG_SINGLE_STEP  (1u << 14)

/* Guest activity state, 25.4.2. */
#define ACTIVITY_HLT 1u

/* Segment access rights, table 25-2. */
#define ACCESS_RIGHTS_LONG (1u << 13)

#endif
