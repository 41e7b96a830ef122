#include "forms.h"

#include <string.h>

#define MODRM FORM_MODRM
#define ANY   -1
#define SREG  -2

/* clang-format off */
#define ONE(row, name, op, reg, imm, flags)         {row, name, {op}, 1, 0, reg, imm, flags}
#define ONE16(row, name, op, reg, imm, flags)       {row, name, {op}, 1, 0x66, reg, imm, flags}
#define TWO(row, name, op, reg, imm, flags)         {row, name, {0x0f, op}, 2, 0, reg, imm, flags}
#define TWOP(row, name, prefix, op, reg, imm, flags) {row, name, {0x0f, op}, 2, prefix, reg, imm, flags}
#define THREE(row, name, prefix, map, op, imm)      {row, name, {0x0f, map, op}, 3, prefix, ANY, imm, MODRM}

/* op r/m8,r8; op r/m32,r32; op r/m16,r16 */
#define ALU(name, base) \
    ONE("rmw", name, base, ANY, 0, MODRM | FORM_LOCK), ONE("rmw", name, base + 1, ANY, 0, MODRM | FORM_LOCK), \
    ONE16("rmw", name, base + 1, ANY, 0, MODRM | FORM_LOCK)
/* op with an immediate: 80, 81, 66 81, 83, 66 83 */
#define ALU_IMM(name, ext) \
    ONE("rmw", name, 0x80, ext, 1, MODRM | FORM_LOCK), ONE("rmw", name, 0x81, ext, 4, MODRM | FORM_LOCK), \
    ONE16("rmw", name, 0x81, ext, 2, MODRM | FORM_LOCK), ONE("rmw", name, 0x83, ext, 1, MODRM | FORM_LOCK), \
    ONE16("rmw", name, 0x83, ext, 1, MODRM | FORM_LOCK)
#define UNARY(name, op, ext) \
    ONE("rmw", name, op, ext, 0, MODRM | FORM_LOCK), ONE("rmw", name, op + 1, ext, 0, MODRM | FORM_LOCK), \
    ONE16("rmw", name, op + 1, ext, 0, MODRM | FORM_LOCK)
#define SHIFT(name, ext) \
    ONE("rmw", name, 0xc0, ext, 1, MODRM), ONE("rmw", name, 0xc1, ext, 1, MODRM), \
    ONE16("rmw", name, 0xc1, ext, 1, MODRM), ONE("rmw", name, 0xd0, ext, 0, MODRM), \
    ONE("rmw", name, 0xd1, ext, 0, MODRM), ONE16("rmw", name, 0xd1, ext, 0, MODRM), \
    ONE("rmw", name, 0xd2, ext, 0, MODRM), ONE("rmw", name, 0xd3, ext, 0, MODRM), \
    ONE16("rmw", name, 0xd3, ext, 0, MODRM)
#define SETCC(op) TWO("store", "setcc", op, 0, 0, MODRM)
#define STRING(row, name, op) \
    ONE(row, name, op, 0, 0, FORM_STRING), ONE(row, name, op + 1, 0, 0, FORM_STRING), \
    ONE16(row, name, op + 1, 0, 0, FORM_STRING), \
    ONE("rep_" row, name, op, 0, 0, FORM_STRING | FORM_REPEAT), \
    ONE("rep_" row, name, op + 1, 0, 0, FORM_STRING | FORM_REPEAT), \
    ONE16("rep_" row, name, op + 1, 0, 0, FORM_STRING | FORM_REPEAT)
#define PUSH_REG(op) ONE("push_register", "push", op, 0, 0, 0), ONE16("push_register", "push", op, 0, 0, 0)

#define VEX(row, name, map, wvlp, op, reg, imm, flags) \
    {row, name, {0xc4, map, wvlp, op}, 4, 0, reg, imm, MODRM | FORM_HOST | (flags)}
#define VEX2(row, name, vlp, op, reg, flags) {row, name, {0xc5, vlp, op}, 3, 0, reg, 0, MODRM | FORM_HOST | (flags)}

const struct form forms[] = {
    ONE("store", "mov8", 0x88, ANY, 0, MODRM), ONE("store", "mov32", 0x89, ANY, 0, MODRM),
    ONE16("store", "mov16", 0x89, ANY, 0, MODRM), ONE("store", "mov8 imm", 0xc6, 0, 1, MODRM),
    ONE("store", "mov32 imm", 0xc7, 0, 4, MODRM), ONE16("store", "mov16 imm", 0xc7, 0, 2, MODRM),
    ONE("store", "mov sreg", 0x8c, SREG, 0, MODRM),
    SETCC(0x90), SETCC(0x91), SETCC(0x92), SETCC(0x93), SETCC(0x94), SETCC(0x95), SETCC(0x96), SETCC(0x97),
    SETCC(0x98), SETCC(0x99), SETCC(0x9a), SETCC(0x9b), SETCC(0x9c), SETCC(0x9d), SETCC(0x9e), SETCC(0x9f),
    TWO("store", "movaps", 0x29, ANY, 0, MODRM | FORM_ALIGNED),
    TWOP("store", "movapd", 0x66, 0x29, ANY, 0, MODRM | FORM_ALIGNED),
    TWO("store", "movups", 0x11, ANY, 0, MODRM), TWOP("store", "movupd", 0x66, 0x11, ANY, 0, MODRM),
    TWOP("store", "movdqa", 0x66, 0x7f, ANY, 0, MODRM | FORM_ALIGNED),
    TWOP("store", "movdqu", 0xf3, 0x7f, ANY, 0, MODRM),
    TWO("store", "movlps", 0x13, ANY, 0, MODRM), TWOP("store", "movlpd", 0x66, 0x13, ANY, 0, MODRM),
    TWO("store", "movhps", 0x17, ANY, 0, MODRM), TWOP("store", "movhpd", 0x66, 0x17, ANY, 0, MODRM),
    TWOP("store", "movss", 0xf3, 0x11, ANY, 0, MODRM), TWOP("store", "movsd", 0xf2, 0x11, ANY, 0, MODRM),
    TWOP("store", "movd xmm", 0x66, 0x7e, ANY, 0, MODRM), TWO("store", "movd mmx", 0x7e, ANY, 0, MODRM),
    TWOP("store", "movq xmm", 0x66, 0xd6, ANY, 0, MODRM), TWO("store", "movq mmx", 0x7f, ANY, 0, MODRM),
    TWO("store", "stmxcsr", 0xae, 3, 0, MODRM), THREE("store", "extractps", 0x66, 0x3a, 0x17, 1),
    THREE("store", "pextrb", 0x66, 0x3a, 0x14, 1), THREE("store", "pextrw", 0x66, 0x3a, 0x15, 1),
    THREE("store", "pextrd", 0x66, 0x3a, 0x16, 1),
    ONE("moffs", "moffs8", 0xa2, 0, 0, FORM_MOFFS), ONE("moffs", "moffs32", 0xa3, 0, 0, FORM_MOFFS),
    ONE16("moffs", "moffs16", 0xa3, 0, 0, FORM_MOFFS),
    TWO("nontemporal", "movnti", 0xc3, ANY, 0, MODRM), TWO("nontemporal", "movntps", 0x2b, ANY, 0, MODRM | FORM_ALIGNED),
    TWOP("nontemporal", "movntpd", 0x66, 0x2b, ANY, 0, MODRM | FORM_ALIGNED),
    TWOP("nontemporal", "movntdq", 0x66, 0xe7, ANY, 0, MODRM | FORM_ALIGNED),
    TWO("nontemporal", "movntq", 0xe7, ANY, 0, MODRM),
    ALU("add", 0x00), ALU("or", 0x08), ALU("adc", 0x10), ALU("sbb", 0x18), ALU("and", 0x20), ALU("sub", 0x28),
    ALU("xor", 0x30), ALU_IMM("add", 0), ALU_IMM("or", 1), ALU_IMM("adc", 2), ALU_IMM("sbb", 3), ALU_IMM("and", 4),
    ALU_IMM("sub", 5), ALU_IMM("xor", 6), UNARY("inc", 0xfe, 0), UNARY("dec", 0xfe, 1), UNARY("not", 0xf6, 2),
    UNARY("neg", 0xf6, 3), SHIFT("rol", 0), SHIFT("ror", 1), SHIFT("rcl", 2), SHIFT("rcr", 3), SHIFT("shl", 4),
    SHIFT("shr", 5), SHIFT("sar", 7),
    TWO("rmw", "shld imm", 0xa4, ANY, 1, MODRM), TWO("rmw", "shld cl", 0xa5, ANY, 0, MODRM),
    TWO("rmw", "shrd imm", 0xac, ANY, 1, MODRM), TWO("rmw", "shrd cl", 0xad, ANY, 0, MODRM),
    TWOP("rmw", "shld16 imm", 0x66, 0xa4, ANY, 1, MODRM), TWOP("rmw", "shrd16 imm", 0x66, 0xac, ANY, 1, MODRM),
    TWO("rmw", "bts imm", 0xba, 5, 1, MODRM | FORM_LOCK), TWO("rmw", "btr imm", 0xba, 6, 1, MODRM | FORM_LOCK),
    TWO("rmw", "btc imm", 0xba, 7, 1, MODRM | FORM_LOCK), TWOP("rmw", "bts16 imm", 0x66, 0xba, 5, 1, MODRM),
    ONE("exchange", "xchg8", 0x86, ANY, 0, MODRM | FORM_LOCK), ONE("exchange", "xchg32", 0x87, ANY, 0, MODRM | FORM_LOCK),
    ONE16("exchange", "xchg16", 0x87, ANY, 0, MODRM | FORM_LOCK),
    TWO("exchange", "xadd8", 0xc0, ANY, 0, MODRM | FORM_LOCK), TWO("exchange", "xadd32", 0xc1, ANY, 0, MODRM | FORM_LOCK),
    TWOP("exchange", "xadd16", 0x66, 0xc1, ANY, 0, MODRM | FORM_LOCK),
    TWO("exchange", "cmpxchg8", 0xb0, ANY, 0, MODRM | FORM_LOCK), TWO("exchange", "cmpxchg32", 0xb1, ANY, 0, MODRM | FORM_LOCK),
    TWOP("exchange", "cmpxchg16", 0x66, 0xb1, ANY, 0, MODRM | FORM_LOCK),
    TWO("exchange", "cmpxchg8b", 0xc7, 1, 0, MODRM | FORM_LOCK),
    TWO("bit_offset", "bts", 0xab, ANY, 0, MODRM | FORM_BIT_OFFSET | FORM_LOCK),
    TWO("bit_offset", "btr", 0xb3, ANY, 0, MODRM | FORM_BIT_OFFSET), TWO("bit_offset", "btc", 0xbb, ANY, 0, MODRM | FORM_BIT_OFFSET),
    TWOP("bit_offset", "bts16", 0x66, 0xab, ANY, 0, MODRM | FORM_BIT_OFFSET),
    TWOP("bit_offset", "btc16", 0x66, 0xbb, ANY, 0, MODRM | FORM_BIT_OFFSET),
    ONE("x87", "fst32", 0xd9, 2, 0, MODRM), ONE("x87", "fstp32", 0xd9, 3, 0, MODRM), ONE("x87", "fst64", 0xdd, 2, 0, MODRM),
    ONE("x87", "fstp64", 0xdd, 3, 0, MODRM), ONE("x87", "fstp80", 0xdb, 7, 0, MODRM), ONE("x87", "fist16", 0xdf, 2, 0, MODRM),
    ONE("x87", "fistp16", 0xdf, 3, 0, MODRM), ONE("x87", "fist32", 0xdb, 2, 0, MODRM), ONE("x87", "fistp32", 0xdb, 3, 0, MODRM),
    ONE("x87", "fistp64", 0xdf, 7, 0, MODRM), ONE("x87", "fisttp16", 0xdf, 1, 0, MODRM), ONE("x87", "fisttp32", 0xdb, 1, 0, MODRM),
    ONE("x87", "fisttp64", 0xdd, 1, 0, MODRM), ONE("x87", "fbstp", 0xdf, 6, 0, MODRM), ONE("x87", "fnstcw", 0xd9, 7, 0, MODRM),
    ONE("x87", "fnstsw", 0xdd, 7, 0, MODRM), ONE("x87", "fnstenv", 0xd9, 6, 0, MODRM), ONE("x87", "fnsave", 0xdd, 6, 0, MODRM),
    TWO("x87", "fxsave", 0xae, 0, 0, MODRM | FORM_ALIGNED),
    TWO("system_store", "sgdt", 0x01, 0, 0, MODRM), TWO("system_store", "sidt", 0x01, 1, 0, MODRM),
    TWO("system_store", "sldt", 0x00, 0, 0, MODRM), TWO("system_store", "str", 0x00, 1, 0, MODRM),
    TWO("system_store", "smsw", 0x01, 4, 0, MODRM),
    ONE("pop", "pop m32", 0x8f, 0, 0, MODRM), ONE16("pop", "pop m16", 0x8f, 0, 0, MODRM),
    PUSH_REG(0x50), PUSH_REG(0x51), PUSH_REG(0x52), PUSH_REG(0x53), PUSH_REG(0x55), PUSH_REG(0x56), PUSH_REG(0x57),
    ONE("push_immediate", "push imm32", 0x68, 0, 4, 0), ONE("push_immediate", "push imm8", 0x6a, 0, 1, 0),
    ONE16("push_immediate", "push16 imm16", 0x68, 0, 2, 0), ONE16("push_immediate", "push16 imm8", 0x6a, 0, 1, 0),
    ONE("push_other", "push m32", 0xff, 6, 0, MODRM), ONE16("push_other", "push m16", 0xff, 6, 0, MODRM),
    ONE("push_other", "push esp", 0x54, 0, 0, 0), ONE("push_other", "push es", 0x06, 0, 0, 0),
    ONE("push_other", "push cs", 0x0e, 0, 0, 0), ONE("push_other", "push ss", 0x16, 0, 0, 0),
    ONE("push_other", "push ds", 0x1e, 0, 0, 0), TWO("push_other", "push fs", 0xa0, 0, 0, 0),
    TWO("push_other", "push gs", 0xa8, 0, 0, 0),
    ONE("pushf", "pushf", 0x9c, 0, 0, 0), ONE16("pushf", "pushf16", 0x9c, 0, 0, 0),
    ONE("pusha", "pusha", 0x60, 0, 0, 0), ONE16("pusha", "pusha16", 0x60, 0, 0, 0),
    ONE("enter", "enter", 0xc8, 0, 3, FORM_FRAME),
    TWO("maskmov", "maskmovq", 0xf7, 3, 0, FORM_STRING | FORM_REGISTERS),
    TWOP("maskmov", "maskmovdqu", 0x66, 0xf7, 3, 0, FORM_STRING | FORM_REGISTERS),
    VEX("vex_store", "vmovaps", 0xe1, 0x78, 0x29, ANY, 0, FORM_LINE),
    VEX2("vex_store", "vmovaps", 0xf8, 0x29, ANY, FORM_LINE),
    VEX("vex_store", "vmovaps", 0xe1, 0x7c, 0x29, ANY, 0, FORM_LINE),
    VEX2("vex_store", "vmovaps", 0xfc, 0x29, ANY, FORM_LINE),
    VEX("vex_store", "vmovapd", 0xe1, 0x79, 0x29, ANY, 0, FORM_LINE),
    VEX2("vex_store", "vmovapd", 0xf9, 0x29, ANY, FORM_LINE),
    VEX("vex_store", "vmovapd", 0xe1, 0x7d, 0x29, ANY, 0, FORM_LINE),
    VEX2("vex_store", "vmovapd", 0xfd, 0x29, ANY, FORM_LINE),
    VEX("vex_store", "vmovups", 0xe1, 0x78, 0x11, ANY, 0, 0),
    VEX2("vex_store", "vmovups", 0xf8, 0x11, ANY, 0),
    VEX("vex_store", "vmovups", 0xe1, 0x7c, 0x11, ANY, 0, 0),
    VEX2("vex_store", "vmovups", 0xfc, 0x11, ANY, 0),
    VEX("vex_store", "vmovupd", 0xe1, 0x79, 0x11, ANY, 0, 0),
    VEX2("vex_store", "vmovupd", 0xf9, 0x11, ANY, 0),
    VEX("vex_store", "vmovupd", 0xe1, 0x7d, 0x11, ANY, 0, 0),
    VEX2("vex_store", "vmovupd", 0xfd, 0x11, ANY, 0),
    VEX("vex_store", "vmovdqa", 0xe1, 0x79, 0x7f, ANY, 0, FORM_LINE),
    VEX2("vex_store", "vmovdqa", 0xf9, 0x7f, ANY, FORM_LINE),
    VEX("vex_store", "vmovdqa", 0xe1, 0x7d, 0x7f, ANY, 0, FORM_LINE),
    VEX2("vex_store", "vmovdqa", 0xfd, 0x7f, ANY, FORM_LINE),
    VEX("vex_store", "vmovdqu", 0xe1, 0x7a, 0x7f, ANY, 0, 0),
    VEX2("vex_store", "vmovdqu", 0xfa, 0x7f, ANY, 0),
    VEX("vex_store", "vmovdqu", 0xe1, 0x7e, 0x7f, ANY, 0, 0),
    VEX2("vex_store", "vmovdqu", 0xfe, 0x7f, ANY, 0),
    VEX("vex_store", "vmovlps", 0xe1, 0x78, 0x13, ANY, 0, 0),
    VEX2("vex_store", "vmovlps", 0xf8, 0x13, ANY, 0),
    VEX("vex_store", "vmovlpd", 0xe1, 0x79, 0x13, ANY, 0, 0),
    VEX2("vex_store", "vmovlpd", 0xf9, 0x13, ANY, 0),
    VEX("vex_store", "vmovhps", 0xe1, 0x78, 0x17, ANY, 0, 0),
    VEX2("vex_store", "vmovhps", 0xf8, 0x17, ANY, 0),
    VEX("vex_store", "vmovhpd", 0xe1, 0x79, 0x17, ANY, 0, 0),
    VEX2("vex_store", "vmovhpd", 0xf9, 0x17, ANY, 0),
    VEX("vex_store", "vmovss", 0xe1, 0x7a, 0x11, ANY, 0, 0),
    VEX2("vex_store", "vmovss", 0xfa, 0x11, ANY, 0),
    VEX("vex_store", "vmovsd", 0xe1, 0x7b, 0x11, ANY, 0, 0),
    VEX2("vex_store", "vmovsd", 0xfb, 0x11, ANY, 0),
    VEX("vex_store", "vmovd", 0xe1, 0x79, 0x7e, ANY, 0, 0),
    VEX2("vex_store", "vmovd", 0xf9, 0x7e, ANY, 0),
    VEX("vex_store", "vmovq", 0xe1, 0x79, 0xd6, ANY, 0, 0),
    VEX2("vex_store", "vmovq", 0xf9, 0xd6, ANY, 0),
    VEX("vex_store", "vmovntps", 0xe1, 0x78, 0x2b, ANY, 0, FORM_LINE),
    VEX2("vex_store", "vmovntps", 0xf8, 0x2b, ANY, FORM_LINE),
    VEX("vex_store", "vmovntps", 0xe1, 0x7c, 0x2b, ANY, 0, FORM_LINE),
    VEX2("vex_store", "vmovntps", 0xfc, 0x2b, ANY, FORM_LINE),
    VEX("vex_store", "vmovntpd", 0xe1, 0x79, 0x2b, ANY, 0, FORM_LINE),
    VEX2("vex_store", "vmovntpd", 0xf9, 0x2b, ANY, FORM_LINE),
    VEX("vex_store", "vmovntpd", 0xe1, 0x7d, 0x2b, ANY, 0, FORM_LINE),
    VEX2("vex_store", "vmovntpd", 0xfd, 0x2b, ANY, FORM_LINE),
    VEX("vex_store", "vmovntdq", 0xe1, 0x79, 0xe7, ANY, 0, FORM_LINE),
    VEX2("vex_store", "vmovntdq", 0xf9, 0xe7, ANY, FORM_LINE),
    VEX("vex_store", "vmovntdq", 0xe1, 0x7d, 0xe7, ANY, 0, FORM_LINE),
    VEX2("vex_store", "vmovntdq", 0xfd, 0xe7, ANY, FORM_LINE),
    VEX("vex_store", "vstmxcsr", 0xe1, 0x78, 0xae, 3, 0, 0),
    VEX2("vex_store", "vstmxcsr", 0xf8, 0xae, 3, 0),
    VEX("vex_store", "vextractf128", 0xe3, 0x7d, 0x19, ANY, 1, 0),
    VEX("vex_store", "vextracti128", 0xe3, 0x7d, 0x39, ANY, 1, 0),
    VEX("vex_store", "vextractps", 0xe3, 0x79, 0x17, ANY, 1, 0),
    VEX("vex_store", "vpextrb", 0xe3, 0x79, 0x14, ANY, 1, 0),
    VEX("vex_store", "vpextrw", 0xe3, 0x79, 0x15, ANY, 1, 0),
    VEX("vex_store", "vpextrd", 0xe3, 0x79, 0x16, ANY, 1, 0),
    VEX("vex_store", "vcvtps2ph", 0xe3, 0x79, 0x1d, ANY, 1, 0),
    VEX("vex_store", "vcvtps2ph", 0xe3, 0x7d, 0x1d, ANY, 1, 0),
    VEX("vex_masked", "vmaskmovps", 0xe2, 0x79, 0x2e, ANY, 0, FORM_MASK | FORM_WIDE),
    VEX("vex_masked", "vmaskmovps", 0xe2, 0x7d, 0x2e, ANY, 0, FORM_MASK | FORM_WIDE),
    VEX("vex_masked", "vmaskmovpd", 0xe2, 0x79, 0x2f, ANY, 0, FORM_MASK | FORM_WIDE),
    VEX("vex_masked", "vmaskmovpd", 0xe2, 0x7d, 0x2f, ANY, 0, FORM_MASK | FORM_WIDE),
    VEX("vex_masked", "vpmaskmovd", 0xe2, 0x79, 0x8e, ANY, 0, FORM_MASK | FORM_WIDE),
    VEX("vex_masked", "vpmaskmovd", 0xe2, 0x7d, 0x8e, ANY, 0, FORM_MASK | FORM_WIDE),
    VEX("vex_masked", "vpmaskmovq", 0xe2, 0xf9, 0x8e, ANY, 0, FORM_MASK | FORM_WIDE),
    VEX("vex_masked", "vpmaskmovq", 0xe2, 0xfd, 0x8e, ANY, 0, FORM_MASK | FORM_WIDE),
    {"maskmov", "vmaskmovdqu", {0xc5, 0xf9, 0xf7}, 3, 0, 3, 0, FORM_STRING | FORM_REGISTERS | FORM_HOST},
    {"store", "movbe", {0x0f, 0x38, 0xf1}, 3, 0, ANY, 0, MODRM | FORM_HOST},
    {"store", "movbe16", {0x0f, 0x38, 0xf1}, 3, 0x66, ANY, 0, MODRM | FORM_HOST},
    TWO("xsave", "xsave", 0xae, 4, 0, MODRM | FORM_HOST | FORM_LINE | FORM_WIDE),
    TWO("xsave", "xsavec", 0xc7, 4, 0, MODRM | FORM_HOST | FORM_LINE | FORM_WIDE),
    TWO("xsave", "xsaveopt", 0xae, 6, 0, MODRM | FORM_HOST | FORM_LINE | FORM_WIDE),
    TWOP("rmw", "shld16 cl", 0x66, 0xa5, ANY, 0, MODRM),
    TWOP("rmw", "shrd16 cl", 0x66, 0xad, ANY, 0, MODRM),
    TWOP("rmw", "btr16 imm", 0x66, 0xba, 6, 1, MODRM),
    TWOP("rmw", "btc16 imm", 0x66, 0xba, 7, 1, MODRM),
    TWOP("bit_offset", "btr16", 0x66, 0xb3, ANY, 0, MODRM | FORM_BIT_OFFSET),
    ONE16("x87", "fnstenv16", 0xd9, 6, 0, MODRM),
    ONE16("x87", "fnsave16", 0xdd, 6, 0, MODRM),
    ONE16("push_other", "push16 sp", 0x54, 0, 0, 0),
    ONE16("push_other", "push16 ds", 0x1e, 0, 0, 0),
    ONE16("push_other", "push16 es", 0x06, 0, 0, 0),
    TWOP("push_other", "push16 fs", 0x66, 0xa0, 0, 0, 0),
    TWOP("push_other", "push16 gs", 0x66, 0xa8, 0, 0, 0),
    STRING("stos", "stos", 0xaa), STRING("movs", "movs", 0xa4), STRING("ins", "ins", 0x6c),
};
/* clang-format on */

const unsigned form_count = sizeof(forms) / sizeof(forms[0]);

enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };

/* Bytes below esp that translations may use; what the original addresses stays out of there. */
enum { SCRATCH_ZONE = 256, MARGIN = 0x1000, ENTER_FRAME = 64, ENTER_LEVELS = 5 };

static uint64_t random_state = 1;

void random_seed(uint64_t seed)
{
    random_state = seed * 2 + 1;
}

uint32_t random_next(void)
{
    /* xorshift64* */
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (uint32_t)((random_state * 0x2545f4914f6cdd1dull) >> 32);
}

uint32_t random_below(uint32_t limit)
{
    return random_next() % limit;
}

static void put(struct form_case *made, uint8_t byte)
{
    made->bytes[made->size++] = byte;
}

static void put_value(struct form_case *made, uint32_t value, unsigned size)
{
    for (unsigned i = 0; i < size; i++)
        put(made, (uint8_t)(value >> (8 * i)));
}

/* An address with room on both sides for the largest operand, away from the stack's scratch zone
 * and its top. */
static uint32_t pick_address(const struct form_case *made, bool aligned, uint32_t low,
                             uint32_t high)
{
    uint32_t esp = made->state->gpr[ESP];
    for (;;) {
        uint32_t addr = low + random_below(high - low);
        if (aligned)
            addr &= ~63u;
        if (addr + XSAVE_SIZE + SCRATCH_ZONE < esp || addr > esp + 4 * SCRATCH_ZONE)
            return addr;
    }
}

/* Extended state as xrstor takes it: any registers of x87, SSE and AVX, all in use (SDM volume
 * 1, 13.4). */
static void randomise_xsave(uint8_t *area)
{
    enum { CONTROL = 0, TAGS = 4, MXCSR = 24, REGISTERS = 32, HEADER = 512, AVX = 576, HIGH = 128 };
    memset(area, 0, XSAVE_SIZE);
    memcpy(area + CONTROL, (uint8_t[]){0x7f, 0x03}, 2);
    memcpy(area + MXCSR, (uint8_t[]){0x80, 0x1f}, 2);
    area[TAGS] = (uint8_t)random_next();
    for (unsigned i = 0; i < HIGH; i++) {
        if (i % 16 < 10)
            area[REGISTERS + i] = (uint8_t)random_next();
        area[REGISTERS + HIGH + i] = (uint8_t)random_next();
        area[AVX + i] = (uint8_t)random_next();
    }
    area[HEADER] = 7; /* not in use may become in use whenever the system switches programs */
}

static void randomise(struct machine_state *state)
{
    /* OF, DF, SF, ZF, AF, PF, CF; bit 1 is always set (SDM volume 1, 3.4.3) */
    state->eflags = (random_next() & 0xcd5) | 2;
    for (unsigned i = 0; i < GPR_COUNT; i++)
        state->gpr[i] = random_next();
    state->gpr[ESP] = 0xa000 + random_below(0x2000) * 4;
    for (unsigned i = 0; i < XMM_COUNT; i++)
        for (unsigned j = 0; j < 16; j++)
            state->xmm[i][j] = (uint8_t)random_next();
    randomise_xsave(state->xsave);
    for (unsigned i = 0; i < MEMORY_SIZE; i += 4) {
        uint32_t value = random_next();
        memcpy(state->memory + i, &value, 4);
    }
}

/* A 32-bit ModRM form: the displacement, or else a register, is made to fit the address. */
static void put_modrm32(struct form_case *made, unsigned reg, uint32_t target)
{
    uint32_t *gpr = made->state->gpr;
    unsigned rm = random_below(8), mod = random_below(3);
    if (rm != ESP) {
        bool absolute = mod == 0 && rm == EBP;
        bool fits = mod == 2 || absolute;
        int8_t disp8 = (int8_t)random_next();
        if (!fits)
            gpr[rm] = target - (mod == 1 ? (uint32_t)disp8 : 0);
        put(made, (uint8_t)(mod << 6 | reg << 3 | rm));
        if (fits)
            put_value(made, target - (absolute ? 0 : gpr[rm]), 4);
        else if (mod == 1)
            put(made, (uint8_t)disp8);
        return;
    }
    unsigned scale = random_below(4), index = random_below(8), base = random_below(8);
    uint32_t sum = index == ESP ? 0 : gpr[index] << scale;
    if (!(mod == 0 && base == EBP))
        sum += gpr[base];
    put(made, (uint8_t)((mod == 0 && base == EBP ? 0 : 2) << 6 | reg << 3 | rm));
    put(made, (uint8_t)(scale << 6 | index << 3 | base));
    put_value(made, target - sum, 4);
}

/* A 16-bit ModRM form with a 16-bit displacement (SDM volume 2, table 2-1). */
static void put_modrm16(struct form_case *made, unsigned reg, uint32_t target)
{
    static const int8_t parts[8][2] = {{EBX, ESI}, {EBX, EDI}, {EBP, ESI}, {EBP, EDI},
                                       {ESI, -1},  {EDI, -1},  {EBP, -1},  {EBX, -1}};
    unsigned rm = random_below(8);
    uint32_t sum = made->state->gpr[parts[rm][0]];
    if (parts[rm][1] >= 0)
        sum += made->state->gpr[parts[rm][1]];
    put(made, (uint8_t)(2 << 6 | reg << 3 | rm));
    put_value(made, target - sum, 2);
}

static void put_operand(const struct form *form, struct form_case *made, bool addr16)
{
    uint32_t high = addr16 ? 0xf000 : MEMORY_SIZE - MARGIN;
    uint32_t target = pick_address(made, form->flags & (FORM_ALIGNED | FORM_LINE), MARGIN, high);
    unsigned reg = form->extension >= 0      ? (unsigned)form->extension
                   : form->extension == SREG ? random_below(6)
                                             : random_below(8);
    if (form->flags & FORM_BIT_OFFSET) {
        reg = (reg == ESP) ? EDI : reg;
        target = pick_address(made, true, 0x3000, addr16 ? 0x8000 : 0x8800);
        /* Negative offsets make the emulator leave 32 bits; programs/corners.S has them. */
        uint32_t high_part = form->prefix == 0x66 ? random_next() & ~0xffffu : 0;
        made->state->gpr[reg] = high_part | random_below(0x4000);
    }
    if (addr16)
        put_modrm16(made, reg, target);
    else
        put_modrm32(made, reg, target);
    if (strcmp(form->row, "exchange") == 0 && random_below(2)) {
        /* so that comparisons succeed half of the time */
        memcpy(made->state->memory + target, &made->state->gpr[EAX], 4);
        memcpy(made->state->memory + target + 4, &made->state->gpr[EDX], 4);
    }
}

static void point_strings(struct form_case *made, bool repeat)
{
    uint32_t *gpr = made->state->gpr;
    gpr[EDI] = pick_address(made, false, 2 * MARGIN, MEMORY_SIZE - 2 * MARGIN);
    gpr[ESI] = pick_address(made, false, 2 * MARGIN, MEMORY_SIZE - 2 * MARGIN);
    if (random_below(2))
        gpr[ESI] = gpr[EDI] + random_below(40) - 20; /* overlap */
    if (repeat)
        gpr[ECX] = random_below(24);
}

void form_make(const struct form *form, struct form_case *made)
{
    static const uint8_t segments[] = {0x26, 0x36, 0x3e, 0x64, 0x65};
    made->size = 0;
    randomise(made->state);
    if (strcmp(form->row, "xsave") == 0)
        made->state->gpr[EAX] &= 7; /* of all state, what host_run loads: x87, SSE, AVX */
    bool addr16 = (form->flags & (FORM_MODRM | FORM_MOFFS)) && !(form->flags & FORM_WIDE) &&
                  random_below(8) == 0;
    bool segment = (form->flags & (FORM_MODRM | FORM_MOFFS)) && random_below(8) == 0;
    if ((form->flags & FORM_LOCK) && random_below(4) == 0)
        put(made, 0xf0);
    if (segment)
        put(made, segments[random_below(sizeof(segments))]);
    if (addr16)
        put(made, 0x67);
    if (form->flags & FORM_REPEAT)
        put(made, random_below(2) ? 0xf3 : 0xf2);
    if (form->prefix != 0)
        put(made, form->prefix);
    for (unsigned i = 0; i < form->opcode_size; i++)
        put(made, form->opcode[i]);
    if (form->flags & FORM_MASK) /* VEX.vvvv, inverted: SDM volume 2, 2.3.5.6 */
        made->bytes[made->size - 2] ^= (uint8_t)(random_below(8) << 3);
    if (form->flags & FORM_FRAME)
        made->state->gpr[EBP] = made->state->gpr[ESP] + random_below(ENTER_FRAME) * 4 + ENTER_FRAME;
    if (form->flags & FORM_STRING)
        point_strings(made, form->flags & FORM_REPEAT);
    if (form->flags & FORM_MODRM)
        put_operand(form, made, addr16);
    if (form->flags & FORM_REGISTERS)
        put(made, (uint8_t)(0xc0 | form->extension << 3 | random_below(8)));
    if (form->flags & FORM_MOFFS)
        put_value(made, pick_address(made, false, MARGIN, 0xf000), addr16 ? 2 : 4);
    if (form->flags & FORM_FRAME) {
        put_value(made, random_below(ENTER_FRAME), 2);
        put(made, (uint8_t)random_below(ENTER_LEVELS));
    } else {
        put_value(made, random_next(), form->immediate);
    }
}
