# The writers that only a processor of its own can test: AVX, masked and extended-state stores. entry(argument) returns a
# checksum in eax over all that they stored. Addresses of every shape; registers and esp end as they began.

    .text
    .globl entry
    .type entry, @function
entry:
    pushl %ebx
    pushl %esi
    pushl %edi
    pushl %ebp
    vmovdqu pattern, %ymm0
    vpermilps $0x4e, %ymm0, %ymm1
    vpsrad $31, %ymm0, %ymm2
    movq pattern+8, %mm0
    movq masks, %mm1
    movl $table, %ebx
    movl $4, %esi

# VEX stores, 16 and 32 bytes.
    vmovaps %ymm0, (%ebx)
    vmovapd %xmm1, 32(%ebx)
    vmovups %ymm1, 63(%ebx,%esi,1)
    vmovupd %xmm0, table+100
    vmovdqa %ymm0, 128(%ebx)
    vmovdqu %xmm1, 161(%ebx,%esi,2)
    vmovlps %xmm0, 192(%ebx)
    vmovlpd %xmm1, 200(%ebx)
    vmovhps %xmm0, 208(%ebx)
    vmovhpd %xmm1, 216(%ebx)
    vmovss %xmm0, 224(%ebx)
    vmovsd %xmm1, 232(%ebx,%esi,8)
    vmovd %xmm0, 272(%ebx)
    vmovq %xmm1, 280(%ebx)
    vmovntps %ymm0, 288(%ebx)
    vmovntpd %xmm1, 320(%ebx)
    vmovntdq %ymm1, 352(%ebx)
    vextractf128 $1, %ymm0, 385(%ebx)
    vextracti128 $1, %ymm1, 402(%ebx)
    vextractps $2, %xmm0, 420(%ebx)
    vpextrb $5, %xmm0, 425(%ebx)
    vpextrw $3, %xmm0, 427(%ebx)
    vpextrd $1, %xmm1, 432(%ebx)
    vcvtps2ph $0, %ymm0, 440(%ebx)
    vstmxcsr 460(%ebx)
    vmovdqu %ymm1, %es:464(%ebx)

# On the stack, below and above its pointer's moves.
    subl $64, %esp
    vmovdqu %ymm0, (%esp)
    vmovdqu %xmm1, 40(%esp,%esi,1)
    addl $64, %esp

# Masked stores.
    vmaskmovps %ymm0, %ymm2, 512(%ebx)
    vmaskmovpd %xmm1, %xmm2, 544(%ebx,%esi,4)
    vpmaskmovd %ymm1, %ymm2, 600(%ebx)
    vpmaskmovq %ymm0, %ymm2, 640(%ebx)
    leal 700(%ebx), %edi
    maskmovq %mm1, %mm0
    addl $16, %edi
    maskmovdqu %xmm2, %xmm0
    addl $16, %edi
    vmaskmovdqu %xmm2, %xmm1
    emms

# Extended state, of the x87, SSE and AVX.
    movl $7, %eax
    xorl %edx, %edx
    xsave area
    xsavec area+1024
    movl $area+2048, %ebp
    xsaveopt (%ebp)
    vzeroupper

# The checksum; of the state only the AVX part, as the rest holds addresses.
    xorl %eax, %eax
    movl $table, %edi
    movl $200, %ecx
1:  roll $5, %eax
    xorl (%edi), %eax
    addl $4, %edi
    decl %ecx
    jnz 1b
    movl $area+576, %edi
    movl $64, %ecx
2:  roll $5, %eax
    xorl (%edi), %eax
    addl $4, %edi
    decl %ecx
    jnz 2b
    popl %ebp
    popl %edi
    popl %esi
    popl %ebx
    ret

    .data
    .balign 64
pattern:
    .long 0x80112233, 0x44556677, 0x8899aabb, 0x3cddeeff, 0x3f800000, 0xc2280000, 0x01234567, 0xdeadbeef
masks:
    .long 0x80008000, 0x00800080
    .balign 64
table:
    .fill 1024
    .balign 64
area:
    .fill 4096
