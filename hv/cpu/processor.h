/*
 * State that belongs to one physical processor, whatever runs on it. In root mode GS leads to it; a
 * VM exit loads GS's base from the VMCS. Each runs one virtual processor, that of the same index.
 */
#ifndef HV_CPU_PROCESSOR_H
#define HV_CPU_PROCESSOR_H

#include <hv/cpu/mce.h>
#include <kmv/bootinfo.h>

struct tss {
    u32 reserved0;
    u64 rsp[3];
    u64 reserved1;
    u64 ist[7];
    u64 reserved2;
    u16 reserved3;
    u16 io_map_base;
} __attribute__((packed));
_Static_assert(sizeof(struct tss) == 104, "SDM vol. 3A, 8.7: a 64-bit TSS has 104 bytes");

enum { GDT_ENTRIES = 5 };

/* Touched by the processor itself alone, but for what says otherwise. */
struct processor {
    struct processor *self; /* at gs:0 */
    u32 index;
    u32 apic_id;
    bool started;             /* it has come up; read by the one that starts it */
    bool kicked;              /* the NMI that comes is the hypervisor's; set by who sends it */
    bool nmi_pending;         /* an NMI came in root mode that is the guest's */
    volatile bool faulted[2]; /* an expected fault of this kind happened (extable.h) */
    struct mce_queue machine_checks;
    u64 gdt[GDT_ENTRIES];
    struct tss tss;
};

extern struct processor processors[KMV_CPUS_MAX];

static inline struct processor *processor_self(void)
{
    struct processor *self;

    __asm__ volatile("mov %%gs:0, %0" : "=r"(self));
    return self;
}

static inline void processor_pause(void)
{
    __asm__ volatile("pause" : : : "memory");
}

/*
 * Starts those that the loader found, one after the other, each in `entry` with its index, on its
 * own stack, with this processor's page tables, and waits until it has set its processor's
 * `started`. All have to: the guest's MultiProcessor tables name them. Logs event=processors.
 */
void processors_start(const struct kmv_bootinfo *boot, void (*entry)(u32 index));

/* Makes it come to the hypervisor, out of the guest or of what it waits for in root mode. */
void processor_kick(struct processor *processor);

/* Stops all others for good: the machine ends. Returns once they have had the time to. */
void processors_halt_others(void);

#endif
