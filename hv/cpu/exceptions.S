/* Exceptions in root mode: one stub a vector brings the stack to the shape of struct exception_frame. */
    .text

    .macro  stub vector, has_error
    .balign 16
exception_stub_\vector:
    .if     \has_error == 0
    push    $0
    .endif
    push    $\vector
    jmp     exception_common
    .endm

    /* SDM vol. 3A, table 6-1: 8, 10-14, 17, 21, 29 and 30 push an error code. */
    .irp v, 0, 1, 2, 3, 4, 5, 6, 7, 9, 15, 16, 18, 19, 20, 22, 23, 24, 25, 26, 27, 28, 31
    stub    \v, 0
    .endr
    .irp v, 8, 10, 11, 12, 13, 14, 17, 21, 29, 30
    stub    \v, 1
    .endr

exception_common:
    .irp    reg, r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax
    push    %\reg
    .endr
    cld
    mov     %rsp, %rdi
    mov     %rsp, %rbp
    and     $-16, %rsp
    call    exception_handle
    mov     %rbp, %rsp
    .irp    reg, rax, rcx, rdx, rbx, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15
    pop     %\reg
    .endr
    add     $16, %rsp
    iretq

    .section .data.rel.ro, "aw"
    .balign 8
    .globl  exception_stubs
exception_stubs:
    .irp v, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    .quad   exception_stub_\v
    .endr

    .section .note.GNU-stack, "", @progbits
