/* Instructions that do not exist for a guest, or not for its programs. */
#include "attack.h"

/* VMX is hidden, so none of its instructions exist, nor do AMD's, nor what no control backs. */
INSTRUCTION(vmxon, "vmxon %0")
INSTRUCTION(vmcall, "vmcall")
INSTRUCTION(vmxoff, "vmxoff")
INSTRUCTION(vmclear, "vmclear %0")
INSTRUCTION(vmptrld, "vmptrld %0")
INSTRUCTION(vmptrst, "vmptrst %0")
INSTRUCTION(vmread, "vmread %%eax, %%ecx")
INSTRUCTION(vmwrite, "vmwrite %%eax, %%ecx")
INSTRUCTION(vmlaunch, "vmlaunch")
INSTRUCTION(vmresume, "vmresume")
INSTRUCTION(invept, "invept %0, %%ecx")
INSTRUCTION(invvpid, "invvpid %0, %%ecx")
INSTRUCTION(vmfunc, "vmfunc")
INSTRUCTION(vmrun, ".byte 0x0f, 0x01, 0xd8")
INSTRUCTION(vmmcall, ".byte 0x0f, 0x01, 0xd9")
INSTRUCTION(getsec, ".byte 0x0f, 0x37")
INSTRUCTION(rsm, "rsm")
INSTRUCTION(encls, ".byte 0x0f, 0x01, 0xcf")
INSTRUCTION(enclu, ".byte 0x0f, 0x01, 0xd7")
INSTRUCTION(invpcid, "invpcid %0, %%ecx")
INSTRUCTION(xsaves, ".byte 0x0f, 0xc7, 0x2d\n.long 0")
INSTRUCTION(xrstors, ".byte 0x0f, 0xc7, 0x1d\n.long 0")
INSTRUCTION(rdtscp, "rdtscp")
INSTRUCTION(monitor, "monitor")
INSTRUCTION(mwait, "mwait")
INSTRUCTION(syscall_instruction, "syscall")
INSTRUCTION(swapgs_bytes, ".byte 0x0f, 0x01, 0xf8")
INSTRUCTION(ud2, "ud2")
INSTRUCTION(rdpmc, "rdpmc")
INSTRUCTION(invd, "invd")
INSTRUCTION(wbinvd, "wbinvd")
INSTRUCTION(hlt, "hlt")
INSTRUCTION(cli, "cli")
INSTRUCTION(in_delay, "inb $0x80, %%al")
INSTRUCTION(lidt_user, "sidt %0\nlidt %0")
INSTRUCTION(clts, "clts")
INSTRUCTION(read_cr0, "mov %%cr0, %%eax")
INSTRUCTION(read_cr1, ".byte 0x0f, 0x20, 0xc8")
INSTRUCTION(read_cr8_lock, ".byte 0xf0, 0x0f, 0x20, 0xc0")
INSTRUCTION(write_cr5, ".byte 0x0f, 0x22, 0xe8")

static const struct row rows[] = {
    {"vmxon", vmxon, "#UD", KERNEL, ALWAYS},
    {"vmxoff", vmxoff, "#UD", KERNEL, ALWAYS},
    {"vmclear", vmclear, "#UD", KERNEL, ALWAYS},
    {"vmptrld", vmptrld, "#UD", KERNEL, ALWAYS},
    {"vmptrst", vmptrst, "#UD", KERNEL, ALWAYS},
    {"vmread", vmread, "#UD", KERNEL, ALWAYS},
    {"vmwrite", vmwrite, "#UD", KERNEL, ALWAYS},
    {"vmlaunch", vmlaunch, "#UD", KERNEL, ALWAYS},
    {"vmresume", vmresume, "#UD", KERNEL, ALWAYS},
    {"invept", invept, "#UD", KERNEL, ALWAYS},
    {"invvpid", invvpid, "#UD", KERNEL, ALWAYS},
    {"vmfunc", vmfunc, "#UD", KERNEL, ALWAYS},
    {"vmrun", vmrun, "#UD", KERNEL, ALWAYS},
    {"vmmcall", vmmcall, "#UD", KERNEL, ALWAYS},
    {"getsec", getsec, "#UD", KERNEL, ALWAYS},
    {"rsm", rsm, "#UD", KERNEL, ALWAYS},
    {"encls", encls, "#UD", KERNEL, ALWAYS},
    {"enclu", enclu, "#UD", KERNEL, ALWAYS},
    {"invpcid", invpcid, "#UD", KERNEL, ALWAYS},
    {"xsaves", xsaves, "#UD", KERNEL, ALWAYS},
    {"xrstors", xrstors, "#UD", KERNEL, ALWAYS},
    {"rdtscp", rdtscp, "#UD", KERNEL, ALWAYS},
    {"monitor", monitor, "#UD", KERNEL, ALWAYS},
    {"mwait", mwait, "#UD", KERNEL, ALWAYS},
    {"syscall_instruction", syscall_instruction, "#UD", KERNEL, MIRRORED},
    {"swapgs_bytes", swapgs_bytes, "#UD", KERNEL, ALWAYS},
    {"ud2", ud2, "#UD", KERNEL, ALWAYS},
    {"vmxon", vmxon, "#UD", USER, ALWAYS},
    {"vmread", vmread, "#UD", USER, ALWAYS},
    {"vmlaunch", vmlaunch, "#UD", USER, ALWAYS},
    {"invept", invept, "#UD", USER, ALWAYS},
    {"vmcall", vmcall, "#UD", USER, ALWAYS},
    {"mwait", mwait, "#UD", USER, ALWAYS},
    {"rdpmc", rdpmc, "#GP(0x0)", KERNEL, ALWAYS},
    {"rdpmc", rdpmc, "#GP(0x0)", USER, ALWAYS},
    {"invd", invd, "0x0", KERNEL, ALWAYS},
    {"wbinvd", wbinvd, "0x0", KERNEL, ALWAYS},
    {"invd", invd, "#GP(0x0)", USER, ALWAYS},
    {"hlt", hlt, "#GP(0x0)", USER, ALWAYS},
    {"cli", cli, "#GP(0x0)", USER, ALWAYS},
    {"in_delay", in_delay, "#GP(0x0)", USER, ALWAYS},
    {"clts", clts, "#GP(0x0)", USER, ALWAYS},
    {"read_cr0", read_cr0, "#GP(0x0)", USER, ALWAYS},
    {"lidt_user", lidt_user, "#GP(0x0)", USER, ALWAYS},
    {"read_cr1", read_cr1, "#UD", KERNEL, ALWAYS},
    {"read_cr8_lock", read_cr8_lock, "#UD", KERNEL, ALWAYS},
    {"write_cr5", write_cr5, "#UD", KERNEL, ALWAYS},
};

const struct attempts attempts_instructions = {rows, COUNT(rows)};
