# Copies and fills that may meet a lost page (loss.c) or a page that isn't there. What goes wrong between the labels
# _begin and _end is answered by guard_leave: the routine returns false from wherever it was. The mirror code in between
# may have moved the stack pointer, so it is kept in the process (GUARD: usercopy.h). Only for processes.
#include "usercopy.h"

    .text

    .macro GUARD_ENTER
    pushl %ebp
    pushl %ebx
    pushl %esi
    pushl %edi
    movl %gs:4, %eax # the process: cpu.h
    movl %esp, GUARD(%eax)
    cld
    .endm

# bool guarded_copy(void *to, const void *from, uint32_t bytes)
    .globl guarded_copy, guarded_copy_begin, guarded_copy_end
guarded_copy:
    GUARD_ENTER
    movl 20(%esp), %edi
    movl 24(%esp), %esi
    movl 28(%esp), %ecx
    movl %edi, %eax
    orl %esi, %eax
    orl %ecx, %eax
    testl $3, %eax
    jnz 1f
    shrl $2, %ecx
guarded_copy_begin:
    rep movsl
    jmp guard_done
1:  rep movsb
    jmp guard_done
guarded_copy_end:

# bool guarded_fill(void *page, uint32_t pattern)
    .globl guarded_fill, guarded_fill_begin, guarded_fill_end
guarded_fill:
    GUARD_ENTER
    movl 20(%esp), %edi
    movl 24(%esp), %eax
    movl $1024, %ecx
guarded_fill_begin:
    rep stosl
    jmp guard_done
guarded_fill_end:

guard_done:
    movl $1, %eax
guard_return:
    popl %edi
    popl %esi
    popl %ebx
    popl %ebp
    ret

# void guard_leave(uint32_t stack, uint32_t eflags): out of the trap and of the routine that it interrupted.
    .globl guard_leave
guard_leave:
    movl 8(%esp), %ecx
    movl 4(%esp), %esp
    pushl %ecx
    popfl
    xorl %eax, %eax
    jmp guard_return
