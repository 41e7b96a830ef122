/* Hypercalls with hostile arguments. */
#include "attack.h"

ATTEMPT(call_version, return hypercall(0, 0, 0);)
ATTEMPT(call_unknown, return hypercall(0xffffffff, 0, 0);)
ATTEMPT(call_negative, return hypercall(0x80000000, 0, 0);)
ATTEMPT(call_near, return hypercall(0x1000, 0, 0);)
ATTEMPT(note_too_long, return hypercall(KMV_HC_NOTE, 0x102000, 257);)
ATTEMPT(note_overflow, return hypercall(KMV_HC_NOTE, 0xffffff80, 256);)
ATTEMPT(note_past_end, return hypercall(KMV_HC_NOTE, ram_bytes - 8, 16);)
ATTEMPT(note_vga, return hypercall(KMV_HC_NOTE, 0x9fff8, 16);)
ATTEMPT(counters_tables, return hypercall(KMV_HC_COUNTERS, 0xe0000000, 64);)
ATTEMPT(counters_mirror, return hypercall(KMV_HC_COUNTERS, 0x38000000, 64);)
ATTEMPT(counters_lapic, return hypercall(KMV_HC_COUNTERS, 0xfee00000, 64);)
ATTEMPT(counters_straddle, return hypercall(KMV_HC_COUNTERS, ram_bytes - 4, 64);)
ATTEMPT(poison_device, return hypercall(KMV_HC_POISON, 0xfee00000, 0);)
ATTEMPT(poison_side, return hypercall(KMV_HC_POISON, 0x200000, 7);)
ATTEMPT(poison_end, return hypercall(KMV_HC_POISON, ram_bytes, 0);)

ATTEMPT(give_device, return hypercall(KMV_HC_GIVE, 0xfee00000, 0);)
ATTEMPT(give_vga, return hypercall(KMV_HC_GIVE, 0xb8000, 0);)
ATTEMPT(give_mirror, return hypercall(KMV_HC_GIVE, 0x38200000, 0);)
ATTEMPT(give_end, return hypercall(KMV_HC_GIVE, ram_bytes, 0);)
ATTEMPT(loss_by_nmi, return hypercall(KMV_HC_LOSS_VECTOR, 2, 0);)
ATTEMPT(loss_by_page_fault, return hypercall(KMV_HC_LOSS_VECTOR, 14, 0);)
ATTEMPT(loss_by_interrupt, return hypercall(KMV_HC_LOSS_VECTOR, 32, 0);)
ATTEMPT(loss_wraps, return hypercall(KMV_HC_LOSS_VECTOR, 0x100 + 18, 0);)
ATTEMPT(loss_off, return hypercall(KMV_HC_LOSS_VECTOR, 0, 0);)
ATTEMPT(lost_page_none, return hypercall(KMV_HC_LOST_PAGE, 0, 0);)
/* For tests only: the product has none of these. */
ATTEMPT(poison_later, return hypercall(KMV_HC_POISON_LATER, 0x200000, 0);)
ATTEMPT(interrupt_later, return hypercall(KMV_HC_INTERRUPT_LATER, 32, 0);)
ATTEMPT(faults_planned, return hypercall(KMV_HC_FAULTS, 0x200000, 24);)
ATTEMPT(renew_good, return hypercall(KMV_HC_RENEW, 0x200000, 0);)
ATTEMPT(renew_device, return hypercall(KMV_HC_RENEW, 0xfee00000, 0);)
ATTEMPT(renew_tables, return hypercall(KMV_HC_RENEW, 0xe0000000, 0);)
static u32 protect(u32 word, u32 order)
{
    static u32 list[1];

    list[0] = word;
    return hypercall(KMV_HC_PROTECT, (u32)list, order);
}
ATTEMPT(protect_device, return protect(0xfee00000, 1);)
ATTEMPT(protect_mirror, return protect(0x38200000, 1);)
ATTEMPT(protect_vga, return protect(0x9f001, 1);)
ATTEMPT(protect_past_end, return protect((ram_bytes - 4096) | 1, 1);)
ATTEMPT(protect_wraps, return protect(0xffffffff, 1);)
ATTEMPT(protect_many, return protect(0x200000, 1025);)
ATTEMPT(protect_list_nowhere, return hypercall(KMV_HC_PROTECT, 0xfffffffc, 2);)
ATTEMPT(settle_alone, return hypercall(KMV_HC_SETTLE, 0x200000, 1);)
ATTEMPT(scrub_all, return hypercall(KMV_HC_SCRUB, 501, 0);)
ATTEMPT(scrub_negative, return hypercall(KMV_HC_SCRUB, 0xffffffff, 0);)

/* Only as many bytes as asked for may change. */
static u32 counters_exact(void)
{
    static u32 buffer[8];

    for (u32 i = 0; i < COUNT(buffer); i++)
        buffer[i] = 0xa5a5a5a5;
    hypercall(KMV_HC_COUNTERS, (u32)buffer, 12); /* one counter fits */
    for (u32 i = 2; i < COUNT(buffer); i++) {
        if (buffer[i] != 0xa5a5a5a5)
            return i;
    }
    return 0;
}

static const struct row rows[] = {
    {"call_version", call_version, "0x1", KERNEL, ALWAYS},
    {"call_unknown", call_unknown, "0xffffffda", KERNEL, ALWAYS},
    {"call_negative", call_negative, "0xffffffda", KERNEL, ALWAYS},
    {"call_near", call_near, "0xffffffda", KERNEL, ALWAYS},
    {"note_too_long", note_too_long, "0xffffffea", KERNEL, ALWAYS},
    {"note_overflow", note_overflow, "0xfffffff2", KERNEL, ALWAYS},
    {"note_past_end", note_past_end, "0xfffffff2", KERNEL, ALWAYS},
    {"note_vga", note_vga, "0xfffffff2", KERNEL, ALWAYS},
    {"counters_tables", counters_tables, "0xfffffff2", KERNEL, ALWAYS},
    {"counters_mirror", counters_mirror, "0xfffffff2", KERNEL, ALWAYS},
    {"counters_lapic", counters_lapic, "0xfffffff2", KERNEL, ALWAYS},
    {"counters_straddle", counters_straddle, "0xfffffff2", KERNEL, ALWAYS},
    {"counters_exact", counters_exact, "0x0", KERNEL, ALWAYS},
    {"poison_device", poison_device, "0xffffffea", KERNEL, ALWAYS},
    {"poison_side", poison_side, "0xffffffea", KERNEL, ALWAYS},
    {"poison_end", poison_end, "0xffffffea", KERNEL, ALWAYS},
    {"loss_by_nmi", loss_by_nmi, "0xffffffea", KERNEL, ALWAYS},
    {"loss_by_page_fault", loss_by_page_fault, "0xffffffea", KERNEL, ALWAYS},
    {"loss_by_interrupt", loss_by_interrupt, "0xffffffea", KERNEL, ALWAYS},
    {"loss_wraps", loss_wraps, "0xffffffea", KERNEL, ALWAYS},
    {"loss_off", loss_off, "0x0", KERNEL, ALWAYS},
    {"lost_page_none", lost_page_none, "0xfffffffe", KERNEL, ALWAYS},
    {"poison_later", poison_later, "0xffffffda", KERNEL, MIRRORED},
    {"interrupt_later", interrupt_later, "0xffffffda", KERNEL, MIRRORED},
    {"faults_planned", faults_planned, "0xffffffda", KERNEL, MIRRORED},
    {"renew_good", renew_good, "0xffffffea", KERNEL, ALWAYS},
    {"renew_device", renew_device, "0xffffffea", KERNEL, ALWAYS},
    {"renew_tables", renew_tables, "0xffffffea", KERNEL, ALWAYS},
    {"give_device", give_device, "0xffffffea", KERNEL, ALWAYS},
    {"give_vga", give_vga, "0xffffffea", KERNEL, ALWAYS},
    {"give_mirror", give_mirror, "0xffffffea", KERNEL, ALWAYS},
    {"give_end", give_end, "0xffffffea", KERNEL, ALWAYS},
    {"protect_device", protect_device, "0xffffffea", KERNEL, MIRRORED},
    {"protect_mirror", protect_mirror, "0xffffffea", KERNEL, MIRRORED},
    {"protect_vga", protect_vga, "0xffffffea", KERNEL, MIRRORED},
    {"protect_past_end", protect_past_end, "0xffffffea", KERNEL, MIRRORED},
    {"protect_wraps", protect_wraps, "0xffffffea", KERNEL, MIRRORED},
    {"protect_many", protect_many, "0xffffffea", KERNEL, MIRRORED},
    {"protect_list_nowhere", protect_list_nowhere, "0xfffffff2", KERNEL, MIRRORED},
    {"protect_many", protect_many, "0xffffffa1", KERNEL, UNMIRRORED},
    {"scrub_all", scrub_all, "0xffffffea", KERNEL, MIRRORED},
    {"scrub_negative", scrub_negative, "0xffffffea", KERNEL, MIRRORED},
    {"scrub_all", scrub_all, "0xffffffa1", KERNEL, UNMIRRORED},
    {"settle_alone", settle_alone, "0xffffffa1", KERNEL, ALWAYS},
};

const struct attempts attempts_calls = {rows, COUNT(rows)};
