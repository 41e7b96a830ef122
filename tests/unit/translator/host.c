#define _GNU_SOURCE
#include "host.h"

#include <asm/prctl.h>
#include <cpuid.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { PAGE = 4096 };

/* What the code below loads and saves: it is linked below 4 GiB (part.mk). */
uint32_t host_gpr[GPR_COUNT];
uint64_t host_flags, host_stack, host_fs_base;
_Alignas(64) uint8_t host_state[XSAVE_SIZE];
_Alignas(64) uint8_t host_own_state[XSAVE_SIZE];
extern const uint8_t host_back[];
void host_enter(void);

/*
 * To a 32-bit code segment (selector 0x23; data 0x2b, code of 64 bits 0x33) and back. Loading fs
 * clears the base that the C library needs: arch_prctl (158, ARCH_SET_FS) sets it again.
 */
__asm__(
    ".text\n"
    ".globl host_enter, host_back\n"
    "host_enter:\n"
    "    push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
    "    mov %rsp, host_stack\n"
    "    mov $7, %eax; xor %edx, %edx\n"
    "    xsave64 host_own_state\n"
    "    xrstor64 host_state\n"
    "    mov $0x2b, %eax\n"
    "    mov %eax, %ds; mov %eax, %es; mov %eax, %fs; mov %eax, %gs\n"
    "    pushq host_flags; popfq\n"
    "    mov host_gpr, %eax; mov host_gpr+4, %ecx; mov host_gpr+8, %edx; mov host_gpr+12, %ebx\n"
    "    mov host_gpr+20, %ebp; mov host_gpr+24, %esi; mov host_gpr+28, %edi\n"
    "    mov host_gpr+16, %esp\n"
    "    ljmp *host_target\n"
    "host_back:\n"
    "    mov %eax, host_gpr; mov %ecx, host_gpr+4; mov %edx, host_gpr+8; mov %ebx, host_gpr+12\n"
    "    mov %esp, host_gpr+16; mov %ebp, host_gpr+20; mov %esi, host_gpr+24; mov %edi, "
    "host_gpr+28\n"
    "    mov host_stack, %rsp\n"
    "    pushfq; popq host_flags\n"
    "    cld\n"
    "    mov $7, %eax; xor %edx, %edx\n"
    "    xsave64 host_state\n"
    "    xrstor64 host_own_state\n"
    "    mov $158, %eax; mov $0x1002, %edi; mov host_fs_base, %rsi\n"
    "    syscall\n"
    "    pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
    "    ret\n"
    ".data\n"
    "host_target: .long 0x01000000, 0x23\n"
    ".text\n");

static bool map(uint32_t start, uint32_t size)
{
    void *want = (void *)(uintptr_t)start;
    return mmap(want, size, PROT_READ | PROT_WRITE | PROT_EXEC,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) == want;
}

bool host_open(void)
{
    return map(PAGE, MEMORY_SIZE - PAGE) && map(MIRROR_OFFSET, MEMORY_SIZE) &&
           map(CODE_BASE, CODE_SIZE);
}

static uint32_t cpuid_word(uint32_t leaf, uint32_t part, unsigned word)
{
    uint32_t words[4] = {0};
    __get_cpuid_count(leaf, part, &words[0], &words[1], &words[2], &words[3]);
    return words[word];
}

/* SDM volume 2, CPUID: leaf, subleaf, register (eax first), bit. */
bool host_has(const char *row, const char *name)
{
    static const struct {
        const char *what;
        uint8_t leaf, part, word, bit;
    } needs[] = {
        {"vex_store", 7, 0, 1, 5},   {"vex_store", 1, 0, 2, 29}, {"vex_masked", 7, 0, 1, 5},
        {"vmaskmovdqu", 7, 0, 1, 5}, {"movbe", 1, 0, 2, 22},     {"movbe16", 1, 0, 2, 22},
        {"xsave", 1, 0, 2, 27},      {"xsavec", 13, 1, 0, 1},    {"xsaveopt", 13, 1, 0, 0},
    };
    /* The state is loaded with xrstor, AVX included. */
    bool has = (cpuid_word(1, 0, 2) >> 27 & 3) == 3;
    for (unsigned i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
        if (strcmp(needs[i].what, row) == 0 || strcmp(needs[i].what, name) == 0)
            has = has &&
                  (cpuid_word(needs[i].leaf, needs[i].part, needs[i].word) >> needs[i].bit & 1);
    return has;
}

/* Code, then a far jump to host_back: ea, offset, selector. */
static void put_code(const uint8_t *code, size_t size)
{
    uint8_t *to = (uint8_t *)(uintptr_t)CODE_BASE;
    uint32_t back = (uint32_t)(uintptr_t)host_back;
    memcpy(to, code, size);
    to[size] = 0xea;
    memcpy(to + size + 1, &back, 4);
    memcpy(to + size + 5, (uint8_t[]){0x33, 0}, 2);
}

void host_run(const struct machine_state *start, bool equal, const uint8_t *code, size_t size,
              struct machine_state *end)
{
    uint8_t *memory = (uint8_t *)(uintptr_t)PAGE, *mirror = (uint8_t *)(uintptr_t)MIRROR_OFFSET;
    put_code(code, size);
    memcpy(memory, start->memory + PAGE, MEMORY_SIZE - PAGE);
    memcpy(mirror, equal ? start->memory : start->mirror, MEMORY_SIZE);
    memcpy(host_gpr, start->gpr, sizeof(host_gpr));
    memcpy(host_state, start->xsave, XSAVE_SIZE);
    host_flags = start->eflags;
    syscall(SYS_arch_prctl, ARCH_GET_FS, &host_fs_base);
    host_enter();
    memset(end, 0, offsetof(struct machine_state, memory));
    memcpy(end->gpr, host_gpr, sizeof(host_gpr));
    end->eflags = ((uint32_t)host_flags & 0xcd5) | 2;
    memcpy(end->xsave, host_state, XSAVE_SIZE);
    memcpy(end->memory, start->memory, PAGE);
    memcpy(end->memory + PAGE, memory, MEMORY_SIZE - PAGE);
    memcpy(end->mirror, mirror, MEMORY_SIZE);
}
