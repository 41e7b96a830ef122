/*
 * Code of other modes for modes.c, each called from flat 32-bit code with paging off and returning to it so; the answer
 * comes back in EAX.
 */
#define LOW 0x7000 /* where 16-bit code can be reached */

    .text
    .code32

/* u32 long_mode(u32 root): 4-level paging, then 64-bit code that leaves bits for what it finds wrong. */
    .globl long_mode
long_mode:
    push %ebp
    push %ebx
    push %esi
    push %edi
    mov 20(%esp), %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x20, %eax          /* PAE */
    mov %eax, %cr4
    mov $0xc0000080, %ecx
    rdmsr
    or $0x901, %eax         /* NXE, LME, SCE */
    wrmsr
    mov %cr0, %eax
    or $0x80000020, %eax    /* PG, and NE, which exits the first time */
    mov %eax, %cr0
    ljmp $0x48, $1f
    .code64
1:  xor %edi, %edi
    mov $0x123456789abcdef0, %r8
    mov %r8, %r15
    mov $0xfedcba9876543210, %rbx
    xor %eax, %eax
    cpuid                   /* exits */
    cmp %r8, %r15
    je 1f
    or $1, %edi
1:  mov $0xffffffff00000000, %rax
    mov $0x2f8, %edx
    in %dx, %eax            /* exits; 32-bit results clear the upper half */
    mov $0xffffffff, %ecx
    cmp %rcx, %rax
    je 1f
    or $2, %edi
1:  mov $0xc0000080, %ecx
    rdmsr
    and $0x400, %eax        /* LMA */
    jnz 1f
    or $4, %edi
1:  lea alias(%rip), %rax
    mov $0xffff800000000000, %rcx
    add %rcx, %rax
    jmp *%rax               /* the same code in the upper half, where RIP does not fit 32 bits */
alias:
    mov $1, %eax
    cpuid                   /* exits */
    lea 1f(%rip), %rax
1:  lea 1b(%rip), %rcx
    cmp %rax, %rcx
    jne 2f
    shr $47, %rcx
    jnz 1f
2:  or $8, %edi
1:  mov $0xc0000081, %ecx   /* STAR */
    mov $0x00000008, %edx
    xor %eax, %eax
    wrmsr
    mov $0xc0000082, %ecx   /* LSTAR */
    lea on_syscall(%rip), %rax
    mov %rax, %rdx
    shr $32, %rdx
    wrmsr
    mov $0xc0000101, %ecx   /* GS base, swapped, must come back from the other register */
    mov $0x1234, %eax
    xor %edx, %edx
    wrmsr
    swapgs
    cpuid
    swapgs
    mov $0xc0000101, %ecx
    rdmsr
    cmp $0x1234, %eax
    je 1f
    or $16, %edi
1:  ljmp *leave(%rip)
on_syscall:
    ud2
    .balign 8
leave:
    .long left_long, 8
    .code32
left_long:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov %cr0, %eax
    and $0x7fffffdf, %eax
    mov %eax, %cr0
    mov $0xc0000080, %ecx
    xor %eax, %eax
    xor %edx, %edx
    wrmsr
    mov %cr4, %eax
    and $~0x20, %eax
    mov %eax, %cr4
    mov %edi, %eax
    pop %edi
    pop %esi
    pop %ebx
    pop %ebp
    ret

/* Copies the 16-bit code between \name\()_start and _end to LOW and goes there in a 16-bit segment,
 * interrupts through the vectors at 0 if the code makes it real mode. It ends with leave_16. */
    .macro enter_16 name
    push %ebp
    push %ebx
    push %esi
    push %edi
    sidt saved_idt
    mov %esp, saved_stack
    mov $\name\()_start, %esi
    mov $LOW, %edi
    mov $\name\()_end - \name\()_start, %ecx
    rep movsb
    ljmp $0x38, $LOW
    .code16
\name\()_start:
    .endm

    .macro leave_16 name /* from protected mode */
    ljmpl $8, $left_16
\name\()_end:
    .code32
    .endm

    .macro real_on name
    mov %cr0, %eax
    and $0xfe, %al
    mov %eax, %cr0
    ljmp $0, $LOW + 1f - \name\()_start
1:
    .endm

    .macro real_off
    mov %cr0, %eax
    or $1, %al
    mov %eax, %cr0
    .endm

/* u32 real_mode(void): 16-bit code with PE clear counts interrupts through the vector table at 0, and 0x1000 for each
 * general protection that comes without an error code. */
    .globl real_mode
real_mode:
    movl $LOW + real_handler - real_start, 0x60 * 4
    movl $LOW + real_fault - real_start, 13 * 4
    enter_16 real
    mov $0x40, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    lidtl %cs:LOW + real_idt - real_start
    real_on real
    xor %ax, %ax
    mov %ax, %ds
    mov %ax, %es
    mov %ax, %ss
    mov $0x6f00, %sp
    xor %bx, %bx
    mov $100, %cx
1:  int $0x60
    loop 1b
    push %bx
    mov $1, %eax
    cpuid                   /* exits */
    pop %bx
    mov $0x2f8, %dx
    in %dx, %al             /* exits */
    mov $0x12345, %ecx
    rdmsr                   /* exits, and faults */
    sti
    cli
    movzwl %bx, %ebx
    real_off
    jmp 1f
real_handler:
    inc %bx
    iret
real_fault:
    add $0x1000, %bx
    pop %ax
    add $2, %ax
    push %ax
    iret
real_idt:
    .word 0x3ff
    .long 0
1:  leave_16 real

/* u32 big_real_mode(const u32 *address): real mode with data segments of 4 GiB reads beyond 1 MiB. */
    .globl big_real_mode
big_real_mode:
    mov 4(%esp), %edx
    enter_16 big
    real_on big
    push %edx
    xor %ax, %ax
    cpuid                   /* exits */
    pop %edx
    mov (%edx), %ebx
    real_off
    leave_16 big

/* u32 protected_16(void): 16-bit protected mode takes interrupts through 32-bit gates and goes on behind exits. */
    .globl protected_16
protected_16:
    enter_16 protected
    mov $0x40, %ax
    mov %ax, %ds
    mov %ax, %ss
    mov $0x6f00, %esp
    xor %ebx, %ebx
    mov $10, %cx
1:  push %bx
    push %cx
    int $48
    mov $1, %eax
    cpuid                   /* exits */
    pop %cx
    pop %ebx
    inc %bx
    loop 1b
    leave_16 protected

left_16:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov saved_stack, %esp
    lidt saved_idt
    mov %ebx, %eax
    pop %edi
    pop %esi
    pop %ebx
    pop %ebp
    ret

    .data
    .balign 8
saved_idt:
    .quad 0
saved_stack:
    .long 0
    .section .note.GNU-stack, "", @progbits
