# The start code of the other processors, copied to AP_START: a processor wakes from its start-up interrupt in real
# mode (SDM volume 3, 8.4.4). It lies in rodata because it is data to this kernel and to the translator; it writes
# no memory, so there is nothing to mirror.
#include "memlayout.h"
#include "mmu.h"

#define COPIED(label) ((label) - ap_start_begin + AP_START)

    .section .rodata
    .balign 16
    .globl ap_start_begin
ap_start_begin:
    .code16
    cli
    xorw %ax, %ax
    movw %ax, %ds
    lgdtl COPIED(ap_gdt_pointer)
    movl %cr0, %eax
    orl $CR0_PE, %eax
    movl %eax, %cr0
    ljmpl $SEL_KCODE, $V2P(ap_entry)
    .code32

    .balign 8
ap_gdt:
    .quad 0
    .quad 0x00CF9B000000FFFF # code, accessed beforehand
    .quad 0x00CF93000000FFFF # data
ap_gdt_pointer:
    .word 3 * 8 - 1
    .long COPIED(ap_gdt)
    .globl ap_start_end
ap_start_end:
