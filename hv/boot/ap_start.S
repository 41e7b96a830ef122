/*
 * Where another processor starts: real mode, CS:IP = its page:0 (SDM vol. 3A, 9.4.4). Copied to that page, and its parameters
 * filled in, by processors.c. On to long mode at once, with the tables of the page behind, and to C.
 */
#define HERE(label) ((label) - ap_start)

    .section .rodata
    .balign 16
    .globl  ap_start, ap_start_parameters, ap_start_long, ap_start_end
ap_start:
    .code16
    cli
    cld
    mov     %cs, %ax
    mov     %ax, %ds
    lgdtl   HERE(ap_start_parameters)
    mov     $0x20, %eax                 /* PAE */
    mov     %eax, %cr4
    mov     HERE(ap_start_parameters) + 16, %eax
    mov     %eax, %cr3
    mov     $0xc0000080, %ecx           /* EFER: LME */
    rdmsr
    or      $0x100, %eax
    wrmsr
    mov     $0x80010011, %eax           /* PG, WP, ET, PE: caches on */
    mov     %eax, %cr0
    ljmpl   *HERE(ap_start_parameters) + 8

    .code64
ap_start_long:
    mov     ap_start_parameters + 24(%rip), %rsp
    mov     ap_start_parameters + 32(%rip), %rdi
    mov     ap_start_parameters + 40(%rip), %rax
    xor     %ebp, %ebp
    call    *%rax

    .balign 8
ap_start_parameters:                    /* struct ap_parameters */
    .skip   48
ap_start_end:

    .section .note.GNU-stack, "", @progbits
