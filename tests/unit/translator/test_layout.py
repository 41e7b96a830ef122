"""What the translated file looks like: addresses, tables, headers."""

import os
import re
import struct

import pytest

from test_programs import PROGRAMS, TRANSLATE, build, run, translate

OFFSET = 0x38000000
KERNBASE = 0x80000000
PAGE = 4096


class Elf:
    """Just enough of an ELF32 file."""

    def __init__(self, path):
        self.data = path.read_bytes()
        (self.entry, phoff, shoff, _, _, phsize, phnum, shsize, shnum, names) = struct.unpack_from(
            "<IIIIHHHHHH", self.data, 24)
        self.segments = [struct.unpack_from("<8I", self.data, phoff + i * phsize) for i in range(phnum)]
        headers = [struct.unpack_from("<10I", self.data, shoff + i * shsize) for i in range(shnum)]
        self.sections = {self.string(headers[names], header[0]): header for header in headers}
        self.symbols = {}
        strings = self.sections[".strtab"]
        for fields in struct.iter_unpack("<IIIBBH", self.contents(".symtab")):
            self.symbols[self.string(strings, fields[0])] = fields[1]

    def string(self, table, at):
        start = table[4] + at
        return self.data[start:self.data.index(b"\0", start)].decode()

    def contents(self, name):
        header = self.sections[name]
        return self.data[header[4]:header[4] + header[5]]

    def pairs(self, name):
        return list(struct.iter_unpack("<II", self.contents(name)))

    def word(self, address):
        """The 32-bit word at a virtual address."""
        for kind, offset, virtual, _, size, *_ in self.segments:
            if kind == 1 and virtual <= address < virtual + size:
                return struct.unpack_from("<I", self.data, offset + address - virtual)[0]
        raise AssertionError(f"{address:#x} is not in the file")


@pytest.fixture
def kernel(tmp_path):
    source = os.path.join(PROGRAMS, "kernel.S")
    native = build(tmp_path, source, "-Wl,-T," + os.path.join(PROGRAMS, "kernel.ld"), "-Wl,-z,max-page-size=4096",
                   entry="physical_entry")
    return Elf(native), Elf(translate(native)), native


def test_header_and_16_bit_code_stay(kernel):
    old, new, native = kernel
    for name in (".multiboot", ".code16"):
        assert new.sections[name][3:6] == old.sections[name][3:6]
    assert new.contents(".multiboot") == old.contents(".multiboot")
    assert new.sections[".multiboot"][4] < 8192
    assert re.search(r"16-bit, kept\s+\.code16", run(TRANSLATE, "--list", native).stdout)


def test_physical_entry_and_biased_addresses(kernel):
    old, new, _ = kernel
    bodies = dict(new.pairs(".kmv.addrmap"))
    assert new.entry == bodies[old.symbols["entry"]] - KERNBASE
    assert new.symbols["physical_entry"] == new.entry
    # Code that is entered by its physical address has no stack yet: past the mirror of a call.
    assert new.word(new.symbols["read_only"] + 4) == bodies[old.symbols["entry32"]] - KERNBASE
    far_jump = new.contents(".code16").rindex(b"\x66\xea")
    assert struct.unpack_from("<I", new.contents(".code16"), far_jump + 2)[0] == \
        bodies[old.symbols["entry32"]] - KERNBASE
    assert new.word(new.symbols["page_directory"]) == new.symbols["local_table"] - KERNBASE + 7


def test_pointers_to_functions_go_through_the_mirror_of_the_call(kernel):
    old, new, _ = kernel
    bodies = dict(new.pairs(".kmv.addrmap"))
    pointer = new.word(new.symbols["read_only"])
    assert pointer == new.symbols["work"]
    assert pointer < bodies[old.symbols["work"]]


def test_boundary_symbols(kernel):
    _, new, _ = kernel

    def end_of(name):
        return new.sections[name][3] + new.sections[name][5]

    assert new.symbols["etext"] == end_of(".text")
    assert new.symbols["edata"] == end_of(".data")
    assert new.symbols["end"] == end_of(".bss")
    assert new.symbols["data"] == new.sections[".data"][3]
    assert new.symbols["data"] % PAGE == 0
    assert new.symbols["image_size"] == 0x1234


def test_immediates_of_the_entry_code(kernel):
    old, new, _ = kernel
    text, base = new.contents(".text"), new.sections[".text"][3]
    body = dict(new.pairs(".kmv.addrmap"))[old.symbols["entry"]] - base
    values = [struct.unpack_from("<I", text, body + 5 * i + 1)[0] for i in range(6)]
    names = new.symbols
    assert values == [names["page_directory"] - KERNBASE, names["local_table"] - KERNBASE + 3, names["end"],
                      names["edata"], names["etext"], 0x1234]


def test_segments(kernel):
    _, new, native = kernel
    for kind, offset, virtual, physical, in_file, in_memory, _, align in new.segments:
        if kind == 1 and in_memory:
            assert virtual - physical == KERNBASE
            assert offset % align == virtual % align
            assert in_file <= in_memory
    loaded = [header for header in new.sections.values() if header[2] & 2 and header[5]]
    for header in loaded:
        assert any(kind == 1 and virtual <= header[3] and header[3] + header[5] <= virtual + size
                   for kind, _, virtual, _, _, size, *_ in new.segments)
    assert not any(name.startswith(".rel") for name in new.sections)
    assert run("readelf", "-a", "-W", native.with_suffix(".translated")).stderr == ""


def test_note(kernel):
    _, new, native = kernel
    wanted = struct.pack("<III", 4, 12, 0x4B4D5631) + b"kmv\0"
    assert new.contents(".note.kmv") == wanted + struct.pack("<III", 2, OFFSET, new.sections[".kmv.map"][3])
    notes = [segment for segment in new.segments if segment[0] == 4]
    assert [new.data[note[1]:note[1] + note[4]] for note in notes] == [new.contents(".note.kmv")]
    other = Elf(translate(native, "--offset", "0x48000000"))
    assert other.contents(".note.kmv")[:-4] == wanted + struct.pack("<II", 2, 0x48000000)
    assert Elf(translate(native, "--identity")).contents(".note.kmv") == wanted + struct.pack("<III", 2, 0, 0)


def test_tables_are_sorted(kernel):
    _, new, _ = kernel
    addresses = new.pairs(".kmv.addrmap")
    assert addresses == sorted(addresses)
    assert [pair[1] for pair in addresses] == sorted(pair[1] for pair in addresses)
    windows = new.pairs(".kmv.windows")
    assert windows
    for (start, end), (following, _) in zip(windows, windows[1:] + [(1 << 32, 0)]):
        assert start < end < following


def test_map_of_windows_is_loaded_behind_the_code(kernel):
    _, new, _ = kernel
    text, place = new.sections[".text"], new.sections[".kmv.map"]
    assert place[3] == (text[3] + text[5] + 3) & ~3
    assert new.symbols["etext"] == text[3] + text[5]
    assert any(kind == 1 and place[3] - virtual == place[4] - offset and place[3] + place[5] <= virtual + size
               for kind, offset, virtual, _, size, *_ in new.segments)
    magic, base, count, *words = struct.unpack(f"<{place[5] // 4}I", new.contents(".kmv.map"))
    assert (magic, base, count) == (0x574D564B, text[3], text[5])
    inside = {base + bit for bit in range(32 * len(words)) if words[bit // 32] >> bit % 32 & 1}
    assert inside == {address for window in new.pairs(".kmv.windows") for address in range(*window)}


def test_identity_keeps_the_text_size(kernel):
    old, _, native = kernel
    same = Elf(translate(native, "--identity"))
    assert same.sections[".text"][5] == old.sections[".text"][5]
    assert same.contents(".text") == old.contents(".text")
    assert same.pairs(".kmv.windows") == []
    assert ".kmv.map" not in same.sections


def test_vector_stubs_are_one_window(tmp_path):
    source = tmp_path / "vectors.s"
    source.write_text("""
        .globl entry, alltraps
        entry: movl $stub, %eax
        ret
        stub: pushl $0
        pushl $5
        jmp alltraps
        alltraps: pusha
        popa
        addl $8, %esp
        iret
    """)
    native = build(tmp_path, source)
    old, new = Elf(native), Elf(translate(native, "--trap-entry", "alltraps:gate"))
    bodies = dict(new.pairs(".kmv.addrmap"))
    stub, gate = old.symbols["stub"], old.symbols["alltraps"]
    windows = new.pairs(".kmv.windows")
    inside = next(window for window in windows if window[0] == bodies[stub])
    # From the stub's start to behind the copy of the frame's last word; then pusha's own window.
    assert inside[1] > bodies[gate]
    assert new.symbols["stub"] == bodies[stub]


def vectors(tmp_path, count):
    """A program with a table of `count` vector stubs, some of which push an error code; else as kernels have them."""
    source = tmp_path / f"table{count}.s"
    stubs = "".join(f"v{i}: {'' if i in (8, 13, 14) else 'pushl $0'}\npushl ${i}\njmp alltraps\n" for i in range(count))
    words = "".join(f".long v{i}\n" for i in range(count))
    source.write_text(f"""
        .globl entry, alltraps
        entry: movl $vectors, %eax
        ret
        {stubs}
        alltraps: pusha
        popa
        addl $8, %esp
        iret
        .section .rodata
        .balign 4
        vectors: {words}
    """)
    return build(tmp_path, source)


def bytes_of(path):
    with open(path, "rb") as file:
        return file.read()


def test_a_table_of_vectors_tells_the_trap_entry(tmp_path):
    native = vectors(tmp_path, 32)
    named = bytes_of(translate(native, "--trap-entry", "alltraps:gate"))
    assert bytes_of(translate(native)) == named
    # A table that is too short for an IDT is none: the entry's frame stays as it is, stubs are pointers like others.
    native = vectors(tmp_path, 31)
    named = bytes_of(translate(native, "--trap-entry", "alltraps:gate"))
    assert bytes_of(translate(native)) != named


def branches(tmp_path, branch, filler):
    """Old addresses by name, and the translated file, of a program with short branches over `filler`, both ways."""
    source = tmp_path / "branch.s"
    source.write_text(f"""
        .globl entry
        entry: ret
        ahead: {branch} target
        {filler}
        target: nop
        {filler}
        back: {branch} target
        movl $entry, %eax
    """)
    native = build(tmp_path, source)
    return Elf(native).symbols, Elf(translate(native))


# In the original out of reach from 128 bytes ahead and 128 back on, so up to 125 of filler both ways.
@pytest.mark.parametrize("branch", ["jmp", "jne", "loop", "jecxz", "loopne"])
@pytest.mark.parametrize("filler", [*(f".fill {n}, 1, 0x90" for n in (0, 1, 115, 120, 125)),
                                    *(f".fill {n}, 1, 0x90\n pushl %eax" for n in range(113, 124)),
                                    *(f".fill {n}, 1, 0x90\n pushl $1" for n in range(110, 122)),
                                    ".rept 60\n pushl $1\n .endr"])
def test_branch_distances(tmp_path, branch, filler):
    old, new = branches(tmp_path, branch, filler)
    moved = dict(new.pairs(".kmv.addrmap"))
    assert branch_target(new, moved[old["ahead"]]) == moved[old["target"]]
    assert branch_target(new, moved[old["back"]]) == moved[old["target"]]


def branch_target(elf, address):
    """Where the branch at an address leads, whatever its form."""
    text, base = elf.contents(".text"), elf.sections[".text"][3]
    at = address - base
    first = text[at]
    if first in (0xE0, 0xE1, 0xE2, 0xE3) and text[at + 1] == 2 and text[at + 2] == 0xEB:
        assert text[at + 3] == 5
        return branch_target(elf, address + 4)
    if first == 0xE9:
        return address + 5 + struct.unpack_from("<i", text, at + 1)[0]
    if first == 0x0F:
        return address + 6 + struct.unpack_from("<i", text, at + 2)[0]
    return address + 2 + struct.unpack_from("<b", text, at + 1)[0]


def test_stats(tmp_path):
    import json
    native = build(tmp_path, os.path.join(PROGRAMS, "corners.S"))
    translate(native, "--stats", str(tmp_path / "stats.json"))
    stats = json.loads((tmp_path / "stats.json").read_text())
    assert stats["writers"] == sum(stats["classes"].values())
    assert stats["classes"]["call"] > 10
    assert stats["translated_text_bytes"] > stats["text_bytes"]
