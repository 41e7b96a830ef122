/*
 * Shapes of windows, and the ways into and out of one. Translated as a whole. A shape writes to
 * data_page or, with esp in it, to stack_page, and jumps to shape_end; what it left on the stack
 * stays there.
 */
#include "sweep.h"

    .section .multiboot, "a"
    .long 0x1badb002, 0, -0x1badb002

    .text
    .globl _start
_start:
    mov $main_stack_top, %esp
    call sweep_start
1:  hlt
    jmp 1b

/* void shape_run(const void *shape, u32 number, u32 first, u32 second): orders by hypercall what
 * shall happen, then runs the shape. */
    .globl shape_run
shape_run:
    push %ebp
    push %ebx
    push %esi
    push %edi
    mov %esp, runner_esp
    mov 20(%esp), %edx
    mov 24(%esp), %eax
    mov 28(%esp), %ebx
    mov 32(%esp), %ecx
    mov $stack_page + 4096 - 64, %esp
    mov $data_page, %ebp
    mov $data_page + 64, %edi
    mov $data_page + 512, %esi
    fninit
    fld1
    vmcall
    mov $0x1a2b3c4d, %eax
    mov $0x5e6f7081, %ebx
    mov $0x92a3b4c5, %ecx
    jmp *%edx

shape_end:
    /* What is not done yet is dropped. */
    mov $HC_INTERRUPT_LATER, %eax
    xor %ebx, %ebx
    xor %ecx, %ecx
    vmcall
    mov %esp, shape_esp
    mov runner_esp, %esp
    cld
    pop %edi
    pop %esi
    pop %ebx
    pop %ebp
    ret

/* void gdt_use(const void *pointer) */
    .globl gdt_use
gdt_use:
    mov 4(%esp), %eax
    lgdt (%eax)
    ljmp $SELECTOR_CODE, $1f
1:  mov $SELECTOR_DATA, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    ret

    .globl on_interrupt
on_interrupt:
    pusha
    cld
    call interrupted
    popa
    iret

    .globl on_trap
on_trap:
    movl $0, LAPIC_EOI
    iret

/* Flags that were saved while the hypervisor counted boundaries, and loaded afterwards. */
    .globl on_debug
on_debug:
    andl $~EFLAGS_TF, 8(%esp)
    iret

    .globl on_other
on_other:
    call unexpected
1:  jmp 1b

    .macro shape name, page, code
    .text
    .balign 4
shape_\name:
    \code
    jmp shape_end
    .section .rodata
9:  .asciz "\name"
    .section .shapes, "a"
    .long shape_\name, 9b, \page
    .text
    .endm

    /* The preprocessor leaves quoted text alone. */
    .set gdt_at, GDT_AT
    .set selector_tss, SELECTOR_TSS
    .set trap_flag, EFLAGS_TF
    .set interrupt_command, LAPIC_ICR
    .set interrupt_self, ICR_SELF | VECTOR_TRAP

    .section .shapes, "a"
    .globl shapes
shapes:

    shape store, data_page, "movl $0x12345678, (%ebp); movl %esi, 8(%ebp); movb %al, 13(%ebp); movw %cx, 14(%ebp)"
    shape setcc, data_page, "cmp %eax, %eax; setz 5(%ebp)"
    shape moffs, data_page, "mov $0x5a5a, %eax; movl %eax, data_page + 24; movb %al, data_page + 29"
    shape nontemporal, data_page, "movnti %esi, 16(%ebp)"
    shape vector, data_page, "movups 512(%ebp), %xmm1; movups %xmm1, 32(%ebp); movq %xmm1, 3(%ebp)"
    shape maskmov, data_page, "movups 512(%ebp), %xmm1; movups 528(%ebp), %xmm2; maskmovdqu %xmm2, %xmm1"
    shape rmw, data_page, "addl $7, (%ebp); stc; adcl %esi, 4(%ebp); incw 8(%ebp); negb 11(%ebp)"
    shape shift, data_page, "mov $5, %ecx; shll %cl, (%ebp); stc; rcrl $3, 4(%ebp); shldl %cl, %esi, 8(%ebp)"
    shape bit_immediate, data_page, "btsl $3, (%ebp); btcl $31, 4(%ebp)"
    shape bit_offset, data_page, "mov $100, %ecx; btsl %ecx, (%ebp); btcl %ecx, 16(%ebp)"
    shape exchange, data_page, "xchg %esi, (%ebp); xaddl %esi, 4(%ebp); xchg %cl, 9(%ebp)"
    shape cmpxchg, data_page, "mov (%ebp), %eax; lock cmpxchgl %esi, (%ebp); cmpxchgl %esi, 4(%ebp)"
    shape cmpxchg8b, data_page, "mov (%ebp), %eax; mov 4(%ebp), %edx; mov $1, %ebx; mov $2, %ecx; lock cmpxchg8b (%ebp); cmpxchg8b 8(%ebp)"
    shape x87, data_page, "fstl (%ebp); fistl 8(%ebp); fld1; fstps 20(%ebp); fld1; fistpl 24(%ebp); fnstcw 14(%ebp); fnstenv 32(%ebp); fldcw 14(%ebp); fstpt 80(%ebp)"
    shape fnsave, data_page, "fnsave (%ebp)"
    shape fxsave, data_page, "fxsave (%ebp)"
    shape system, data_page, "sidt (%ebp); sgdt 8(%ebp); smsw 14(%ebp); sldt 16(%ebp); str 18(%ebp)"
    shape ltr, data_page, "movb $0x89, gdt_at + selector_tss + 5(%ebp); mov $selector_tss, %eax; ltr %ax"
    shape stos, data_page, "mov $0x77, %eax; stosl; std; stosb"
    shape movs, data_page, "movsl; movsb"
    shape rep_stos, data_page, "mov $0x11223344, %eax; mov $24, %ecx; rep stosl"
    shape rep_stos_back, data_page, "mov $0x66, %eax; mov $9, %ecx; std; rep stosb"
    shape rep_movs, data_page, "mov $12, %ecx; rep movsl"
    shape rep_movs_over, data_page, "lea 4(%edi), %esi; xchg %esi, %edi; mov $12, %ecx; rep movsl"
    shape ins, data_page, "mov $0xa1, %edx; insb"
    shape rep_ins, data_page, "mov $0xa1, %edx; mov $3, %ecx; rep insb"
    shape push, stack_page, "push %esi; push $0x1234; pushw %di; pushw $5"
    shape push_group, stack_page, "push %esi; push %edi; push $0x1234; push %ebx; push $-5; push %ecx"
    shape push_other, stack_page, "push %esp; pushl 512(%ebp); push %ds; andl $0xffff, (%esp); push %ss; andl $0xffff, (%esp)"
    shape pushf, stack_page, "cmp %eax, %eax; pushf; andl $~trap_flag, (%esp)"
    shape pusha, stack_page, "pusha"
    shape enter, stack_page, "enter $8, $0; movl $1, -4(%ebp); movl $2, -8(%ebp); enter $4, $2; movl $3, (%esp)"
    shape pop, stack_page, "push %esi; push %edi; popl 4(%esp); popl 16(%esp)"
    shape call, stack_page, "call leaf; mov $leaf, %eax; call *%eax"
    shape trap, stack_page, "movl $interrupt_self, interrupt_command; nop"
    shape stack_rmw, stack_page, "push %esi; addl $3, (%esp); xchg %edi, (%esp); push (%esp)"

    .section .shapes, "a"
    .long 0, 0, 0

    .text
leaf:
    push %ebp
    mov %esp, %ebp
    leave
    ret

    .bss
    .balign 4096
    .globl data_page, stack_page
data_page:
    .skip 4096
    .skip 4096
stack_page:
    .skip 4096
    .skip 4096
    .skip 16384
main_stack_top:
    .globl shape_esp
shape_esp:
    .skip 4
runner_esp:
    .skip 4
    .section .note.GNU-stack, "", @progbits
