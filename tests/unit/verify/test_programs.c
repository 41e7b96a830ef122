/* What is not about one writer: calls and entries, branches, registers that inserted code may use,
 * data, symbols, headers. */
#include "pair.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define ENTRY_COPY "wb; pushl (%esp); popl OFF(%esp); pushl (%esp); popl OFF-4(%esp); we; "
#define FRAME_COPY                                                                                 \
    "wb; pushl (%esp); popl OFF(%esp); pushl 4(%esp); popl OFF+4(%esp); pushl 8(%esp); "           \
    "popl OFF+8(%esp); pushl 12(%esp); popl OFF+12(%esp); pushl 16(%esp); popl OFF+16(%esp); "     \
    "pushl 16(%esp); popl OFF-4(%esp); we; "

/* A frame with a vector's number and an error code: seven dwords. */
#define GATE_COPY                                                                                  \
    "wb; pushl %eax; movl %eax, OFF(%esp); "                                                       \
    ".irp at, 4, 8, 12, 16, 20, 24, 28; movl \\at(%esp), %eax; movl %eax, OFF+\\at(%esp); .endr; " \
    "we; "                                                                                         \
    "popl %eax; "

struct program_case {
    const char *name;
    const char *finding; /* part of the output; NULL: accepted */
    struct pair_line lines[6];
    const char *native_data;
    const char *translated_data;
    const char *extra_table;
    const char *options;
};

static const struct program_case cases[] = {
    /* Calls. */
    {.name = "call with entry copy",
     .lines = {{"call .L2", NULL, NULL},
               {"ret", NULL, NULL},
               {"nop", ENTRY_COPY "nop", "callee"},
               {"ret", NULL, NULL}}},
    {.name = "call without entry copy",
     .finding = "00100006 -> 00200006: nop: the mirror of byte",
     .lines = {{"call .L2", NULL, NULL},
               {"ret", NULL, NULL},
               {"nop", NULL, "callee"},
               {"ret", NULL, NULL}}},
    {.name = "entry copy of two bytes",
     .finding = "nop: the mirror of byte",
     .lines = {{"call .L2", NULL, NULL},
               {"ret", NULL, NULL},
               {"nop", "wb; pushw (%esp); popw OFF(%esp); pushw (%esp); popw OFF-2(%esp); we; nop",
                "callee"},
               {"ret", NULL, NULL}}},
    {.name = "entry copy in no window",
     .finding = "no window holds 00200006",
     .lines = {{"call .L2", NULL, NULL},
               {"ret", NULL, NULL},
               {"nop", "pushl (%esp); wb; popl OFF(%esp); pushl (%esp); popl OFF-4(%esp); we; nop",
                "callee"},
               {"ret", NULL, NULL}}},
    {.name = "mirror before the call",
     .finding = "stores at",
     .lines = {{"call .L2", "movl $1f, OFF-4(%esp); call .L2; 1:", NULL},
               {"ret", NULL, NULL},
               {"nop", ENTRY_COPY "nop", "callee"},
               {"ret", NULL, NULL}}},
    {.name = "mirror behind the call",
     .finding = "something is inserted behind it",
     .lines = {{"call .L2", "call .L2; wb; pushl -4(%esp); popl OFF-4(%esp); we", NULL},
               {"ret", NULL, NULL},
               {"nop", ENTRY_COPY "nop", "callee"},
               {"ret", NULL, NULL}}},
    {.name = "call to another place",
     .finding = "call: the original instruction is not in its translation",
     .lines = {{"call .L2", "call .L3", NULL},
               {"ret", NULL, NULL},
               {"nop", ENTRY_COPY "nop", "callee"},
               {"ret", NULL, NULL}}},
    {.name = "call behind the entry copy",
     .finding = "call: the original instruction is not in its translation",
     .lines = {{"call .L2", "call 5f", NULL},
               {"ret", NULL, NULL},
               {"nop", ENTRY_COPY "5: nop", "callee"},
               {"ret", NULL, NULL}}},
    {.name = "entry copy through a dead register",
     .lines = {{"call .L2", NULL, NULL},
               {"ret", NULL, NULL},
               {"xorl %eax, %eax",
                "wb; movl (%esp), %eax; movl %eax, OFF(%esp); we; xorl %eax, %eax", "callee"},
               {"ret", NULL, NULL}}},
    {.name = "entry copy through a live register",
     .finding = "test: eax is changed",
     .lines = {{"call .L2", NULL, NULL},
               {"ret", NULL, NULL},
               {"testl %eax, %eax",
                "wb; movl (%esp), %eax; movl %eax, OFF(%esp); we; testl %eax, %eax", "callee"},
               {"ret", NULL, NULL}}},
    {.name = "function whose address is taken, no entry copy",
     .finding = "nop: the mirror of byte",
     .lines = {{"ret", NULL, NULL}, {"nop", NULL, "callee"}, {"ret", NULL, NULL}},
     .native_data = ".long callee"},
    {.name = "function whose address is taken",
     .lines = {{"ret", NULL, NULL}, {"nop", ENTRY_COPY "nop", "callee"}, {"ret", NULL, NULL}},
     .native_data = ".long callee"},
    {.name = "indirect call", .lines = {{"call *(%eax)", NULL, NULL}, {"ret", NULL, NULL}}},
    /* Trap entries. */
    {.name = "trap entry",
     .options = "--trap-entry vector",
     .lines = {{"ret", NULL, NULL}, {"cld", FRAME_COPY "cld", "vector"}, {"iret", NULL, NULL}}},
    {.name = "trap entry with an error code",
     .finding = "cld: the mirror of byte",
     .options = "--trap-entry vector:err",
     .lines = {{"ret", NULL, NULL}, {"cld", FRAME_COPY "cld", "vector"}, {"iret", NULL, NULL}}},
    {.name = "trap entry without copy",
     .finding = "cld: the mirror of byte",
     .options = "--trap-entry vector",
     .lines = {{"ret", NULL, NULL}, {"cld", NULL, "vector"}, {"iret", NULL, NULL}}},
    {.name = "trap entry behind the vector's number",
     .finding = "cld: the mirror of byte",
     .options = "--trap-entry vector:gate",
     .lines = {{"ret", NULL, NULL}, {"cld", FRAME_COPY "cld", "vector"}, {"iret", NULL, NULL}}},
    {.name = "pushes of a vector, mirrored with the frame",
     .options = "--trap-entry gate:gate",
     .lines = {{"ret", NULL, NULL},
               {"pushl $0", "wb; pushl $0", "vector"},
               {"pushl $9", NULL, NULL},
               {"jmp .L4", "jmp .L4; we", NULL},
               {"cld", GATE_COPY "cld", "gate"},
               {"iret", NULL, NULL}}},
    {.name = "pushes of a vector, not mirrored with the frame",
     .finding = "the mirror of byte",
     .options = "--trap-entry gate:err",
     .lines = {{"ret", NULL, NULL},
               {"pushl $0", "wb; pushl $0", "vector"},
               {"pushl $9", NULL, NULL},
               {"jmp .L4", "jmp .L4; we", NULL},
               {"cld", GATE_COPY "cld", "gate"},
               {"iret", NULL, NULL}}},
    {.name = "pushes of a vector in no window",
     .finding = "no window holds",
     .options = "--trap-entry gate:gate",
     .lines = {{"ret", NULL, NULL},
               {"pushl $0", NULL, "vector"},
               {"pushl $9", NULL, NULL},
               {"jmp .L4", NULL, NULL},
               {"cld", GATE_COPY "cld", "gate"},
               {"iret", NULL, NULL}}},
    {.name = "pushes of what is no vector",
     .finding = "push: the mirror of byte",
     .options = "--trap-entry gate:gate",
     .lines = {{"ret", NULL, NULL},
               {"pushl $0", "wb; pushl $0", "vector"},
               {"pushl $9", NULL, NULL},
               {"jmp .L0", "jmp .L0; we", NULL},
               {"cld", GATE_COPY "cld", "gate"},
               {"iret", NULL, NULL}}},
    {.name = "trap entry that is no symbol",
     .finding = "trap entry other: no such",
     .options = "--trap-entry other",
     .lines = {{"ret", NULL, NULL}}},
    /* Branches. */
    {.name = "branch with another prefix",
     .finding = "the original instruction is not in its translation",
     .lines = {{"jne .L2", "jne,pn .L2", NULL}, {"nop", NULL, NULL}, {"ret", NULL, NULL}}},
    {.name = "near branch for a short one",
     .lines = {{"jne .L2", ".byte 0x0f, 0x85; .long .L2 - . - 4", NULL},
               {"jmp .L0", ".byte 0xe9; .long .L0 - . - 4", NULL},
               {"ret", NULL, NULL}}},
    {.name = "wrong condition",
     .finding = "the original instruction is not in its translation",
     .lines = {{"jne .L2", "je .L2", NULL}, {"nop", NULL, NULL}, {"ret", NULL, NULL}}},
    {.name = "wrong branch target",
     .finding = "jne: the original instruction is not in its translation",
     .lines = {{"jne .L2", "jne .L1", NULL}, {"nop", NULL, NULL}, {"ret", NULL, NULL}}},
    {.name = "expanded loop",
     .lines = {{"nop", NULL, NULL},
               {"loop .L0", "loop 1f; jmp 2f; 1: jmp .L0; 2:", NULL},
               {"ret", NULL, NULL}}},
    {.name = "expanded loopne",
     .lines = {{"nop", NULL, NULL},
               {"loopne .L0", "loopne 1f; jmp 2f; 1: jmp .L0; 2:", NULL},
               {"ret", NULL, NULL}}},
    {.name = "expanded loopne without its condition",
     .finding = "loopne: goes on at",
     .lines = {{"nop", NULL, NULL},
               {"loopne .L0", "loop 1f; jmp 2f; 1: jmp .L0; 2:", NULL},
               {"ret", NULL, NULL}}},
    {.name = "expanded jecxz",
     .lines = {{"nop", NULL, NULL},
               {"jecxz .L0", "jecxz 1f; jmp 2f; 1: jmp .L0; 2:", NULL},
               {"ret", NULL, NULL}}},
    {.name = "expanded jecxz the wrong way round",
     .finding = "jecxz: goes on at",
     .lines = {{"nop", NULL, NULL},
               {"jecxz .L0", "jecxz 1f; jmp .L0; 1:", NULL},
               {"ret", NULL, NULL}}},
    {.name = "expanded loop that changes flags",
     .finding = "loop: flags are changed",
     .lines = {{"nop", NULL, NULL}, {"loop .L0", "decl %ecx; jne .L0", NULL}, {"ret", NULL, NULL}}},
    /* Other instructions. */
    {.name = "changed operand",
     .finding = "add: the original instruction is not in its translation",
     .lines = {{"addl $4, %eax", "addl $8, %eax", NULL}, {"ret", NULL, NULL}}},
    {.name = "changed privileged instruction",
     .finding = "the original instruction is not in its translation",
     .lines = {{"movl %eax, %cr3", "movl %eax, %cr0", NULL}, {"ret", NULL, NULL}}},
    {.name = "instruction left out",
     .finding = "00100000 -> 00200000",
     .lines = {{"incl %eax", "", NULL}, {"ret", NULL, NULL}}},
    {.name = "instruction put in",
     .finding = "ret: eax is changed",
     .lines = {{"nop", NULL, NULL}, {"ret", "incl %eax; ret", NULL}}},
    {.name = "instruction put in behind",
     .finding = "nop: something is inserted behind it",
     .lines = {{"nop", "nop; incl %eax", NULL}, {"ret", NULL, NULL}}},
    {.name = "padding put in", .lines = {{"ret", "ret; .p2align 4", NULL}, {"ret", NULL, NULL}}},
    {.name = "writer that is not judged",
     .finding = "xsaves: writes memory in a way that can't be judged",
     .lines = {{"xsaves (%eax)", NULL, NULL}, {"ret", NULL, NULL}}},
    {.name = "masked load is no writer",
     .lines = {{"vmaskmovps (%eax), %ymm1, %ymm2", NULL, NULL}, {"ret", NULL, NULL}}},
    {.name = "extended state saved twice",
     .lines = {{"xsave (%ebx)", "xsave (%ebx); wb; xsave OFF(%ebx); we", NULL},
               {"ret", NULL, NULL}}},
    {.name = "other components in the mirror",
     .finding = "xsave: ",
     .lines = {{"xsave (%ebx)", "xsave (%ebx); wb; movl $7, %eax; xsave OFF(%ebx); we", NULL},
               {"movl $0, %eax", NULL, NULL},
               {"ret", NULL, NULL}}},
    {.name = "inserted code that no run gets to",
     .finding = "is never run",
     .lines = {{"movl %eax, (%ebx)",
                "movl %eax, (%ebx); wb; movl %eax, OFF(%ebx); we; jmp 9f; incl %esi; 9:", NULL},
               {"ret", NULL, NULL}}},
    {.name = "native store changed",
     .finding = "mov: the original instruction is not in its translation",
     .lines = {{"movl %eax, (%ebx)", "movl %eax, 4(%ebx); wb; movl %eax, OFF+4(%ebx); we", NULL},
               {"ret", NULL, NULL}}},
    {.name = "flags that are dead may change",
     .lines = {{"movl %esi, (%ebx)",
                "movl %esi, (%ebx); wb; movl %esi, OFF(%ebx); we; testl %eax, %eax", NULL},
               {"cmpl %eax, %ecx", NULL, NULL},
               {"ret", NULL, NULL}}},
    {.name = "flags that are alive may not",
     .finding = "flags are changed",
     .lines = {{"movl %esi, (%ebx)",
                "movl %esi, (%ebx); wb; movl %esi, OFF(%ebx); we; testl %eax, %eax", NULL},
               {"je .L0", NULL, NULL},
               {"cmpl %eax, %ecx", NULL, NULL},
               {"ret", NULL, NULL}}},
    {.name = "window over a plain instruction",
     .finding = "a window holds 00200001",
     .lines = {{"nop", NULL, NULL},
               {"movl %eax, (%ebx)", "wb; movl %eax, (%ebx); movl %eax, OFF(%ebx); we", NULL},
               {"ret", NULL, NULL}}},
    /* Relocated fields and data. */
    {.name = "relocated operands",
     .lines = {{"movl $.L1, %eax", NULL, NULL},
               {"movl value, %ecx", NULL, NULL},
               {"movl %ecx, value+4", "movl %ecx, value+4; wb; movl %ecx, OFF+value+4; we", NULL},
               {"ret", NULL, "last"}},
     .native_data = ".Lstart: .long .Lstart - 4; value: .long 1, 2, .L1, value, last - 0x1000000"},
    {.name = "biased pointer that was not moved",
     .finding = ".data: byte is 10, must be 20",
     .lines = {{"nop", NULL, NULL}, {"ret", NULL, "last"}},
     .native_data = ".long last - 0x1000000",
     .translated_data = ".long 0xff100001"},
    {.name = "wrong code address in an operand",
     .finding = "00100000 -> 00200000: mov: ",
     .lines = {{"movl $.L1, %eax", "movl $.L0, %eax", NULL}, {"ret", NULL, NULL}}},
    {.name = "wrong pointer to code",
     .finding = "mirrors no return address",
     .lines = {{"nop", NULL, NULL}, {"ret", NULL, NULL}},
     .native_data = ".long .L1",
     .translated_data = ".long .L0"},
    {.name = "pointer to code that was not moved",
     .finding = ".data: byte is 10, must be 20",
     .lines = {{"nop", NULL, NULL}, {"ret", NULL, NULL}},
     .native_data = ".long .L1",
     .translated_data = ".long 0x100001"},
    {.name = "wrong pointer to data",
     .finding = "00300000 -> 00300000: .data: byte is 04, must be 00",
     .lines = {{"ret", NULL, NULL}},
     .native_data = "value: .long value, 0",
     .translated_data = "value: .long value + 4, 0"},
    {.name = "changed data byte",
     .finding = "00300002 -> 00300002: .data: byte is 04, must be 03",
     .lines = {{"ret", NULL, NULL}},
     .native_data = ".byte 1, 2, 3",
     .translated_data = ".byte 1, 2, 4"},
    {.name = "data of another size",
     .finding = "section .data has another size",
     .lines = {{"ret", NULL, NULL}},
     .native_data = ".byte 1, 2, 3",
     .translated_data = ".byte 1, 2, 3, 4"},
    {.name = "missing section",
     .finding = "section .more is missing",
     .lines = {{"ret", NULL, NULL}},
     .native_data = ".section .more,\"aw\"; .long 1; .data",
     .translated_data = ".data"},
    {.name = "missing symbol",
     .finding = "symbol value is missing",
     .lines = {{"ret", NULL, NULL}},
     .native_data = "value: .long 1",
     .translated_data = ".long 1"},
    {.name = "moved symbol",
     .finding = "symbol value is 00300004",
     .lines = {{"ret", NULL, NULL}},
     .native_data = "value: .long 1, 1",
     .translated_data = ".long 1; value: .long 1"},
    /* The tables. */
    {.name = "offset as expected", .options = "--offset 38000000", .lines = {{"ret", NULL, NULL}}},
    {.name = "offset not as expected",
     .finding = "the note names offset 0x38000000, not 0x48000000",
     .options = "--offset 0x48000000",
     .lines = {{"ret", NULL, NULL}}},
    {.name = "map not sorted",
     .finding = ".kmv.addrmap is not sorted",
     .lines = {{"nop", NULL, NULL}, {"ret", NULL, NULL}},
     .extra_table = ".section .kmv.addrmap; .long 0x100000, 0x200000"},
    {.name = "map with an address outside of the text",
     .finding = "00500000: the original holds no instruction here",
     .lines = {{"nop", NULL, NULL}, {"ret", NULL, NULL}},
     .extra_table = ".section .kmv.addrmap; .long 0x500000, 0x200000"},
    {.name = "windows not sorted",
     .finding = ".kmv.windows is not sorted",
     .lines = {{"ret", NULL, NULL}},
     .extra_table = ".section .kmv.windows; .long 0x200000, 0x1ffff0"},
    {.name = "data in text", .lines = {{"ret; .byte 0, 0, 0", NULL, NULL}, {"ret", NULL, NULL}}},
    {.name = "code that the map leaves out",
     .finding = "2 bytes of .text are in no instruction of the map",
     .lines = {{"ret; movl %eax, (%ebx)", NULL, NULL}, {"ret", NULL, NULL}}},
};

static void test_programs(void **state)
{
    char output[8192];

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct program_case *test = &cases[i];
        struct pair pair = {.lines = test->lines,
                            .native_data = test->native_data,
                            .translated_data = test->translated_data,
                            .extra_table = test->extra_table,
                            .options = test->options};
        int status;

        while (pair.line_count < COUNT(test->lines) && test->lines[pair.line_count].native) {
            pair.line_count++;
        }
        status = pair_verify(&pair, output, sizeof(output));
        if (getenv("V"))
            print_message("%s: %d %s\n", test->name, status, output);
        if (status != (test->finding ? 1 : 0) ||
            !strstr(output, test->finding ? test->finding : " ok\n")) {
            fail_msg("%s: status %d: %s", test->name, status, output);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_programs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
