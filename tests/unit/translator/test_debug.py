"""Debug information of translated programs: addr2line and gdb say of a translation what they say of the original."""

import os
import re
import struct
import subprocess

import pytest

from test_programs import BASE, PROGRAMS, TRANSLATE, run, tools  # noqa: F401

COMPILERS = {"gcc": "gcc", "clang": "clang"}
SHT_PROGBITS = 1


def build(folder, compiler, *flags):
    out = folder / "native.elf"
    run(compiler, "-m32", "-c", "-fno-pic", "-ffreestanding", "-fno-builtin", "-fno-stack-protector", "-fcf-protection=none",
        "-fno-asynchronous-unwind-tables", *flags, "-o", folder / "native.o", os.path.join(PROGRAMS, "compute.c"))
    run("ld", "-m", "elf_i386", "--emit-relocs", "-e", "entry", f"-Ttext={BASE}", "-o", out, folder / "native.o")
    return out


def translate(native, *options):
    out = native.with_suffix(".translated")
    assert run(TRANSLATE, *options, "-o", out, native).stderr == ""
    return out


def section(path, name):
    data = path.read_bytes()
    (headers,) = struct.unpack_from("<I", data, 32)
    size, count, index = struct.unpack_from("<HHH", data, 46)
    table = [struct.unpack_from("<10I", data, headers + i * size) for i in range(count)]
    names = table[index][4]
    for header in table:
        at = names + header[0]
        if data[at : data.index(b"\0", at)].decode() == name:
            return data[header[4] : header[4] + header[5]]
    return None


PADDING = re.compile(r"^ ([0-9a-f]+):\t.*\b(?:nop|xchg +%ax,%ax|lea +(?:%cs:)?0x0\()", re.MULTILINE)


def address_pairs(native, translated):
    """(old, new) of each instruction that is not padding: that has no place in the translation."""
    listing = run("objdump", "-d", "--no-show-raw-insn", native).stdout
    padding = {int(address, 16) for address in PADDING.findall(listing)}
    return [pair for pair in struct.iter_unpack("<II", section(translated, ".kmv.addrmap")) if pair[0] not in padding]


def lines_of(path, addresses):
    """What addr2line says of each address: function, file and line, of inlined calls, too."""
    text = "\n".join(hex(address) for address in addresses) + "\n"
    result = subprocess.run(["addr2line", "-a", "-f", "-i", "-e", path], input=text, check=True, capture_output=True, text=True)
    return [re.sub(r" \(discriminator \d+\)", "", entry) for entry in re.split(r"^0x[0-9a-f]+\n", result.stdout, flags=re.MULTILINE)[1:]]


@pytest.mark.parametrize("options", [(), ("--identity",)], ids=["mirrored", "identity"])
@pytest.mark.parametrize("level", ["-O0", "-O2"])
@pytest.mark.parametrize("version", [2, 3, 4, 5])
@pytest.mark.parametrize("compiler", COMPILERS)
def test_every_instruction_keeps_its_line(tmp_path, compiler, version, level, options):
    native = build(tmp_path, compiler, f"-gdwarf-{version}", level)
    translated = translate(native, *options)
    pairs = address_pairs(native, translated)
    old, new = lines_of(native, [old for old, _ in pairs]), lines_of(translated, [new for _, new in pairs])
    assert len(old) == len(pairs) > 400
    assert sum("compute.c:" in entry for entry in old) > 0.95 * len(old)
    different = [(hex(pair[0]), a, b) for pair, a, b in zip(pairs, old, new) if a != b]
    assert different == []


def gdb(program, *commands, arguments=()):
    options = [word for command in ("set pagination off", "set confirm off", *commands) for word in ("-ex", command)]
    return run("gdb", "-nx", "-batch", *options, "--args", program, *arguments).stdout


@pytest.mark.parametrize("compiler", COMPILERS)
def test_gdb_stops_at_a_line_and_knows_callers(tools, tmp_path, compiler):
    """The program runs natively, its mirror mapped, in the runner; that has a symbol before the program begins."""
    translated = translate(build(tmp_path, compiler, "-g", "-O0"))
    output = gdb(tools / "runner", "break call_on_stack", "run", f"add-symbol-file {translated}", "break compute.c:32 if n == 9",
                 "continue", "bt", "print n", "info line fibonacci", "list *$pc", "finish", arguments=(translated, "7"))
    assert re.search(r"^Breakpoint 2(?:\.\d+)?, fibonacci \(n=9\) at .*compute\.c:32$", output, re.MULTILINE)
    frames = re.findall(r"^#(\d) +(?:0x\w+ in )?(\w+) \((\w+)=(\d+)\) at .*compute\.c:(\d+)$", output, re.MULTILINE)
    assert [(name, value) for _, name, _, value, _ in frames] == [("fibonacci", "9"), ("fibonacci", "10"), ("fibonacci", "11"),
                                                                 ("fibonacci", "12"), ("entry", "7")]
    assert "$1 = 9" in output
    assert re.search(r"^Line 31 of .* starts at address \w+ <fibonacci>", output, re.MULTILINE)
    assert "Value returned is $2 = 34" in output


def test_gdb_unwinds_without_frame_pointers(tools, tmp_path):
    translated = translate(build(tmp_path, "gcc", "-g", "-O1", "-fomit-frame-pointer"))
    output = gdb(tools / "runner", "break call_on_stack", "run", f"add-symbol-file {translated}", "break fibonacci if n == 9",
                 "continue", "bt", "up", "print n", arguments=(translated, "7"))
    names = re.findall(r"^#\d +(?:0x\w+ in )?(\w+) \(", output, re.MULTILINE)
    assert names[:5] == ["fibonacci"] * 4 + ["entry"]


def test_debug_information_that_cannot_be_followed_is_dropped(tmp_path):
    native = build(tmp_path, "gcc", "-g", "-O1")
    run("objcopy", "--compress-debug-sections=zlib", native)
    out = tmp_path / "out"
    result = run(TRANSLATE, "-o", out, native)
    assert len(result.stderr.splitlines()) == 1
    assert "warning: debug information is dropped: .debug_" in result.stderr
    assert section(out, ".debug_info") is None
    assert section(out, ".symtab") is not None


def test_output_with_debug_information_is_reproducible(tmp_path):
    native = build(tmp_path, "gcc", "-g", "-O2")
    first = translate(native).read_bytes()
    assert translate(native).read_bytes() == first
