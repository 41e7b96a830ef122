# The shape of a kernel that is entered with paging off: linked high, loaded low, Multiboot header in front.
#define KERNBASE 0x80000000

    .section .multiboot, "a"
    .long 0x1BADB002, 0, -0x1BADB002

    .section .code16, "ax"
    .code16
    .globl start16
start16:
    movw %ax, 0x7000
    pushw %ax
    ljmpl $8, $(entry32 - KERNBASE)
    .code32

    .text
    .globl entry
    .type entry, @function
entry:
    movl $(page_directory - KERNBASE), %eax
    movl $(local_table - KERNBASE + 3), %ecx
    movl $end, %edx
    movl $edata, %edx
    movl $etext, %edx
    movl $image_size, %edx
    movl $high, %eax
    jmp *%eax
    .globl entry32
entry32:
    movl $entry32 - KERNBASE, %eax
    movl $local_label - KERNBASE, %eax
local_label:
    hlt
high:
    movl $stack, %esp
    pushl $0
    call work
    hlt

    .globl work
    .type work, @function
work:
    incl counter
    ret
    .size work, . - work

    .section .rodata
    .globl read_only
read_only: .long work, entry32 - KERNBASE

    .data
    .globl page_directory
    .balign 4096
page_directory:
    .long local_table - KERNBASE + 7
    .fill 1023, 4, 0
local_table:
    .fill 1024, 4, 0
counter: .long 0

    .bss
    .balign 4096
    .skip 4096
stack:
