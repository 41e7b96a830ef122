/*
 * u64 vmx_enter(u64 regs[16], bool launched, const u32 *requests): enters the guest and comes back at the next VM exit (0), or
 * returns the flags of the failed VMLAUNCH/VMRESUME with bit 63 set, or bit 62: *requests was not 0, or an NMI came after the look
 * at it. regs is in ModRM order; slot 4 (RSP) is left alone.
 */
#define HOST_RSP 0x6c14

    .text
    .globl vmx_enter
vmx_enter:
    push    %rbp
    push    %rbx
    push    %r12
    push    %r13
    push    %r14
    push    %r15
    push    %rdi
    mov     $HOST_RSP, %eax
    vmwrite %rsp, %rax
    .globl guest_entry_begin
guest_entry_begin:
    cmpl    $0, (%rdx)
    jne     guest_entry_abort
    test    %sil, %sil
    mov     (8*0)(%rdi), %rax
    mov     (8*1)(%rdi), %rcx
    mov     (8*2)(%rdi), %rdx
    mov     (8*3)(%rdi), %rbx
    mov     (8*5)(%rdi), %rbp
    mov     (8*6)(%rdi), %rsi
    mov     (8*8)(%rdi), %r8
    mov     (8*9)(%rdi), %r9
    mov     (8*10)(%rdi), %r10
    mov     (8*11)(%rdi), %r11
    mov     (8*12)(%rdi), %r12
    mov     (8*13)(%rdi), %r13
    mov     (8*14)(%rdi), %r14
    mov     (8*15)(%rdi), %r15
    mov     (8*7)(%rdi), %rdi
    jnz     1f
    vmlaunch
    jmp     vmx_enter_failed
1:  vmresume
    .globl guest_entry_end
guest_entry_end:
vmx_enter_failed:
    pushf
    pop     %rax
    bts     $63, %rax
    add     $8, %rsp
    jmp     2f

    .globl guest_entry_abort
guest_entry_abort:
    xor     %eax, %eax
    bts     $62, %rax
    add     $8, %rsp
    jmp     2f

    .globl vmx_exit_point
vmx_exit_point:
    push    %rdi
    mov     8(%rsp), %rdi
    mov     %rax, (8*0)(%rdi)
    mov     %rcx, (8*1)(%rdi)
    mov     %rdx, (8*2)(%rdi)
    mov     %rbx, (8*3)(%rdi)
    mov     %rbp, (8*5)(%rdi)
    mov     %rsi, (8*6)(%rdi)
    pop     (8*7)(%rdi)
    mov     %r8, (8*8)(%rdi)
    mov     %r9, (8*9)(%rdi)
    mov     %r10, (8*10)(%rdi)
    mov     %r11, (8*11)(%rdi)
    mov     %r12, (8*12)(%rdi)
    mov     %r13, (8*13)(%rdi)
    mov     %r14, (8*14)(%rdi)
    mov     %r15, (8*15)(%rdi)
    add     $8, %rsp
    xor     %eax, %eax
2:  pop     %r15
    pop     %r14
    pop     %r13
    pop     %r12
    pop     %rbx
    pop     %rbp
    ret

    .section .note.GNU-stack, "", @progbits
