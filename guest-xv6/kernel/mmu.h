/* What the processor's manuals define: control bits, page-table entries, segments (SDM volume 3,
 * chapters 2 to 5). */
#ifndef MMU_H
#define MMU_H

#define CR0_PE         0x00000001
#define CR0_MP         0x00000002
#define CR0_EM         0x00000004 /* no x87, SSE, AVX: #NM or #UD */
#define CR0_TS         0x00000008
#define CR0_NE         0x00000020
#define CR0_WP         0x00010000 /* the kernel too obeys read-only pages */
#define CR0_PG         0x80000000
#define CR4_PSE        0x00000010
#define CR4_OSFXSR     0x00000200
#define CR4_OSXMMEXCPT 0x00000400
#define CR4_OSXSAVE    0x00040000

#define EFLAGS_IF 0x00000200

/* Page-table entries. A and D are set by the kernel beforehand (PTE_AD), so that the processor
 * never writes a page table: such a write would have no mirror. */
#define PTE_P   0x001
#define PTE_W   0x002
#define PTE_U   0x004
#define PTE_PWT 0x008
#define PTE_PCD 0x010
#define PTE_PS  0x080
#define PTE_AD  0x060

#define PTE_ADDR(e)  ((uint32_t)(e) & ~0xFFFu)
#define PDX(va)      ((uint32_t)(va) >> 22)
#define PTX(va)      (((uint32_t)(va) >> 12) & 0x3FF)
#define NPTENTRIES   1024
#define LARGE_PGSIZE 0x400000

/* Segment selectors: the same on every processor. */
#define SEL_KCODE 0x08
#define SEL_KDATA 0x10
#define SEL_UCODE 0x1B
#define SEL_UDATA 0x23
#define SEL_TSS   0x28
#define SEL_CPU   0x30 /* gs in the kernel: this processor's struct cpu */
#define NSEGS     7

#define DPL_USER 3

#endif
