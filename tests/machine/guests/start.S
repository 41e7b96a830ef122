/*
 * Start of the kernels written in C: Multiboot header, stack, exception stubs, and the ways into and
 * out of an attempt (runtime.h).
 */
    .text
    .long 0x1badb002, 0, -0x1badb002

    .globl _start
_start:
    mov $stack_top, %esp
    lgdt gdt_pointer
    ljmp $8, $1f
1:  mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    push %ebx
    call runtime_start
1:  hlt
    jmp 1b

/* One stub a vector: all push an error code, 0 where the processor has none, and the vector. */
    .macro stub vector
    .balign 16
    .if (\vector == 8) || (\vector >= 10 && \vector <= 14) || (\vector == 17) || (\vector == 21)
    nop
    nop
    .else
    push $0
    .endif
    push $\vector
    jmp trap_common
    .endm

    .balign 16
    .globl trap_stubs
trap_stubs:
    .irp v, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49
    stub \v
    .endr

/* struct trap in runtime.h, from the bottom up. */
trap_common:
    push %ds
    pusha
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    cld
    push %esp
    call runtime_trap
    add $4, %esp
    popa
    pop %ds
    add $8, %esp
    iret

/* u32 attempt_call(u32 (*function)(void)): runs it in ring 0. A fault on the way comes out at attempt_abort. */
    .globl attempt_call
attempt_call:
    push %ebp
    push %ebx
    push %esi
    push %edi
    pushl attempt_stack
    mov %esp, attempt_stack
    call *24(%esp)
attempt_end:
    mov attempt_stack, %esp
    popl attempt_stack
    pop %edi
    pop %esi
    pop %ebx
    pop %ebp
    ret

/* The same in ring 3: it comes back through vector 49. */
    .globl attempt_call_user
attempt_call_user:
    push %ebp
    push %ebx
    push %esi
    push %edi
    pushl attempt_stack
    mov %esp, attempt_stack
    mov %esp, tss + 4
    mov 24(%esp), %edx
    push $0x23
    push $user_stack_top
    pushl $2
    push $0x1b
    push $1f
    mov $0x23, %eax
    mov %eax, %ds
    mov %eax, %es
    iret
1:  call *%edx
    int $49

/* void attempt_abort(u32 value): ends the attempt from a trap handler. */
    .globl attempt_abort
attempt_abort:
    mov 4(%esp), %eax
    mov $16, %edx
    mov %edx, %ds
    mov %edx, %es
    mov %edx, %fs
    mov %edx, %gs
    pushl $2
    popf
    jmp attempt_end

    .data
    .balign 8
    .globl gdt
gdt:
    .quad 0, 0x00cf9b000000ffff, 0x00cf93000000ffff, 0x00cffb000000ffff, 0x00cff3000000ffff
    .quad 0, 0 /* 0x28, 0x30: task-state segments, filled in by runtime.c */
    .quad 0x00009b000000ffff, 0x000093000000ffff /* 0x38, 0x40: 16-bit code and data */
    .quad 0x00af9b000000ffff /* 0x48: 64-bit code */
    .skip 128 /* 0x50 to 0xc8: free, for tests */
gdt_end:
gdt_pointer:
    .word gdt_end - gdt - 1
    .long gdt
    .globl attempt_stack
attempt_stack:
    .long 0

    .bss
    .balign 4096
    .globl tss
tss:
    .skip 4096
    .skip 4096
user_stack_top:
    .skip 16384
stack_top:
    .section .note.GNU-stack, "", @progbits
