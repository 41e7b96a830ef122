# Loops that store: each function is one, and its name tells what is to be prefetched. entry(argument) runs them all and
# returns a checksum over what they stored.

#define BYTES 65536

    .macro FUNCTION name
    .globl \name
    .type \name, @function
\name:
    .endm

    .text
# Moves by a register, and is never read.
FUNCTION both
    movl $37, %edx
    xorl %eax, %eax
1:  movb $1, area(%eax)
    addl %edx, %eax
    cmpl $BYTES, %eax
    jb 1b
    ret
    .size both, . - both

# The same as a loop that is left in its middle.
FUNCTION both_left
    movl $97, %edx
    xorl %eax, %eax
1:  cmpl $BYTES, %eax
    jae 2f
    movb %dl, area(%eax)
    leal 64(%eax), %eax
    addl %edx, %eax
    jmp 1b
2:  ret
    .size both_left, . - both_left

# A quarter of a line a round: once for two stores, and only the mirror, for the program reads native.
FUNCTION mirror
    xorl %eax, %eax
1:  movl area(%eax), %edx
    movl %edx, area + 4(%eax)
    addl %eax, area + 8(%eax)
    addl $16, %eax
    cmpl $BYTES, %eax
    jb 1b
    ret
    .size mirror, . - mirror

# A line holds many rounds.
FUNCTION none
    xorl %eax, %eax
1:  addl %eax, area(,%eax,4)
    incl %eax
    cmpl $BYTES / 4, %eax
    jb 1b
    ret
    .size none, . - none

# Where the next round stores is not known.
FUNCTION none_loaded
    xorl %eax, %eax
    movl $1000, %ecx
1:  addl %ecx, area(%eax)
    movl area(%eax), %eax
    andl $BYTES - 4, %eax
    loop 1b
    ret
    .size none_loaded, . - none_loaded

FUNCTION entry
    call both
    call both_left
    call mirror
    call none
    call none_loaded
    xorl %eax, %eax
    xorl %ecx, %ecx
1:  roll $1, %eax
    addl area(,%ecx,4), %eax
    incl %ecx
    cmpl $BYTES / 4, %ecx
    jb 1b
    ret
    .size entry, . - entry

    .bss
    .balign 64
area:
    .skip BYTES + 64
