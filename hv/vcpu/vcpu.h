/*
 * A virtual processor, and what exit handlers may do with it. The functions here are implemented by
 * the vendor's backend (hv/vmx); handlers in hv/exit use nothing else of it.
 */
#ifndef HV_VCPU_VCPU_H
#define HV_VCPU_VCPU_H

#include <hv/types.h>
#include <hv/vm/linear.h>
#include <hv/vm/vm.h>

/* Registers that the processor does not switch; the order is that of the ModRM encoding and of
 * vmx/entry.S. */
enum register_index {
    REG_RAX,
    REG_RCX,
    REG_RDX,
    REG_RBX,
    REG_RSP,
    REG_RBP,
    REG_RSI,
    REG_RDI,
    REG_COUNT = 16
};

/* An event on its way into the guest, in the form of the VM-entry interruption-information field.
 */
struct event {
    u32 info; /* 0: none */
    u32 error;
    u32 length; /* of the instruction, for software events */
};

/* The guest runs to the end of a window that it was found in; what it gets back then. */
struct completion {
    bool on;
    u64 dr0, dr7;
    u32 exceptions;
};

/* Kinds of exits of which the distribution of costs is kept, from VM exit to VM entry: how many
 * took from bucket * COST_STEP TSC ticks on; the last bucket has all longer ones. */
enum cost { COST_NONE, COST_RECOVER, COST_PT_WRITE, COST_ROOT_DROP, COST_KINDS };
enum { COST_BUCKETS = 100, COST_STEP = 100 };

enum { VCPU_EXIT_REASONS = 80, VCPU_VECTORS = 256 };

/* Where a virtual processor is, for the others (vcpu/others.h). */
enum vcpu_place {
    VCPU_OUTSIDE, /* in root mode: looks at its requests before it enters */
    VCPU_INSIDE,  /* in the guest, or about to */
    VCPU_WAITING, /* outside, until another one starts it; this and what follows: comes in no more
                   */
    VCPU_PARKED   /* outside, stopped for another one */
};

/* Touched by its own processor alone, but for what says otherwise. */
struct vcpu {
    u64 regs[REG_COUNT];  /* REG_RSP is not used: the processor switches it */
    _Atomic u32 requests; /* of others, bits of vcpu_request; they set, this one clears */
    _Atomic u32 place;    /* vcpu_place, read by others */
    _Atomic u32 startup;  /* the interrupt, set by another: STARTUP_ARRIVED | vector */
    bool waits;           /* for it; guarded by the lock */
    u32 index;            /* of its processor, too */
    struct vm *vm;
    struct event event;
    struct exit_tally *tally; /* of the last exit's reason */
    bool launched;
    bool nmi_wanted; /* an NMI waits for the window */
    bool power_off;  /* the guest asked for it, with `status` */
    u32 status;
    u32 guest_cr3;                 /* what the guest believes CR3 to be (mirrored guests) */
    u32 primary;                   /* current primary controls */
    u32 pin;                       /* pin-based controls without the preemption timer */
    u64 raised[VCPU_VECTORS / 64]; /* external interrupts taken from the processor, a bit each */
    u32 raised_words;              /* which of these are not zero, a bit each */
    bool waiting; /* something keeps an event or a boundary from being done with (vmx/event.c) */
    gva_t window_maps; /* KMV_HC_WINDOWS; 0: none */
    bool loss_told;    /* the guest was told of `lost_page`, and has not asked which it is */
    gpa_t lost_page;
    struct completion completion;
    void (*at_boundary)(struct vcpu *); /* waits for one outside windows; NULL: nothing does */
    bool has_preemption_timer;
    bool preemption_timer_on;
    u8 preemption_timer_shift; /* the timer counts TSC ticks >> this (SDM vol. 3D, A.6) */
    enum cost cost;            /* of the exit that is being handled */
};

/* Exits of all processors by reason, and the TSC ticks that their handling took; guarded by the
 * lock. */
extern struct exit_tally {
    u64 count, ticks;
} exit_tally[VCPU_EXIT_REASONS];
extern u32 exit_costs[COST_KINDS][COST_BUCKETS];

/* What the handler decided. STOP: it has logged why with vcpu_stop. AGAIN, between parts of a
 * handler: do the last step again, for the other processors stand outside their windows. */
enum exit_result { EXIT_RESUME, EXIT_STOP, EXIT_AGAIN };

enum control_register { VCPU_CR0 = 0, VCPU_CR3 = 3, VCPU_CR4 = 4 };

u64 vcpu_rip(const struct vcpu *vcpu);
void vcpu_skip_instruction(struct vcpu *vcpu);

/* Linear address of the instruction that exited. False: it can't be done in the guest's place,
 * since it isn't 32-bit code, an event is in flight, or the guest debugs itself. */
bool vcpu_code_address(const struct vcpu *vcpu, gva_t *address);

/* How its linear addresses are translated, but for long mode. */
struct linear_space vcpu_linear_space(const struct vcpu *vcpu);

/* As vcpu_skip_instruction where the exit doesn't tell the instruction's length, and
 * vcpu_code_address that it may be done. */
void vcpu_skip_store(struct vcpu *vcpu, u32 bytes);
unsigned vcpu_privilege(const struct vcpu *vcpu);
u64 vcpu_gpr(const struct vcpu *vcpu, unsigned index);
void vcpu_set_gpr(struct vcpu *vcpu, unsigned index, u64 value);

/* The first eight in the order of the task-state segment; of GDTR only base and limit mean
 * something. */
enum segment_index {
    SEGMENT_ES,
    SEGMENT_CS,
    SEGMENT_SS,
    SEGMENT_DS,
    SEGMENT_FS,
    SEGMENT_GS,
    SEGMENT_LDTR,
    SEGMENT_TR,
    SEGMENT_GDTR
};

/* `rights` is bits 55:40 of a descriptor, without the limit's, and RIGHTS_UNUSABLE; `limit` counts
 * bytes. */
struct segment {
    u16 selector;
    u32 base, limit, rights;
};

#define RIGHTS_TYPE         0x0fu
#define RIGHTS_EXPAND_DOWN  (1u << 2) /* data */
#define RIGHTS_MEMORY       (1u << 4) /* S: code or data */
#define RIGHTS_DPL(rights)  ((rights) >> 5 & 3)
#define RIGHTS_OF_DPL(dpl)  ((dpl) << 5)
#define RIGHTS_PRESENT      (1u << 7)
#define RIGHTS_32_BIT       (1u << 14)
#define RIGHTS_GRANULAR     (1u << 15)
#define RIGHTS_UNUSABLE     (1u << 16)
#define RIGHTS_CODE_32      0x409bu
#define RIGHTS_VIRTUAL_8086 0xf3u
#define SELECTOR_LOCAL      (1u << 2)

struct segment vcpu_segment(const struct vcpu *vcpu, enum segment_index which);
void vcpu_set_segment(struct vcpu *vcpu, enum segment_index which, const struct segment *segment);

u32 vcpu_flags(const struct vcpu *vcpu);

/* A task switch has come to its new task: where that goes on, and what the processor does beside:
 * local breakpoints go (SDM vol. 3A, 8.3), nothing blocks events but an NMI that led here. */
void vcpu_enter_task(struct vcpu *vcpu, u32 eip, u32 flags, bool by_iret);

/* The register as the guest sees it. */
u64 vcpu_control(const struct vcpu *vcpu, enum control_register which);

/* Injects a hardware exception at the next entry, merging with one in flight as the SDM's table 6-5
 * says (vol. 3A, 6.15): returns EXIT_STOP on a triple fault. */
enum exit_result vcpu_inject(struct vcpu *vcpu, unsigned vector, bool has_error, u32 error);

/* As vcpu_inject for #PF, with CR2. */
enum exit_result vcpu_inject_page_fault(struct vcpu *vcpu, gva_t gva, u32 error);

/* As vcpu_inject, without an error code, in place of an event whose delivery the exit interrupted:
 * an interrupt is delivered later, the cause of any other comes again with the instruction. False:
 * the event was the same exception, so that its handler can't be reached. */
bool vcpu_inject_instead(struct vcpu *vcpu, unsigned vector);

/* The values the processor shall use and the guest shall read. */
void vcpu_set_cr0(struct vcpu *vcpu, u64 value);
void vcpu_set_cr4(struct vcpu *vcpu, u64 value);
/* The guest shall read `value`'s bits where the register is not its own; the rest follows when the
 * instruction, which no longer exits, is done again. */
void vcpu_set_shadow(struct vcpu *vcpu, enum control_register which, u64 value);
void vcpu_set_real_cr3(struct vcpu *vcpu, u64 value);

/* Bits of CR4 that the processor lacks or that are not offered to the guest. */
u64 vcpu_cr4_reserved(void);

/* Logs event=guest_stop reason=... with the registers; returns EXIT_STOP. `fmt` adds key=value
 * pairs. */
enum exit_result vcpu_stop(struct vcpu *vcpu, const char *reason, const char *fmt, ...)
    __attribute__((cold, format(printf, 3, 4)));

/* " NAME=COUNT/TICKS" for each reason of exits so far: how many there were, and the TSC ticks that
 * they took, on all processors. */
void vcpu_exits_text(char *text, size_t size);

/* Runs the guest until a handler stops it. */
void vcpu_run(struct vcpu *vcpu);

#endif
