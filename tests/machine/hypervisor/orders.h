/*
 * What a guest orders for a boundary between its instructions, for tests: a page that goes bad, an
 * external interrupt, or the next fault of a plan. The guest steps there with TF rather than the
 * monitor trap flag, which Bochs 2.7 offers but does not exit for.
 */
#ifndef TESTS_ORDERS_H
#define TESTS_ORDERS_H

#include <hv/vcpu/vcpu.h>

#include "plan.h"

struct order {
    u32 steps;    /* boundaries to go, 0: none is ordered */
    bool planned; /* the page is the one that the plan draws then */
    u8 vector;    /* 0: poison a page, else the external interrupt to raise */
    gpa_t gpa;
    u32 where; /* as in KMV_HC_POISON */
};

/* Of one virtual processor. */
struct orders {
    struct order order;
    struct fault_plan plan;
    u64 guest_ticks;    /* TSC ticks that the guest has had of this processor */
    bool stepped;       /* the last entry was with TF, to come to the next boundary */
    bool stepped_event; /* it was to come to the boundary behind the event that it delivered */
};

struct orders *orders_of(const struct vcpu *vcpu);

/* It is done when the guest has passed order->steps boundaries more: events count, and each
 * iteration of a repeated instruction. Replaces what was ordered before. The guest can tell: flags
 * that it saves meanwhile have TF set. */
void orders_set(struct vcpu *vcpu, const struct order *order);

/* From then on no single step is the guest's. */
int orders_start_plan(struct vcpu *vcpu, const struct kmv_fault_plan *plan);

/* The guest came to the boundary behind an instruction or an event. */
void orders_boundary(struct vcpu *vcpu);

/* Around an entry: the guest stops at the next boundary while an order counts them, and when the
 * plan's next instant comes. */
void orders_before_entry(struct vcpu *vcpu);
void orders_after_entry(struct vcpu *vcpu, bool entered);

/* Was the #DB that the guest exited for a step of ours? */
bool orders_take_step(struct vcpu *vcpu);

#endif
