# Writers that only a supervisor may run, and a trap entry: translated and proved, never run.
    .text
    .globl entry
entry:
    ltr %ax
    insb
    insl
    rep insw
    sgdt table
    ret

vector:
    pushl $0
    pushl $32
    jmp alltraps

    .globl alltraps
alltraps:
    addl $8, %esp
    iret

    .data
table:
    .fill 16
    .long vector
