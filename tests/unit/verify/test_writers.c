/* Each class of writer: its right mirror is accepted; none, at a wrong offset, too small or too
 * early are refused. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* One dword from native to mirror through the stack; the slot that this uses is mirrored by the
 * second pair. */
#define COPY(disp, base)      "pushl " disp "(" base "); popl OFF+" disp "(" base "); "
#define COPY_TIDY(disp, base) COPY(disp, base) "pushl " disp "(" base "); popl OFF-4(%esp); "
#define SAVE(reg)             "pushl " reg "; movl " reg ", OFF(%esp); "

#define SAVE_FIRST(reg) "pushl " reg "; wb; movl " reg ", OFF(%esp); we; "

/* A locked writer's mirror: what is in ecx goes to the mirror, again until native agrees. `store`
 * writes edx. */
#define LOCKED_BY(mem, store)                                                                      \
    SAVE("%ecx")                                                                                   \
    SAVE("%edx")                                                                                   \
    "3: movl " mem ", %ecx; movl %ecx, %edx; " store " %edx, OFF+" mem "; movl " mem ", %edx; "    \
    "notl %edx; leal 1(%ecx,%edx), %ecx; jecxz 4f; jmp 3b; 4: popl %edx; popl %ecx; "
#define LOCKED(mem) LOCKED_BY(mem, "xchgl")

struct writer_case {
    const char *name;
    const char *native;
    const char *right; /* the whole translation */
    const char *wrong[5];
};

static const struct writer_case cases[] = {
    {"mov reg",
     "movl %eax, 8(%ebx)",
     "movl %eax, 8(%ebx); wb; movl %eax, OFF+8(%ebx); we",
     {"movl %eax, 8(%ebx); wb; movb %al, OFF+8(%ebx); we",
      "movl %eax, 8(%ebx); wb; movl %ecx, OFF+8(%ebx); we",
      "movl %eax, OFF+8(%ebx); movl %eax, 8(%ebx)", "movl %eax, 8(%ebx); movl %eax, OFF+8(%ebx)",
      "movl %eax, 8(%ebx); wb; movl %eax, OFF+8(%ebx); we; movl %eax, OFF+12(%ebx)"}},
    {"mov byte",
     "movb %cl, (%ebx,%esi,4)",
     "movb %cl, (%ebx,%esi,4); wb; movb %cl, OFF(%ebx,%esi,4); we",
     {"movb %cl, (%ebx,%esi,4); wb; movl %ecx, OFF(%ebx,%esi,4); we",
      "movb %cl, (%ebx,%esi,4); wb; movb %ch, OFF(%ebx,%esi,4); we"}},
    {"mov imm",
     "movw $0x1234, (%edi)",
     "movw $0x1234, (%edi); wb; movw $0x1234, OFF(%edi); we",
     {"movw $0x1234, (%edi); wb; movw $0x1235, OFF(%edi); we",
      "movw $0x1234, (%edi); wb; movb $0x34, OFF(%edi); we"}},
    {"mov moffs",
     "movl %eax, 0x300010",
     "movl %eax, 0x300010; wb; movl %eax, OFF+0x300010; we",
     {"movl %eax, 0x300010; wb; movl %eax, OFF+0x300014; we"}},
    {"mov fs",
     "movl %eax, %fs:(%ebx)",
     "movl %eax, %fs:(%ebx); wb; movl %eax, %fs:OFF(%ebx); we",
     {"movl %eax, %fs:(%ebx); wb; movl %eax, OFF(%ebx); we"}},
    {"mov sreg", "movw %ds, (%ebx)", "movw %ds, (%ebx); wb; movw %ds, OFF(%ebx); we", {0}},
    {"movnti", "movnti %eax, (%ebx)", "movnti %eax, (%ebx); wb; movl %eax, OFF(%ebx); we", {0}},
    {"setcc",
     "setne (%ebx)",
     "setne (%ebx); wb; setne OFF(%ebx); we",
     {"setne (%ebx); wb; sete OFF(%ebx); we"}},
    {"push reg",
     "pushl %esi",
     "pushl %esi; wb; movl %esi, OFF(%esp); we",
     {"movl %esi, OFF-4(%esp); pushl %esi", "pushl %esi; wb; movw %si, OFF(%esp); we"}},
    {"push16",
     "pushw %si",
     "pushw %si; wb; movw %si, OFF(%esp); we",
     {"pushw %si; wb; movl %esi, OFF(%esp); we"}},
    {"push imm",
     "pushl $77",
     "pushl $77; wb; movl $77, OFF(%esp); we",
     {"pushl $77; wb; movb $77, OFF(%esp); we"}},
    {"push esp",
     "pushl %esp",
     "pushl %esp; wb; " COPY_TIDY("0", "%esp") "we",
     {"pushl %esp; wb; movl %esp, OFF(%esp); we", "pushl %esp; wb; " COPY("0", "%esp") "we"}},
    {"push mem", "pushl 4(%esp)", "pushl 4(%esp); wb; " COPY_TIDY("0", "%esp") "we", {0}},
    {"push sreg",
     "pushl %ds",
     "pushl %ds; wb; " COPY_TIDY("0", "%esp") "we",
     {"pushl %ds; wb; pushl %eax; movl %eax, OFF(%esp); movw %ds, %ax; movl %eax, OFF+4(%esp); "
      "popl %eax; we"}},
    {"pushf", "pushfl", "pushfl; wb; " COPY_TIDY("0", "%esp") "we", {0}},
    {"pusha",
     "pushal",
     "pushal; wb; " COPY("0", "%esp") COPY("4", "%esp") COPY("8", "%esp") COPY("12", "%esp")
         COPY("16", "%esp") COPY("20", "%esp") COPY("24", "%esp") COPY_TIDY("28", "%esp") "we",
     {"pushal; wb; " COPY("0", "%esp") COPY("4", "%esp") COPY("8", "%esp") COPY("12", "%esp")
          COPY("16", "%esp") COPY("20", "%esp") COPY_TIDY("24", "%esp") "we"}},
    {"enter", "enter $16, $0", "enter $16, $0; wb; " COPY_TIDY("0", "%ebp") "we", {0}},
    {"enter nested",
     "enter $16, $2",
     "enter $16, $2; wb; " COPY("-8", "%ebp") COPY("-4", "%ebp") COPY_TIDY("0", "%ebp") "we",
     {"enter $16, $2; wb; " COPY("-4", "%ebp") COPY_TIDY("0", "%ebp") "we"}},
    {"add",
     "addl %eax, (%ebx)",
     "addl %eax, (%ebx); wb; " COPY_TIDY("0", "%ebx") "we",
     {"addl %eax, (%ebx); wb; addl %eax, OFF(%ebx); we",
      "addl %eax, (%ebx); wb; movl %eax, OFF(%ebx); we"}},
    {"add byte",
     "addb $3, (%ebx)",
     "addb $3, (%ebx); wb; " SAVE("%eax") "movb (%ebx), %al; movb %al, OFF(%ebx); popl %eax; we",
     {"addb $3, (%ebx); wb; movb (%ebx), %al; movb %al, OFF(%ebx); we",
      "addb $3, (%ebx); wb; pushl %eax; movb (%ebx), %al; movb %al, OFF(%ebx); popl %eax; we",
      /* An interrupt before the last instruction has changed the slot. */
      "addb $3, (%ebx); wb; pushl %eax; movb (%ebx), %al; movb %al, OFF(%ebx); popl %eax; "
      "movl %eax, OFF-4(%esp); we",
      "addb $3, (%ebx); wb; movl %eax, -4(%esp); movl %eax, OFF-4(%esp); movb (%ebx), %al; "
      "movb %al, OFF(%ebx); movl -4(%esp), %eax; we"}},
    {"inc", "incl (%ebx)", "incl (%ebx); wb; " COPY_TIDY("0", "%ebx") "we", {0}},
    {"not",
     "notl (%ebx)",
     "notl (%ebx); wb; " COPY_TIDY("0", "%ebx") "we",
     {"notl (%ebx); wb; notl OFF(%ebx); we"}},
    {"shl cl", "shll %cl, (%ebx)", "shll %cl, (%ebx); wb; " COPY_TIDY("0", "%ebx") "we", {0}},
    {"shld",
     "shldl $3, %eax, (%ebx)",
     "shldl $3, %eax, (%ebx); wb; " COPY_TIDY("0", "%ebx") "we",
     {0}},
    {"rcl",
     "rcll (%ebx)",
     "rcll (%ebx); wb; " COPY_TIDY("0", "%ebx") "we",
     {"rcll (%ebx); wb; rcll OFF(%ebx); we"}},
    {"bts imm", "btsl $3, (%ebx)", "btsl $3, (%ebx); wb; " COPY_TIDY("0", "%ebx") "we", {0}},
    {"bts reg",
     "btsl %eax, (%ebx)",
     "btsl %eax, (%ebx); wb; pushfl; " COPY("0", "%esp")
         SAVE("%eax") "sarl $5, %eax; "
                      "pushl (%ebx,%eax,4); popl OFF(%ebx,%eax,4); pushl (%ebx,%eax,4); popl "
                      "OFF-4(%esp); "
                      "popl %eax; popfl; we",
     {"btsl %eax, (%ebx); wb; " COPY_TIDY("0", "%ebx") "we"}},
    {"xchg",
     "xchgl %eax, (%ebx)",
     "xchgl %eax, (%ebx); wb; " LOCKED("0(%ebx)") "we",
     {"xchgl %eax, (%ebx); wb; movl %eax, OFF(%ebx); we",
      /* Another processor's value, written in between, is lost. */
      "xchgl %eax, (%ebx); wb; " COPY_TIDY("0", "%ebx") "we",
      /* Without a lock, the look behind the mirror may come before it. */
      "xchgl %eax, (%ebx); wb; " LOCKED_BY("0(%ebx)", "movl") "we",
      /* The second try is not looked at. */
      "xchgl %eax, (%ebx); wb; " SAVE("%ecx")
          SAVE("%edx") "movl (%ebx), %ecx; movl %ecx, %edx; xchgl %edx, OFF(%ebx); "
                       "movl (%ebx), %edx; notl %edx; leal 1(%ecx,%edx), %ecx; jecxz 4f; "
                       "movl (%ebx), %edx; xchgl %edx, OFF(%ebx); 4: popl %edx; popl %ecx; we",
      /* The flags are needed. */
      "xchgl %eax, (%ebx); wb; " SAVE("%ecx")
          SAVE("%edx") "3: movl (%ebx), %ecx; movl %ecx, %edx; xchgl %edx, OFF(%ebx); "
                       "cmpl (%ebx), %ecx; jne 3b; popl %edx; popl %ecx; we"}},
    {"lock xadd",
     "lock xaddl %eax, (%ebx)",
     "lock xaddl %eax, (%ebx); wb; " LOCKED("0(%ebx)") "we",
     {"lock xaddl %eax, (%ebx); wb; " COPY_TIDY("0", "%ebx") "we"}},
    {"lock inc byte",
     "lock incb (%ebx)",
     "lock incb (%ebx); wb; " SAVE("%ecx")
         SAVE("%edx") "3: movzbl (%ebx), %ecx; movl %ecx, %edx; xchgb %dl, OFF(%ebx); "
                      "movzbl (%ebx), %edx; notl %edx; leal 1(%ecx,%edx), %ecx; jecxz 4f; jmp 3b; "
                      "4: popl %edx; popl %ecx; we",
     {"lock incb (%ebx); wb; " SAVE(
         "%eax") "movb (%ebx), %al; movb %al, OFF(%ebx); popl %eax; we"}},
    {"lock cmpxchg8b",
     "lock cmpxchg8b (%esi)",
     "lock cmpxchg8b (%esi); wb; " LOCKED("0(%esi)") LOCKED("4(%esi)") "we",
     {"lock cmpxchg8b (%esi); wb; " COPY("0", "%esi") COPY_TIDY("4", "%esi") "we",
      "lock cmpxchg8b (%esi); wb; " LOCKED("0(%esi)") COPY_TIDY("4", "%esi") "we"}},
    {"cmpxchg",
     "cmpxchgl %ecx, (%ebx)",
     "cmpxchgl %ecx, (%ebx); wb; " COPY_TIDY("0", "%ebx") "we",
     {"cmpxchgl %ecx, (%ebx); wb; jne 1f; movl %ecx, OFF(%ebx); 1: we",
      "cmpxchgl %ecx, (%ebx); wb; movl %ecx, OFF(%ebx); we"}},
    {"lock cmpxchg",
     "lock cmpxchgl %ecx, (%ebx)",
     "lock cmpxchgl %ecx, (%ebx); wb; " LOCKED("0(%ebx)") "we",
     {"lock cmpxchgl %ecx, (%ebx); wb; " COPY_TIDY("0", "%ebx") "we",
      "lock cmpxchgl %ecx, (%ebx); wb; jne 1f; movl %ecx, OFF(%ebx); 1: we",
      "lock cmpxchgl %ecx, (%ebx); wb; movl %ecx, OFF(%ebx); we"}},
    {"cmpxchg8b",
     "cmpxchg8b (%esi)",
     "cmpxchg8b (%esi); wb; " COPY("0", "%esi") COPY_TIDY("4", "%esi") "we",
     {"cmpxchg8b (%esi); wb; " COPY_TIDY("0", "%esi") "we"}},
    {"pop mem",
     "popl 4(%esp)",
     "popl 4(%esp); wb; " COPY_TIDY("4", "%esp") "we",
     {"popl 4(%esp); wb; " COPY_TIDY("8", "%esp") "we"}},
    {"stos",
     "stosl",
     SAVE_FIRST("%edi") "stosl; wb; " SAVE("%edi") "movl 4(%esp), %edi; movl %eax, OFF(%edi); "
                                                   "popl %edi; leal 4(%esp), %esp; we",
     {"stosl; wb; movl %eax, OFF-4(%edi); we"}},
    {"rep stos",
     "rep stosl",
     SAVE_FIRST("%ecx") SAVE_FIRST("%edi") "wb; rep stosl; " SAVE(
         "%edi") "movl 4(%esp), %edi; movl 8(%esp), %ecx; leal OFF(%edi), %edi; rep stosl; "
                 "popl %edi; leal 8(%esp), %esp; we",
     {SAVE_FIRST("%ecx") SAVE_FIRST("%edi") "wb; rep stosl; " SAVE(
          "%edi") "movl 4(%esp), %edi; movl 8(%esp), %ecx; leal OFF(%edi), %edi; rep stosb; "
                  "popl %edi; leal 8(%esp), %esp; we",
      SAVE_FIRST("%ecx") SAVE_FIRST("%edi") "rep stosl; wb; " SAVE(
          "%edi") "movl 4(%esp), %edi; movl 8(%esp), %ecx; leal OFF(%edi), %edi; rep stosl; "
                  "popl %edi; leal 8(%esp), %esp; we"}},
    {"rep movs",
     "rep movsb",
     SAVE_FIRST("%ecx") SAVE_FIRST("%edi") "wb; rep movsb; " SAVE("%esi")
         SAVE("%edi") "movl 8(%esp), %esi; movl 12(%esp), %ecx; leal OFF(%esi), %edi; rep movsb; "
                      "popl %edi; popl %esi; leal 8(%esp), %esp; we",
     /* Copying the source again is wrong when it overlaps the destination. */
     {SAVE_FIRST("%ecx") SAVE_FIRST("%esi") SAVE_FIRST("%edi") "wb; rep movsb; " SAVE("%esi")
          SAVE("%edi") "movl 12(%esp), %esi; movl 8(%esp), %edi; movl 16(%esp), %ecx; leal "
                       "OFF(%edi), %edi; "
                       "rep movsb; popl %edi; popl %esi; leal 12(%esp), %esp; we"}},
    {"rep ins",
     "rep insl",
     SAVE_FIRST("%ecx") SAVE_FIRST("%edi") "wb; rep insl; " SAVE("%esi")
         SAVE("%edi") "movl 8(%esp), %esi; movl 12(%esp), %ecx; leal OFF(%esi), %edi; rep movsl; "
                      "popl %edi; popl %esi; leal 8(%esp), %esp; we",
     {SAVE_FIRST("%ecx") SAVE_FIRST("%edi") "wb; rep insl; " SAVE(
         "%edi") "movl 4(%esp), %edi; movl 8(%esp), %ecx; leal OFF(%edi), %edi; rep insl; "
                 "popl %edi; leal 8(%esp), %esp; we"}},
    {"sgdt",
     "sgdtl (%ebx)",
     "sgdtl (%ebx); wb; sgdtl OFF(%ebx); we",
     {"sgdtl (%ebx); wb; sidtl OFF(%ebx); we", "sgdtl (%ebx); wb; " COPY_TIDY("0", "%ebx") "we"}},
    {"str", "strw (%ebx)", "strw (%ebx); wb; strw OFF(%ebx); we", {0}},
    {"fst",
     "fsts (%ebx)",
     "fsts (%ebx); wb; fsts OFF(%ebx); we",
     {"fsts (%ebx); wb; fsts OFF(%ebx); fstps OFF(%ebx); we"}},
    {"fstp",
     "fstpl 8(%ebx)",
     "fstl 8(%ebx); wb; fstpl OFF+8(%ebx); we",
     {"fstl 8(%ebx); wb; fstl OFF+8(%ebx); we", "fstpl 8(%ebx); wb; fstpl OFF+8(%ebx); we",
      "fstl 8(%ebx); wb; fistpl OFF+8(%ebx); we", "fstl 12(%ebx); wb; fstpl OFF+8(%ebx); we",
      "fstl 8(%ebx); wb; fstps OFF+8(%ebx); we"}},
    {"fistp",
     "fistpl (%ebx)",
     "fistl (%ebx); wb; fistpl OFF(%ebx); we",
     {"fistl (%ebx); wb; fistps OFF(%ebx); we", "fsts (%ebx); wb; fistpl OFF(%ebx); we",
      "fistl (%ebx); wb; fstps OFF(%ebx); we"}},
    {"fstp m80",
     "fstpt (%ebx)",
     "fstpt (%ebx); wb; " COPY("0", "%ebx") COPY("4", "%ebx") COPY_TIDY("6", "%ebx") "we",
     {"fstpt (%ebx); wb; fstpt OFF(%ebx); we",
      "fstpt (%ebx); wb; " COPY("0", "%ebx") COPY_TIDY("4", "%ebx") "we"}},
    {"fnstcw", "fnstcw (%ebx)", "fnstcw (%ebx); wb; fnstcw OFF(%ebx); we", {0}},
    {"stmxcsr", "stmxcsr (%ebx)", "stmxcsr (%ebx); wb; stmxcsr OFF(%ebx); we", {0}},
    {"movups",
     "movups %xmm1, (%ebx)",
     "movups %xmm1, (%ebx); wb; movups %xmm1, OFF(%ebx); we",
     {"movups %xmm1, (%ebx); wb; movups %xmm2, OFF(%ebx); we",
      "movups %xmm1, (%ebx); wb; movlps %xmm1, OFF(%ebx); we"}},
    {"movntdq",
     "movntdq %xmm1, (%ebx)",
     "movntdq %xmm1, (%ebx); wb; movdqa %xmm1, OFF(%ebx); we",
     {"movntdq %xmm1, (%ebx); wb; movdqa %xmm0, OFF(%ebx); we",
      "movntdq %xmm1, (%ebx); wb; movq %xmm1, OFF(%ebx); we"}},
    {"vmovups",
     "vmovups %ymm1, (%ebx)",
     "vmovups %ymm1, (%ebx); wb; vmovups %ymm1, OFF(%ebx); we",
     {"vmovups %ymm1, (%ebx); wb; vmovups %xmm1, OFF(%ebx); we"}},
    {"vmovdqu",
     "vmovdqu %xmm1, (%ebx)",
     "vmovdqu %xmm1, (%ebx); wb; vmovdqu %xmm1, OFF(%ebx); we",
     {"vmovdqu %xmm1, (%ebx); wb; vmovdqu %xmm2, OFF(%ebx); we"}},
    {"vmaskmovps",
     "vmaskmovps %ymm1, %ymm2, (%ebx)",
     "vmaskmovps %ymm1, %ymm2, (%ebx); wb; vmaskmovps %ymm1, %ymm2, OFF(%ebx); we",
     {"vmaskmovps %ymm1, %ymm2, (%ebx); wb; vmaskmovps %ymm1, %ymm3, OFF(%ebx); we",
      "vmaskmovps %ymm1, %ymm2, (%ebx); wb; vmaskmovps %ymm0, %ymm2, OFF(%ebx); we",
      "vmaskmovps %ymm1, %ymm2, (%ebx); wb; vmaskmovps %xmm1, %xmm2, OFF(%ebx); we",
      "vmaskmovps %ymm1, %ymm2, (%ebx); wb; vmovups %ymm1, OFF(%ebx); we",
      "wb; vmaskmovps %ymm1, %ymm2, OFF(%ebx); vmaskmovps %ymm1, %ymm2, (%ebx); we"}},
    {"vmaskmovpd",
     "vmaskmovpd %xmm1, %xmm2, 8(%ebx)",
     "vmaskmovpd %xmm1, %xmm2, 8(%ebx); wb; vmaskmovpd %xmm1, %xmm2, OFF+8(%ebx); we",
     {"vmaskmovpd %xmm1, %xmm2, 8(%ebx); wb; vmaskmovps %xmm1, %xmm2, OFF+8(%ebx); we"}},
    {"vpmaskmovd",
     "vpmaskmovd %xmm1, %xmm2, (%ebx)",
     "vpmaskmovd %xmm1, %xmm2, (%ebx); wb; vpmaskmovd %xmm1, %xmm2, OFF(%ebx); we",
     {"vpmaskmovd %xmm1, %xmm2, (%ebx); vpmaskmovd %xmm1, %xmm2, OFF(%ebx)"}},
    {"vpmaskmovq",
     "vpmaskmovq %ymm1, %ymm2, (%ebx)",
     "vpmaskmovq %ymm1, %ymm2, (%ebx); wb; vpmaskmovq %ymm1, %ymm2, OFF(%ebx); we",
     {"vpmaskmovq %ymm1, %ymm2, (%ebx); wb; vpmaskmovq %ymm1, %ymm2, OFF+32(%ebx); we"}},
    {"maskmovq",
     "maskmovq %mm2, %mm1",
     "maskmovq %mm2, %mm1; wb; leal OFF(%edi), %edi; maskmovq %mm2, %mm1; we; leal -OFF(%edi), "
     "%edi",
     {"maskmovq %mm2, %mm1; wb; leal OFF(%edi), %edi; maskmovq %mm2, %mm1; we",
      "maskmovq %mm2, %mm1; wb; leal OFF(%edi), %edi; maskmovq %mm3, %mm1; we; leal -OFF(%edi), "
      "%edi",
      "maskmovq %mm2, %mm1; wb; movq %mm1, OFF(%edi); we"}},
    {"maskmovdqu",
     "maskmovdqu %xmm2, %xmm1",
     "maskmovdqu %xmm2, %xmm1; wb; leal OFF(%edi), %edi; maskmovdqu %xmm2, %xmm1; we; leal "
     "-OFF(%edi), %edi",
     {"maskmovdqu %xmm2, %xmm1; wb; leal OFF(%edi), %edi; maskmovdqu %xmm1, %xmm2; we; leal "
      "-OFF(%edi), %edi"}},
    {"vmaskmovdqu",
     "vmaskmovdqu %xmm2, %xmm1",
     "vmaskmovdqu %xmm2, %xmm1; wb; leal OFF(%edi), %edi; vmaskmovdqu %xmm2, %xmm1; we; leal "
     "-OFF(%edi), %edi",
     {"vmaskmovdqu %xmm2, %xmm1; wb; vmovdqu %xmm1, OFF(%edi); we"}},
    {"xsave",
     "xsave (%ebx)",
     "xsave (%ebx); wb; xsave OFF(%ebx); we",
     {"xsave (%ebx); wb; xsaveopt OFF(%ebx); we", "xsave (%ebx); wb; xsave OFF+64(%ebx); we",
      "xsave (%ebx); xsave OFF(%ebx)", "xsave (%ebx); wb; fxsave OFF(%ebx); we",
      "xsave (%ebx); wb; pushl %eax; movl %eax, OFF(%esp); xorl %eax, %eax; xsave OFF(%ebx); popl "
      "%eax; we"}},
    {"xsavec",
     "xsavec (%ebx)",
     "xsavec (%ebx); wb; xsavec OFF(%ebx); we",
     {"xsavec (%ebx); wb; xsave OFF(%ebx); we"}},
    {"xsaveopt",
     "xsaveopt (%ebx)",
     "xsaveopt (%ebx); wb; xsaveopt OFF(%ebx); we",
     {"xsaveopt OFF(%ebx); wb; xsaveopt (%ebx); we"}},
};

/* A register that the translation changes would be caught as changed: only a ret follows, so all
 * are alive. */
static int verify_one(const char *native, const char *translated, uint32_t used_offset,
                      char *output, size_t size)
{
    const struct pair_line lines[] = {
        {"nop", NULL, NULL}, {native, translated, NULL}, {"ret", NULL, NULL}};
    const struct pair pair = {
        .lines = lines, .line_count = COUNT(lines), .used_offset = used_offset};

    return pair_verify(&pair, output, size);
}

static void test_right_mirrors(void **state)
{
    char output[4096];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int status = verify_one(cases[i].native, cases[i].right, 0, output, sizeof(output));

        if (status != 0 || !strstr(output, "writers=1 mirrored=1 instructions=3 ")) {
            fail_msg("%s: status %d: %s", cases[i].name, status, output);
        }
    }
}

static void test_missing_mirrors(void **state)
{
    char output[4096];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int status = verify_one(cases[i].native, NULL, 0, output, sizeof(output));

        if (status != 1 || !strstr(output, "is not written")) {
            fail_msg("%s: status %d: %s", cases[i].name, status, output);
        }
    }
}

static void test_wrong_offset(void **state)
{
    char output[4096];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        int status = verify_one(cases[i].native, cases[i].right, PAIR_OFFSET + 0x10000, output,
                                sizeof(output));

        if (status != 1 || !strstr(output, "00100001 -> 00200001")) {
            fail_msg("%s: status %d: %s", cases[i].name, status, output);
        }
    }
}

static void test_wrong_mirrors(void **state)
{
    char output[4096];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        for (size_t j = 0; j < COUNT(cases[i].wrong) && cases[i].wrong[j]; j++) {
            int status = verify_one(cases[i].native, cases[i].wrong[j], 0, output, sizeof(output));

            if (status != 1 || !strstr(output, "00100001 -> 00200001")) {
                fail_msg("%s, wrong %zu: status %d: %s", cases[i].name, j, status, output);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_right_mirrors),
        cmocka_unit_test(test_missing_mirrors),
        cmocka_unit_test(test_wrong_offset),
        cmocka_unit_test(test_wrong_mirrors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
