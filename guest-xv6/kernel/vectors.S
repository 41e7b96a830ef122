# Entry of every interrupt and exception. Each vector has a stub that makes the frame uniform (an error code where the
# processor pushes none, then the vector) and goes to alltraps, the only place where a hardware frame reaches code:
# that is where the translator mirrors it.
#include "mmu.h"

    .altmacro

    .macro VECTOR_STUB n
vector\n:
    # Exceptions with an error code: SDM volume 3, table 6-1.
    .if !(\n == 8 || (\n >= 10 && \n <= 14) || \n == 17 || \n == 21)
    pushl $0
    .endif
    pushl $\n
    jmp alltraps
    .endm

    .macro VECTOR_ENTRY n
    .long vector\n
    .endm

    .text
    .set number, 0
    .rept 256
    VECTOR_STUB %number
    .set number, number + 1
    .endr

    .globl alltraps
alltraps:
    pushl %ds
    pushl %es
    pushl %fs
    pushl %gs
    pushal
    cld # the user's direction flag must not reach C
    movw $SEL_KDATA, %ax
    movw %ax, %ds
    movw %ax, %es
    movw $SEL_CPU, %ax
    movw %ax, %gs
    pushl %esp
    call trap
    addl $4, %esp

# Goes back to what the trap frame at esp describes; new processes start here.
    .globl trapret
trapret:
    popal
    popl %gs
    popl %fs
    popl %es
    popl %ds
    addl $8, %esp # vector, error code
    iret

    .section .rodata
    .balign 4
    .globl vectors
vectors:
    .set number, 0
    .rept 256
    VECTOR_ENTRY %number
    .set number, number + 1
    .endr
