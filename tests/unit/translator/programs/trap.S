# Stands in for interrupts: the frame is pushed by immediate pushes, whose mirrors a test drops, as the processor would
# push it; then control comes to the trap entry. entry(kind): 0 raw, 1 err, 2 gate.
    .text
    .globl entry
entry:
    movl 4(%esp), %eax
    pushl $0x23
    pushl $0x1000
    pushl $0x202
    pushl $0x1b
    pushl $0x4321
    cmpl $1, %eax
    jb vector_raw
    je 1f
    jmp gate_stub
1:  pushl $0xe
    jmp vector_err

gate_stub:
    pushl $0
    pushl vector # an instruction of its own: mirrored here
    jmp alltraps

    .globl vector_raw
vector_raw:
    movl $0xaa, %eax
    addl $20, %esp
    ret

    .globl vector_err
vector_err:
    movl $0xbb, %eax
    addl $24, %esp
    ret

    .globl alltraps
alltraps:
    movl (%esp), %eax
    addl $28, %esp
    ret

    .data
vector: .long 33
