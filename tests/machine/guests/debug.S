/*
 * A Multiboot kernel that arms a breakpoint, exits to the hypervisor, and powers off with what it
 * then finds wrong: bit 0 DR7 changed, bit 1 DR0 changed, bit 2 the armed breakpoint was not hit.
 */
#define DR7_L0_EXECUTE 0x401
#define VECTOR_DB      1
#define PRESENT_GATE   0x8e00

    .text
    .long 0x1badb002, 0, -0x1badb002

    .globl _start
_start:
    mov $stack_top, %esp
    lgdt gdt_pointer
    ljmp $8, $1f
1:  mov $16, %eax
    mov %eax, %ss
    mov %eax, %ds

    mov $on_debug, %eax
    mov %ax, idt + 8 * VECTOR_DB
    movw $8, idt + 8 * VECTOR_DB + 2
    movw $PRESENT_GATE, idt + 8 * VECTOR_DB + 4
    shr $16, %eax
    mov %ax, idt + 8 * VECTOR_DB + 6
    lidt idt_pointer

    mov $watched, %eax
    mov %eax, %dr0
    mov $DR7_L0_EXECUTE, %eax
    mov %eax, %dr7
    xor %eax, %eax
    cpuid

    mov $4, %esi
    mov %dr7, %eax
    cmp $DR7_L0_EXECUTE, %eax
    je 1f
    or $1, %esi
1:  mov %dr0, %eax
    cmp $watched, %eax
    je watched
    or $2, %esi
watched:
    nop
    mov %esi, %ebx
    mov $6, %eax /* KMV_HC_POWEROFF */
    vmcall

/* The breakpoint is a fault: RF in the frame lets the instruction run. */
on_debug:
    and $~4, %esi
    orl $0x10000, 8(%esp)
    iret

    .data
    .balign 8
gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff
gdt_pointer:
    .word . - gdt - 1
    .long gdt
idt:
    .fill 8 * 2, 1, 0
idt_pointer:
    .word 8 * 2 - 1
    .long idt
    .fill 256, 1, 0
stack_top:
