/* Entry from the loader: RDI = struct kmv_bootinfo *, long mode, firmware's identity mapping, interrupts off. */
    .text
    .globl hv_entry
hv_entry:
    cli
    cld
    lea     boot_stack_top(%rip), %rsp
    xor     %ebp, %ebp
    call    hv_main
1:  hlt
    jmp     1b

    .bss
    .balign 4096
    .globl boot_stack_guard
boot_stack_guard:
    .skip   4096
    .skip   32768
    .globl boot_stack_top
boot_stack_top:

    .section .note.GNU-stack, "", @progbits
