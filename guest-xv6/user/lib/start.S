/*
 * Where programs start, with main's frame on the stack and in edx the bytes of a vector register that the kernel keeps
 * across interrupts: 64, 32 or 0. The translator's wide mirrors go by that (kmv/note.h).
 */
    .text
    .globl start
    .type start, @function
start:
    movl %edx, kmv_vector_bytes
    jmp main
    .size start, . - start

    .bss
    .balign 4
    .globl kmv_vector_bytes
    .type kmv_vector_bytes, @object
    .size kmv_vector_bytes, 4
kmv_vector_bytes:
    .skip 4
