# The first instructions: from a Multiboot loader (protected mode, paging off, flat segments) to kernel_main at its
# linked address. Until paging is on, every address is the linked one minus KERNBASE.
#include "main.h"
#include "memlayout.h"
#include "mmu.h"

#define MULTIBOOT_MAGIC 0x1BADB002
#define MULTIBOOT_FLAGS 0x00000003 /* page-aligned modules, memory information */

# A trap frame of the same privilege has three words, but the mirror of a frame is copied as six: room above the top.
#define STACK_SLACK 32

    .section .multiboot, "a"
    .align 4
    .long MULTIBOOT_MAGIC
    .long MULTIBOOT_FLAGS
    .long -(MULTIBOOT_MAGIC + MULTIBOOT_FLAGS)

    .text
    .globl entry
entry:
    movl $V2P(boot_pgdir), %ecx
    movl %ecx, %cr3
    movl %cr0, %ecx
    orl $(CR0_PG | CR0_WP), %ecx
    movl %ecx, %cr0
    movl $boot_stack_top, %esp
    movl $entry_high, %ecx
    jmp *%ecx
entry_high:
    xorl %ebp, %ebp # end of every stack trace
    pushl %ebx      # Multiboot information
    pushl %eax      # Multiboot magic
    call kernel_main
1:  hlt
    jmp 1b

# Where another processor goes on from the start code in ap_start.S: protected mode, paging off.
    .globl ap_entry
ap_entry:
    movw $SEL_KDATA, %cx
    movw %cx, %ds
    movw %cx, %es
    movw %cx, %ss
    movl $V2P(boot_pgdir), %ecx
    movl %ecx, %cr3
    movl %cr0, %ecx
    orl $(CR0_PG | CR0_WP), %ecx
    movl %ecx, %cr0
    movl $ap_entry_high, %ecx
    jmp *%ecx
ap_entry_high:
    # The stack may lie anywhere in RAM, where only the kernel's page directory reaches.
    movl ap_boot + AP_BOOT_CR4, %ecx
    movl %ecx, %cr4
    movl ap_boot + AP_BOOT_CR3, %ecx
    movl %ecx, %cr3
    movl ap_boot + AP_BOOT_STACK, %esp
    xorl %ebp, %ebp
    call ap_main
1:  hlt
    jmp 1b

# The page directory of the boot: physical [0, 4 MiB) at 0, where this code runs, and at KERNBASE.
    .data
    .balign PGSIZE
    .globl boot_pgdir
boot_pgdir:
    .long V2P(boot_pgtab) + (PTE_P | PTE_W | PTE_AD)
    .fill (KERNBASE >> 22) - 1, 4, 0
    .long V2P(boot_pgtab) + (PTE_P | PTE_W | PTE_AD)
    .fill 1024 - (KERNBASE >> 22) - 1, 4, 0
boot_pgtab:
    .set page, 0
    .rept 1024
    .long page + (PTE_P | PTE_W | PTE_AD)
    .set page, page + PGSIZE
    .endr

    .bss
    .balign PGSIZE
boot_stack:
    .skip PGSIZE - STACK_SLACK
boot_stack_top:
    .skip STACK_SLACK
