# Fills and copies of many sizes, in a program that keeps vector registers of `argument` bytes. entry(argument) returns a
# checksum in eax over what they stored, the flags and registers that they left, and vector register 0.

#define DIRECTION 0x400
#define STATUS    0x8d5

    .text
    .globl entry
    .type entry, @function
entry:
    pushl %ebx
    pushl %esi
    pushl %edi
    pushl %ebp
    movl 20(%esp), %eax
    movl %eax, kmv_vector_bytes
    movl $0, checksum
    cmpl $64, %eax
    je 1f
    cmpl $32, %eax
    jne 2f
    vmovdqu pattern, %ymm0
    jmp 2f
1:  vmovdqu32 pattern, %zmm0
2:  movl $counts, %ebp

each_count:
    movl (%ebp), %ebx
# Upwards, from addresses of every alignment, with every flag set and then none.
    movl $area + 1, %edi
    call set_flags
    movl %ebx, %ecx
    movl $0x9e3779b9, %eax
    rep stosl
    call add_state
    movl %ebx, %ecx
    rep stosb
    call add_state
    movl $area + 3, %esi
    call clear_flags
    movl %ebx, %ecx
    rep movsl
    call add_state
    movl %ebx, %ecx
    rep movsb
    call add_state
# Onto itself, where each element read was just written.
    leal -7(%edi), %esi
    movl %ebx, %ecx
    rep movsl
    call add_state
# Onto what is read later.
    leal 40(%edi), %esi
    movl %ebx, %ecx
    rep movsb
    call add_state
    leal (%edi,%ebx), %esi
    movl %ebx, %ecx
    rep movsb
    call add_state
# Downwards.
    std
    movl %ebx, %ecx
    rep stosl
    call add_state
    movl %ebx, %ecx
    leal -64(%edi), %esi
    rep movsb
    call add_state
    movl %ebx, %ecx
    rep stosw
    call add_state
    cld
    addl $4, %ebp
    cmpl $counts_end, %ebp
    jne each_count

# Is register 0 what it was?
    movl kmv_vector_bytes, %eax
    cmpl $64, %eax
    je 1f
    cmpl $32, %eax
    jne 3f
    vpcmpeqd pattern, %ymm0, %ymm1
    vpmovmskb %ymm1, %eax
    cmpl $-1, %eax
    je 3f
    jmp 2f
1:  vpcmpeqd pattern, %zmm0, %k1
    kortestw %k1, %k1
    jc 3f
2:  incl checksum
3:  movl checksum, %eax
    movl $area, %esi
    movl $(area_end - area) / 4, %ecx
4:  roll $5, %eax
    addl (%esi), %eax
    addl $4, %esi
    loop 4b
    popl %ebp
    popl %edi
    popl %esi
    popl %ebx
    ret
    .size entry, .-entry

    .type set_flags, @function
set_flags:
    pushfl
    orl $STATUS, (%esp)
    popfl
    ret
    .size set_flags, .-set_flags

    .type clear_flags, @function
clear_flags:
    pushfl
    andl $~STATUS, (%esp)
    popfl
    ret
    .size clear_flags, .-clear_flags

# Adds flags and registers to the checksum and leaves them alone.
    .type add_state, @function
add_state:
    pushfl
    pushl %eax
    movl 4(%esp), %eax
    andl $STATUS + DIRECTION, %eax
    roll $7, checksum
    addl %eax, checksum
    addl %ecx, checksum
    roll $7, checksum
    addl %edi, checksum
    subl $area, checksum
    popl %eax
    popfl
    ret
    .size add_state, .-add_state

    .data
    .balign 4
    .globl kmv_vector_bytes
    .type kmv_vector_bytes, @object
    .size kmv_vector_bytes, 4
kmv_vector_bytes:
    .long 0
    .type counts, @object
counts:
    .long 0, 1, 31, 32, 33, 63, 64, 127, 128, 129, 255, 256, 257, 300, 511, 512, 513, 1000, 1024, 2047, 65536 / 4
counts_end:
    .size counts, .-counts
    .type pattern, @object
pattern:
    .irp n, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
    .long \n * 0x01234567
    .endr
    .size pattern, .-pattern

    .bss
    .balign 64
    .type checksum, @object
checksum:
    .skip 4
    .size checksum, 4
    .type area, @object
area:
    .skip 6 * 65536
area_end:
    .size area, .-area
