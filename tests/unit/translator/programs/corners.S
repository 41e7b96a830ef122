# What hand-written assembly may do that compilers seldom do. entry(argument) returns a checksum in eax.

    .macro MIX value
    movl \value, %edx
    call mix_edx
    .endm

    .text
# Mixes edx into the checksum; keeps all other registers. Not a function of any calling convention.
mix_edx:
    pushf
    roll $5, checksum
    xorl %edx, checksum
    popf
    ret

    .globl entry
    .type entry, @function
entry:
    pusha
    movl 36(%esp), %ebx
    movl %esp, %ebp

# Short branches of every kind whose targets move away.
    movl $3, %ecx
1:  incl counter
    .rept 12
    movl %ecx, scratch
    .endr
    loop 1b
    movl $4, %ecx
2:  decl counter
    .rept 10
    incl scratch
    .endr
    cmpl $100, counter
    loopne 2b
    jecxz 3f
    .rept 12
    movl $1, scratch
    .endr
3:  xorl %ecx, %ecx
    jecxz 4f
    movl $0xbad, scratch
4:  movl $2, %ecx
    jecxz 5f
    .rept 10
    pushl scratch
    popl scratch
    .endr
5:  MIX counter
    MIX scratch

# Distances about the reach of short branches, in the original and after growth.
    .irp distance, 118, 119, 120, 121, 122, 123, 124, 125, 126
    testl %ebx, %ebx
    jne 6f
    .skip \distance - 6, 0x90
    movl %ebx, scratch
6:  incl scratch
    .endr
    MIX scratch

# Code addresses in data: a jump table, a biased one, a relative one.
    xorl %esi, %esi
7:  jmp *jump_table(, %esi, 4)
case0:
    MIX $0x10
    jmp 8f
case1:
    MIX $0x20
    jmp 8f
case2:
    MIX $0x30
8:  incl %esi
    cmpl $3, %esi
    jb 7b
    movl biased, %eax
    subl $0x1000, %eax
    call *%eax
    movl $pc_relative, %eax
    addl pc_relative, %eax
    call *%eax

# The instruction pointer, and data in text.
    call 9f
9:  popl %edi
    subl $9b, %edi
    MIX %edi
    MIX text_data
    movl $0x12345678, text_data
    MIX text_data

# Registers as arguments, a tail jump, a jump to a function's start, a return to a pushed address.
    movl $0x1111, %eax
    movl $0x2222, %ecx
    movl $0x3333, %edx
    call register_arguments
    MIX %eax
    movl $5, %ecx
    call loops_to_itself
    MIX %eax
    movl $0x77, %ecx
    call returns_elsewhere
    MIX %eax

# Writers that move their own address, and esp as an operand.
    leal table, %eax
    movl %eax, 16(%eax)
    xaddl %eax, (%eax)
    subl $table, table
    MIX table
    leal table, %eax
    xchgl %eax, 8(%eax)
    subl $table, table+8
    MIX %eax
    leal table, %eax
    cmpxchgl %ecx, 4(%eax)
    MIX table+4
    subl $8, %esp
    pushl $0x66
    pushl (%esp)
    popl (%esp)
    popl 4(%esp)
    pushl %esp
    popl %eax
    subl %esp, %eax
    MIX %eax
    movl %esp, scratch
    subl %esp, scratch
    MIX scratch
    addl %esp, table
    subl %esp, table
    MIX table
    addl $8, %esp

# 16-bit operands, segment registers, flags, frames.
    pushw $0x1234
    pushw table
    popw table+2
    popw table+6
    movw %ds, table+10
    pushl %ds
    popl %ds
    pushf
    popf
    enter $16, $0
    movl $9, -4(%ebp)
    leave
    enter $8, $3
    leave
    movl %ebp, scratch2
    MIX table+8
    movl $0x01020304, %eax
    movl %eax, %es:table+12
    movbe %eax, table+16
    movnti %eax, table+20
    MIX table+16
    movb %al, table+20
    movl $-33, %ecx
    btsl %ecx, table+24
    btcw %cx, table+24
    setc table+24
    MIX table+20
    MIX table+24

# Direction down, counts of zero.
    std
    movl $table+60, %edi
    movl $table+40, %esi
    movl $5, %ecx
    rep movsl
    stosl
    movsw
    cld
    xorl %ecx, %ecx
    rep stosb
    rep movsb
    movl %edi, %edx
    subl $table, %edx
    call mix_edx
    .irp at, 28, 32, 36, 40, 44, 48, 52, 56, 60
    MIX table+\at
    .endr

# A trace of each class where nothing writes afterwards, so that a missing mirror stays visible.
    movl $5, %eax
    xchgl %eax, traces
    movl $77, %eax
    btsl %eax, traces+4
    movl $traces+20, %edi
    movl $3, %ecx
    rep stosl
    movl $traces+32, %edi
    stosl
    leal -1024(%esp), %ebp
    xchgl %ebp, %esp
    pushl $0x77777777
    pushl traces
    pushf
    pusha
    movl %ebp, %esp

    movl checksum, %eax
    movl %eax, 28(%esp)
    popa
    ret

# Takes registers, ends in a tail jump.
    .type register_arguments, @function
register_arguments:
    addl %ecx, %eax
    addl %edx, %eax
    jmp leaf
    .size register_arguments, . - register_arguments

    .p2align 4
    .globl leaf # so that its biased address keeps its name
    .type leaf, @function
leaf:
    addl $1, leaf_calls
    adcl $0, %eax
    ret
    .size leaf, . - leaf

    .type loops_to_itself, @function
loops_to_itself:
    movl %ecx, scratch
    addl scratch, %eax
    decl %ecx
    jnz loops_to_itself
    ret
    .size loops_to_itself, . - loops_to_itself

# `ret` as a jump: the code that is returned to takes ecx.
returns_elsewhere:
    pushl $takes_ecx
    ret
takes_ecx:
    movl %ecx, %eax
    ret

    .type text_data, @object
    .p2align 2
text_data:
    .long 0xfeedface
    .long leaf
    .size text_data, . - text_data

    .section .rodata
jump_table:
    .long case0, case1, case2
biased:
    .long leaf + 0x1000
pc_relative:
    .long leaf - .

    .data
checksum:   .long 1
leaf_calls: .long 0
counter:    .long 0
scratch:    .long 0
table:      .fill 20, 4, 0x5a5a5a5a

traces:     .fill 20, 4, 0x3c3c3c3c

    .bss
scratch2: .long 0
