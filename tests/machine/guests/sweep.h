/* Shared by sweep.S and sweep.c. */
#ifndef TESTS_GUESTS_SWEEP_H
#define TESTS_GUESTS_SWEEP_H

#define SELECTOR_CODE 8
#define SELECTOR_DATA 16
#define SELECTOR_TSS  24

#define VECTOR_TRAP      65
#define VECTOR_INTERRUPT 64

#define LAPIC_EOI      0xfee000b0
#define LAPIC_SPURIOUS 0xfee000f0
#define LAPIC_ICR      0xfee00300
#define ICR_SELF       0x44000 /* fixed, asserted, to itself */

#define EFLAGS_TF 0x100

/* The GDT is in the data page as well: what the processor reads there may be lost, too. */
#define GDT_AT 0xf00

#define HC_POISON          3
#define HC_COUNTERS        5
#define HC_POWEROFF        6
#define HC_WINDOWS         7
#define HC_POISON_LATER    8
#define HC_INTERRUPT_LATER 9

#endif
