/*
 * Every class of writer in many forms, for kmv-translate to translate and kmv-verify to judge. Never run: only verified.
 */
    .text

    /* One instruction on every kind of address. */
    .macro at_each operation:vararg
    each (%eax), \operation
    each (%ecx), \operation
    each 8(%ebx), \operation
    each -4(%ebp), \operation
    each (%esp), \operation
    each 300(%esp), \operation
    each value, \operation
    each "value+8(,%ecx,4)", \operation
    each "-128(%edx,%esi,8)", \operation
    each %fs:16(%edi), \operation
    each %es:4(%edi), \operation
    .endm
    .macro each address, operation:vararg
    \operation \address
    .endm

    .globl _start
    .type _start, @function
_start:
    call stores
    call changes
    call strings
    call stack
    call others
    call vectors
    movl $table, %eax
    call *4(%eax)
    jmp *table(,%ecx,4)

    .type stores, @function
stores:
    at_each movl %eax,
    at_each movl %esp,
    at_each movw %dx,
    at_each movb %ch,
    at_each movl $0x12345678,
    at_each movl $value,
    at_each movw $0x1234,
    at_each movb $0x12,
    at_each movw %ds,
    at_each movntil %esi,
    at_each setbe
    at_each seto
    movl %eax, value
    movb %al, value
    movw %ax, value
    ret

    .type changes, @function
changes:
    at_each addl %eax,
    at_each addb $1,
    at_each orw $0x1111,
    at_each andl $-2,
    at_each subl $value,
    at_each xorb %dl,
    at_each adcl %ebx,
    at_each sbbw %si,
    at_each incl
    at_each decb
    at_each notl
    at_each negw
    at_each shll %cl,
    at_each sarb $3,
    at_each rorl
    at_each rclw %cl,
    at_each shldl $3, %eax,
    at_each shrdl %cl, %edx,
    at_each btsl $5,
    at_each btrl %eax,
    at_each btcw %dx,
    at_each xchgl %edx,
    at_each xchgb %ah,
    at_each xaddl %eax,
    at_each lock xaddb %bl,
    at_each lock cmpxchgl %ecx,
    at_each cmpxchgb %dl,
    at_each lock cmpxchg8b
    at_each lock incl
    ret

    .type strings, @function
strings:
    stosb
    stosw
    stosl
    rep stosb
    rep stosw
    rep stosl
    movsb
    movsw
    movsl
    rep movsb
    rep movsw
    rep movsl
    insb
    insw
    insl
    rep insb
    rep insw
    rep insl
    ret

    .type stack, @function
stack:
    pushl %eax
    pushl %ebp
    pushl %esp
    pushw %dx
    pushl $5
    pushl $value
    pushw $5
    at_each pushl
    at_each pushw
    at_each popl
    at_each popw
    pushl %ds
    pushl %fs
    pushfl
    pushfw
    pushal
    enter $16, $0
    enter $16, $3
    leave
    call 1f
1:
    popl %eax
    ret

    .type others, @function
others:
    at_each fsts
    at_each fstps
    at_each fstpl
    at_each fstpt
    at_each fists
    at_each fistpll
    at_each fbstp
    at_each fnstcw
    at_each fnstsw
    at_each sgdtl
    at_each sidtl
    at_each sldt
    at_each str
    at_each smsw
    ltr %ax
2:
    decl %edx
    loop 2b
    jecxz 2b
    loopne 3f
    movl %eax, (%ebx)
3:
    ret

    .type vectors, @function
vectors:
    at_each movaps %xmm1,
    at_each movntq %mm1,
    at_each vmovups %ymm1,
    at_each vmovntdq %xmm3,
    at_each vextractf128 $1, %ymm2,
    at_each vcvtps2ph $0, %ymm2,
    at_each vpextrb $3, %xmm1,
    at_each vmaskmovps %ymm1, %ymm2,
    at_each vmaskmovpd %xmm1, %xmm2,
    at_each vpmaskmovd %xmm1, %xmm2,
    at_each vpmaskmovq %ymm1, %ymm2,
    at_each xsave
    at_each xsavec
    at_each xsaveopt
    maskmovq %mm2, %mm1
    maskmovdqu %xmm2, %xmm1
    vmaskmovdqu %xmm2, %xmm1
    ret

    .globl vector
vector:
    pushl $0
    pushl $14
    jmp trap

    .globl trap
trap:
    pushal
    call stores
    popal
    addl $8, %esp
    iret

/* Ends the section with a call, as compilers do where the callee does not return. */
    .globl last
last:
    call stores

    .section .rodata
table:
    .long _start, stores, 1b, vector

    .data
value:
    .fill 64, 4, 7
