/*
 * Switches from task to task, which the processor leaves to us: SDM vol. 3A, 8.3 tells the steps,
 * its table 8-1 the checks. Of these, those on gates and on the descriptor of the new task are done
 * before the exit (vol. 3C, 26.4.2).
 */
#include <hv/cpu/cpuid.h>
#include <hv/cpu/exceptions.h>
#include <hv/exit/handlers.h>
#include <hv/lib/string.h>
#include <hv/vm/linear.h>

#define FLAGS_ALWAYS 0x2u
#define FLAGS_NT     (1u << 14)
#define FLAGS_VM     (1u << 17)
#define FLAGS_KNOWN  0x3f7fd5u

#define TYPE_BUSY         0x02u
#define TYPE_ACCESSED     0x01u
#define TYPE_LDT          0x02u
#define DESCRIPTOR_RIGHTS 5 /* its byte with type, S, DPL, P */

#define DR6_BT (1u << 15)

/* Where things lie in a task-state segment (SDM vol. 3A, figures 8-2 and 8-10), in bytes. Each
 * field that is saved and loaded is `width` wide. */
struct layout {
    u32 width, ip, flags, registers, selectors, segments, ldt, bytes;
};

#define TSS_BYTES 0x68u /* of the larger one */
#define TSS_CR3   0x1cu
#define TSS_TRAP  0x64u
static const struct layout layouts[] = {
    {2, 0x0e, 0x10, 0x12, 0x22, 4, 0x2a, 0x2c},
    {4, 0x20, 0x24, 0x28, 0x48, 6, 0x60, TSS_BYTES},
};

struct task {
    struct segment tss;
    const struct layout *layout;
    u8 image[TSS_BYTES];
};

struct switching {
    struct vcpu *vcpu;
    const struct task_switch *request;
    struct linear_space space;
    struct task from, to;
    bool nested;             /* the new task returns to the old one */
    enum exit_result result; /* what a failed step made of the guest */
};

static u32 field(const struct task *task, u32 at, u32 bytes)
{
    u32 value = 0;

    memcpy(&value, task->image + at, bytes);
    return value;
}

static bool fail(struct switching *s, unsigned vector, u16 selector)
{
    s->result = vcpu_inject(s->vcpu, vector, true, (selector & ~3u) | s->request->external);
    return false;
}

static bool copy(struct switching *s, u32 at, void *buffer, u32 bytes, enum linear_access access)
{
    struct linear_fault fault;

    if (linear_copy(s->vcpu->vm, &s->space, at, buffer, bytes, access, &fault))
        return true;
    s->result = fault.no_ram
                    ? vcpu_stop(s->vcpu, "unsupported",
                                "what=\"task state outside of RAM\" gva=0x%lx", fault.gva.v)
                    : vcpu_inject_page_fault(s->vcpu, fault.gva, fault.error);
    return false;
}

/* False: beyond its table. */
static bool find_descriptor(const struct switching *s, u16 selector, u32 *at)
{
    struct segment table =
        vcpu_segment(s->vcpu, selector & SELECTOR_LOCAL ? SEGMENT_LDTR : SEGMENT_GDTR);

    *at = table.base + (selector & ~7u);
    return !(table.rights & RIGHTS_UNUSABLE) && (selector | 7u) <= table.limit;
}

static bool read_descriptor(struct switching *s, u16 selector, struct segment *segment)
{
    u32 at, limit, rights;
    u64 raw;

    if (!find_descriptor(s, selector, &at))
        return fail(s, VECTOR_TS, selector);
    if (!copy(s, at, &raw, sizeof(raw), LINEAR_READ))
        return false;
    limit = (u32)((raw & 0xffff) | (raw >> 32 & 0xf0000));
    rights = (u32)(raw >> 40) & 0xf0ff;
    *segment = (struct segment){
        .selector = selector,
        .base = (u32)((raw >> 16 & 0xffffff) | (raw >> 32 & 0xff000000)),
        .limit = rights & RIGHTS_GRANULAR ? limit << PAGE_SHIFT | (u32)PAGE_MASK : limit,
        .rights = rights,
    };
    return true;
}

static bool write_type(struct switching *s, const struct segment *segment)
{
    u32 at, rights = segment->rights;

    return find_descriptor(s, segment->selector, &at) &&
           copy(s, at + DESCRIPTOR_RIGHTS, &rights, 1, LINEAR_WRITE);
}

/* Nothing has changed yet if one of the tasks can't be written to. */
static bool find_tasks(struct switching *s)
{
    struct task *from = &s->from, *to = &s->to;

    from->tss = vcpu_segment(s->vcpu, SEGMENT_TR);
    if (!read_descriptor(s, s->request->selector, &to->tss))
        return false;
    from->layout = &layouts[from->tss.rights >> 3 & 1];
    to->layout = &layouts[to->tss.rights >> 3 & 1];
    if (from->tss.limit < from->layout->bytes - 1)
        return fail(s, VECTOR_TS, from->tss.selector);
    return copy(s, from->tss.base, from->image, from->layout->bytes, LINEAR_READ_TO_WRITE) &&
           copy(s, to->tss.base, to->image, to->layout->bytes, LINEAR_READ_TO_WRITE);
}

static bool save_registers(struct switching *s)
{
    struct task *from = &s->from;
    const struct layout *layout = from->layout;
    u32 ip = (u32)vcpu_rip(s->vcpu) + s->request->length;
    u32 flags = vcpu_flags(s->vcpu) & (s->request->source == TASK_IRET ? ~FLAGS_NT : ~0u);

    memcpy(from->image + layout->ip, &ip, layout->width);
    memcpy(from->image + layout->flags, &flags, layout->width);
    for (u32 i = 0; i < 8; i++) {
        u32 value = (u32)vcpu_gpr(s->vcpu, i);

        memcpy(from->image + layout->registers + i * layout->width, &value, layout->width);
    }
    for (u32 i = 0; i < layout->segments; i++) {
        u16 selector = vcpu_segment(s->vcpu, i).selector;

        memcpy(from->image + layout->selectors + i * layout->width, &selector, sizeof(selector));
    }
    return copy(s, from->tss.base + layout->ip, from->image + layout->ip, layout->ldt - layout->ip,
                LINEAR_WRITE);
}

/* Who is busy, and who called whom. The new task's image is read again: it may be the old one's. */
static bool link_tasks(struct switching *s)
{
    struct segment *from = &s->from.tss, *to = &s->to.tss, idle = *from;

    idle.rights &= ~TYPE_BUSY;
    to->rights |= TYPE_BUSY;
    return (s->nested ? copy(s, to->base, &from->selector, sizeof(u16), LINEAR_WRITE)
                      : write_type(s, &idle)) &&
           (s->request->source == TASK_IRET || write_type(s, to)) &&
           copy(s, to->base, s->to.image, s->to.layout->bytes, LINEAR_READ);
}

/* From here on, faults are the new task's. What a 16-bit task has no room for is 0. */
static bool load_registers(struct switching *s, u32 flags)
{
    const struct task *to = &s->to;
    const struct layout *layout = to->layout;
    u32 width = layout->width;

    vcpu_set_segment(s->vcpu, SEGMENT_TR, &to->tss);
    vcpu_set_cr0(s->vcpu, vcpu_control(s->vcpu, VCPU_CR0) | CR0_TS);
    vcpu_enter_task(s->vcpu, field(to, layout->ip, width), flags, s->request->source == TASK_IRET);
    for (u32 i = 0; i < 8; i++)
        vcpu_set_gpr(s->vcpu, i, field(to, layout->registers + i * width, width));
    if (s->space.paging && layout->bytes == TSS_BYTES) {
        s->space.cr3 = field(to, TSS_CR3, sizeof(u32));
        s->result = exit_load_cr3(s->vcpu, s->space.cr3);
    }
    return s->result == EXIT_RESUME;
}

static bool load_ldt(struct switching *s)
{
    u16 selector = (u16)field(&s->to, s->to.layout->ldt, sizeof(u16));
    struct segment ldt = {.selector = selector, .rights = RIGHTS_UNUSABLE};

    vcpu_set_segment(s->vcpu, SEGMENT_LDTR, &ldt);
    if ((selector & ~3u) == 0)
        return true;
    if (!(selector & SELECTOR_LOCAL) && !read_descriptor(s, selector, &ldt))
        return false;
    if ((ldt.rights & (RIGHTS_PRESENT | RIGHTS_MEMORY | RIGHTS_TYPE)) !=
        (RIGHTS_PRESENT | TYPE_LDT))
        return fail(s, VECTOR_TS, selector);
    vcpu_set_segment(s->vcpu, SEGMENT_LDTR, &ldt);
    return true;
}

/* Type bits: 3 code, 2 conforming (code), 1 readable (code) or writable (data). */
static bool fits(enum segment_index which, const struct segment *segment, u32 cpl)
{
    u32 type = segment->rights & RIGHTS_TYPE, dpl = RIGHTS_DPL(segment->rights);
    u32 rpl = segment->selector & 3;
    bool conforming = (type & 0xc) == 0xc;

    if (!(segment->rights & RIGHTS_MEMORY))
        return false;
    if (which == SEGMENT_CS)
        return (type & 8) && (conforming ? dpl <= cpl : dpl == cpl);
    if (which == SEGMENT_SS)
        return (type & 0xa) == 2 && dpl == cpl && rpl == cpl;
    return (type & 0xa) != 8 && (conforming || (dpl >= cpl && dpl >= rpl));
}

static bool load_segment(struct switching *s, enum segment_index which, u32 cpl)
{
    u16 selector = vcpu_segment(s->vcpu, which).selector;
    struct segment segment, accessed;

    if ((selector & ~3u) == 0 && which != SEGMENT_CS && which != SEGMENT_SS)
        return true;
    if (!read_descriptor(s, selector, &segment))
        return false;
    if ((selector & ~3u) == 0 || !fits(which, &segment, cpl))
        return fail(s, VECTOR_TS, selector);
    if (!(segment.rights & RIGHTS_PRESENT))
        return fail(s, which == SEGMENT_SS ? VECTOR_SS : VECTOR_NP, selector);
    accessed = segment;
    accessed.rights |= TYPE_ACCESSED;
    vcpu_set_segment(s->vcpu, which, &accessed);
    return accessed.rights == segment.rights || write_type(s, &accessed);
}

/* Until a segment has passed its checks it is as little as an entry into the guest allows, so that
 * the fault of a check comes in the new task and at its privilege. */
static bool load_segments(struct switching *s, bool virtual_8086)
{
    const struct layout *layout = s->to.layout;
    u32 cpl = field(&s->to, layout->selectors + SEGMENT_CS * layout->width, 1) & 3;

    for (u32 i = 0; i <= SEGMENT_GS; i++) {
        u32 at = layout->selectors + i * layout->width;
        struct segment segment = {
            .selector = i < layout->segments ? (u16)field(&s->to, at, sizeof(u16)) : 0,
            .rights = RIGHTS_OF_DPL(cpl) | (i == SEGMENT_CS ? RIGHTS_CODE_32 : RIGHTS_UNUSABLE),
        };

        if (virtual_8086)
            segment = (struct segment){segment.selector, (u32)segment.selector << 4, 0xffff,
                                       RIGHTS_VIRTUAL_8086};
        vcpu_set_segment(s->vcpu, i, &segment);
    }
    if (!load_ldt(s))
        return false;
    return virtual_8086 || (load_segment(s, SEGMENT_CS, cpl) && load_segment(s, SEGMENT_SS, cpl) &&
                            load_segment(s, SEGMENT_DS, cpl) && load_segment(s, SEGMENT_ES, cpl) &&
                            load_segment(s, SEGMENT_FS, cpl) && load_segment(s, SEGMENT_GS, cpl));
}

static bool push_error(struct switching *s)
{
    u32 width = s->to.layout->width, error = s->request->error;
    struct segment ss = vcpu_segment(s->vcpu, SEGMENT_SS);
    u32 mask = ss.rights & RIGHTS_32_BIT ? 0xffffffff : 0xffff;
    u32 old = (u32)vcpu_gpr(s->vcpu, REG_RSP), at = (old - width) & mask;

    if (!s->request->has_error)
        return true;
    if (!(ss.rights & RIGHTS_EXPAND_DOWN) && at > ss.limit - (width - 1))
        return fail(s, VECTOR_SS, 0);
    vcpu_set_gpr(s->vcpu, REG_RSP, (old & ~mask) | at);
    return copy(s, ss.base + at, &error, width, LINEAR_WRITE);
}

/* WHY: the processor makes no task switch for a guest. What it would write is written to both
 * copies of memory. */
enum exit_result exit_task_switch(struct vcpu *vcpu, const struct task_switch *request)
{
    struct switching s = {
        .vcpu = vcpu,
        .request = request,
        .space = vcpu_linear_space(vcpu),
        .nested = request->source == TASK_CALL || request->source == TASK_GATE,
    };
    u32 flags;

    if (!find_tasks(&s) || !save_registers(&s) || !link_tasks(&s))
        return s.result;
    flags = field(&s.to, s.to.layout->flags, s.to.layout->width) & FLAGS_KNOWN;
    flags |= FLAGS_ALWAYS | (s.nested ? FLAGS_NT : 0);
    if (!load_registers(&s, flags) || !load_segments(&s, (flags & FLAGS_VM) != 0) ||
        !push_error(&s))
        return s.result;
    /* The event that led through a gate is delivered. */
    vcpu->event = (struct event){0};
    if (s.to.layout->bytes < TSS_BYTES || !(s.to.image[TSS_TRAP] & 1))
        return EXIT_RESUME;
    dr6_write(dr6_read() | DR6_BT);
    return vcpu_inject(vcpu, VECTOR_DB, false, 0);
}
