"""From code addresses to functions and lines."""

import os
import struct

import pytest

from conftest import TOP
from kmvlib import symbols
from kmvlib.artifacts import Artifacts
from kmvlib.elf import Elf
from kmvlib.hvlog import parse_event
from kmvlib.symbols import AddressMap, Place, Program, Symbols, Trace, TraceWatcher, parse_lines

BUILD = os.path.join(TOP, os.environ.get("KMV_BUILD", "build"))
NATIVE = os.path.join(BUILD, "guest", "kernel.elf")
MIRROR = os.path.join(BUILD, "guest", "mirror-38000000", "kernel.elf")
HYPERVISOR = os.path.join(BUILD, "hv", "hv.elf")

CODE, CODE_BYTES = 0x1000, 0x100


def make_elf(functions, address_map=None):
    """A 32-bit ELF file with code at CODE, function symbols by name, and the pairs of an address map."""
    names, table = b"\0", struct.pack("<IIIBBH", 0, 0, 0, 0, 0, 0)
    for name, start in functions.items():
        table += struct.pack("<IIIBBH", len(names), start, 0, 2, 0, 1)
        names += name.encode() + b"\0"
    pairs = b"".join(struct.pack("<II", *pair) for pair in address_map or [])
    section_names = b"\0.text\0.symtab\0.strtab\0.kmv.addrmap\0"
    parts = [bytes(CODE_BYTES), table, names, section_names, pairs]
    offsets = [52 + sum(map(len, parts[:i])) for i in range(len(parts) + 1)]
    headers = [(0,) * 10, (1, 1, 6, CODE, offsets[0], CODE_BYTES, 0, 0, 0, 0)]
    headers.append((7, 2, 0, 0, offsets[1], len(table), 3, 0, 4, 16))
    headers.append((15, 3, 0, 0, offsets[2], len(names), 0, 0, 0, 0))
    headers.append((15, 3, 0, 0, offsets[3], len(section_names), 0, 0, 0, 0))
    if address_map:
        headers.append((23, 1, 0, 0, offsets[4], len(pairs), 0, 0, 0, 8))
    start = b"\x7fELF\x01\x01\x01".ljust(16, b"\0")
    start += struct.pack("<HHIIIIIHHHHHH", 2, 3, 1, CODE, 0, offsets[5], 0, 52, 0, 0, 40, len(headers), 4)
    return start + b"".join(parts) + b"".join(struct.pack("<10I", *header) for header in headers)


@pytest.fixture(name="files")
def made_files(tmp_path):
    """
    A native program and its translation: `first` is a call at 0x1000 and a return, `second`, reached at its entry copy
    0x1030, two instructions.
    """
    native, translated = tmp_path / "native.elf", tmp_path / "translated.elf"
    native.write_bytes(make_elf({"first": 0x1000, "second": 0x1010}))
    pairs = [(0x1000, 0x1008), (0x1005, 0x1015), (0x1010, 0x1038), (0x1012, 0x1040)]
    translated.write_bytes(make_elf({"first": 0x1000, "second": 0x1030}, pairs))
    return str(native), str(translated)


@pytest.mark.parametrize(
    "address, exact, place",
    [
        (0x1005, False, Place("first", 5, 0x1004)),
        (0x1010, False, Place("first", 0x10, 0x100F)),
        (0x1010, True, Place("second", 0, 0x1010)),
        (0x0FFF, True, None),
        (0x1000, False, None),
        (CODE + CODE_BYTES, True, None),
        (0, False, None),
    ],
)
def test_native_places(files, address, exact, place):
    assert Program(files[0]).place(address, exact) == place


@pytest.mark.parametrize(
    "address, exact, place",
    [
        (0x1008, True, Place("first", 0, 0x1000)),
        (0x1015, False, Place("first", 5, 0x1000)),  # the call's return: of the call, not of what follows
        (0x1012, False, Place("first", 5, 0x1000)),  # a return into the middle of a translation
        (0x1015, True, Place("first", 5, 0x1005)),
        (0x1003, True, Place("first", 0, 0x1000)),  # entry copy of the first function
        (0x1030, True, Place("second", 0, 0x1010)),  # entry copy: not the end of the function in front of it
        (0x1037, True, Place("second", 0, 0x1010)),
        (0x1038, False, Place("second", 0, 0x1010)),
        (0x1040, False, Place("second", 2, 0x1010)),
        (0x10FF, True, Place("second", 2, 0x1012)),
        (0x2000, True, None),
    ],
)
def test_translated_places(files, address, exact, place):
    assert Program(files[1], files[0]).place(address, exact) == place


def test_translated_without_the_native_file(files):
    for native in (None, "/nowhere/kernel.elf"):
        assert Program(files[1], native).place(0x1034, True) == Place("second", 4, 0x1034)


def test_native_file_of_another_build(files, tmp_path):
    other = tmp_path / "other.elf"
    other.write_bytes(make_elf({"first": 0x1000, "longer": 0x1008}))
    assert Program(files[1], str(other)).place(0x1038, True) == Place("second", 8, None)
    assert Program(files[1], str(other)).place(0x1008, True) == Place("first", 0, 0x1000)


def test_padding_in_front_of_an_entry_copy(files, tmp_path):
    path = tmp_path / "padded.elf"
    pairs = [(0x1000, 0x1000), (0x100E, 0x1030), (0x1010, 0x1038)]
    path.write_bytes(make_elf({"first": 0x1000, "second": 0x1030}, pairs))
    assert Program(str(path), files[0]).place(0x1030, True) == Place("second", 0, 0x1010)
    assert Program(str(path), files[0]).place(0x1038, True) == Place("second", 0, 0x1010)


def test_code_beyond_a_map():
    lone = AddressMap(struct.pack("<II", 0x10, 0x20))
    assert [lone.index(address) for address in (0x1F, 0x20, 0x21)] == [-1, 0, 0]


def test_frames_are_told_one_a_line(files):
    lines = Program(files[0]).describe(Trace((0x1005, 0x1015, 0xDEAD0000), False))
    assert lines == ["  0x00001005 first+0x5", "  0x00001015 second+0x5", "  0xdead0000 outside the program"]
    assert Program(files[0]).describe(Trace((0xDEAD0000, 0x10), False)) == []


def test_relocated_program(files):
    program = Program(files[0], base=0x70000000)
    assert program.place(0x70001012, True) == Place("second", 2, 0x1012)
    assert program.place(0x1012, True) is None


CONSOLE = b"""$ rm a
rm: panic: cpu 1: block_free: disk block 9 is free already\r
stack trace: 0x80106597 0x8010ccee\r
"""


def test_traces_in_bytes_cut_anywhere():
    for size in range(1, len(CONSOLE)):
        watcher, found = TraceWatcher(), []
        for start in range(0, len(CONSOLE), size):
            found += watcher.feed(CONSOLE[start : start + size])
        assert found == [Trace((0x80106597, 0x8010CCEE), False)]


def test_a_trap_is_at_its_instruction():
    text = b"panic: cpu 0: kernel trap 14 err 0x2 eip 0x80101234 cr2 0x0\neax 0x1\nstack trace: 0x80101234 0x80105678\n"
    assert TraceWatcher().feed(text) == [Trace((0x80101234, 0x80105678), True)]


@pytest.mark.parametrize(
    "text",
    [
        b"stack trace: 0x80106597\n",
        b"panic: cpu 0: x\nstack trace: 0x80106597",
        b"panic: cpu 0: x\nstack trace:\n",
        b"panic: cpu 0: x\nstack trace: 0x1 and more\n",
        b"panic: x\nstack trace: 0x1\n",
    ],
)
def test_no_trace(text):
    assert TraceWatcher().feed(text) == []


def test_long_lines_are_not_kept():
    watcher = TraceWatcher()
    for _ in range(100):
        watcher.feed(b"x" * 1000)
    assert len(watcher.pending) <= symbols.LINE_BYTES


def test_answers_of_addr2line():
    top = symbols.TOP
    output = (
        f"0x80100010\nkernel_main\n{top}/guest-xv6/kernel/main.c:101 (discriminator 3)\n"
        f"0x80100020\nfree_all\n{top}/guest-xv6/kernel/inode.c:219\ntruncate\n{top}/guest-xv6/kernel/inode.c:231\n"
        "0x0\n??\n??:0\n0x10\nstart\n/elsewhere/entry.S:?\n0x20\nlast\n/elsewhere/entry.S:7\n0x30\ncut\n"
    )
    assert parse_lines(output) == {
        0x80100010: "guest-xv6/kernel/main.c:101",
        0x80100020: "guest-xv6/kernel/inode.c:219 in free_all",
        0x20: "/elsewhere/entry.S:7",
    }
    assert parse_lines("nonsense\n") == {}


def told(artifacts, *lines):
    names = Symbols(artifacts)
    for line in lines:
        line = f"seq=1 tsc=2 event={line}"
        names.event(parse_event(line), line)
    return names.end_lines


def test_ends_that_the_log_tells(files):
    native, translated = files
    artifacts = Artifacts(None, native, translated, None, native)
    exception = 'trace exact=1 addresses="0x70001012"'
    restart = "policy reason=guest_stop action=restart"
    assert told(artifacts, "boot hv_base=0x70000000", exception) == ["  0x70001012 second+0x2"]
    assert told(artifacts, "guest_stop reason=page_lost rip=0x1030") == ["  0x00001030 second+0x0"]
    assert told(artifacts, "guest_stop reason=page_lost rip=0x1030", exception) == ["  0x00001030 second+0x0"]
    assert told(artifacts, exception) == []
    assert told(artifacts, "boot hv_base=what", exception) == []
    assert told(artifacts, "boot hv_base=0x70000000", 'panic message="no pointer"') == []
    assert told(artifacts, "guest_stop reason=page_lost rip=0x1030", restart) == []
    assert told(artifacts, "boot hv_base=0x70000000", "guest_stop rip=0x400") == []
    assert told(artifacts, "io_denied port=0x80 rip=0x1030") == []


@pytest.mark.parametrize("cut", [0, 4, 20, 60, 400])
def test_unreadable_files_say_nothing(files, tmp_path, cut):
    with open(files[1], "rb") as file:
        whole = file.read()
    path = tmp_path / "cut.elf"
    path.write_bytes(whole[:cut])
    trace = Trace((0x1005,), False)
    assert Symbols(Artifacts(None, None, str(path), None)).guest(trace) == []
    assert Symbols(Artifacts(None, None, files[1], None, str(path))).guest(trace) == []
    assert Symbols(Artifacts(None, None, str(tmp_path / "none.elf"), None)).guest(trace) == []


def test_missing_addr2line_leaves_functions(files, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert Program(files[0]).describe(Trace((0x1012,), True)) == ["  0x00001012 second+0x2"]


needs_guest = pytest.mark.skipif(not os.path.exists(MIRROR), reason="the translated kernel is not built")


@needs_guest
def test_every_function_of_the_real_kernel():
    native, translated = Program(NATIVE), Program(MIRROR, NATIVE)
    starts = {symbol.name: symbol.start for symbol in native.elf.symbols if symbol.is_function}
    assert len(starts) > 100
    for symbol in translated.elf.symbols:
        if symbol.is_function and symbol.name in starts:
            assert translated.place(symbol.start, True).lookup == starts[symbol.name]


@needs_guest
def test_every_instruction_of_the_real_kernel():
    native, translated = Program(NATIVE), Program(MIRROR, NATIVE)
    mapped = list(zip(translated.map.old, translated.map.new))
    # Padding has no translation of its own: it is where the next instruction is, or the next function's entry copy.
    own = [
        (old, new)
        for (old, new), (_, following) in zip(mapped, mapped[1:])
        if new != following and (new not in translated.elf.starts or old in native.elf.starts)
    ]
    assert len(own) > 5000
    for old, new in own:
        assert translated.place(new, True) == native.place(old, True)


@needs_guest
def test_lines_of_the_real_kernel():
    start = next(symbol.start for symbol in Program(MIRROR).elf.symbols if symbol.name == "kernel_main")
    (line,) = Program(MIRROR, NATIVE).describe(Trace((start,), True))
    assert line.startswith(f"  0x{start:08x} kernel_main+0x0 (guest-xv6/kernel/main.c:")


@pytest.mark.skipif(not os.path.exists(HYPERVISOR), reason="the hypervisor is not built")
def test_a_real_hypervisor_exception():
    with open(HYPERVISOR, "rb") as file:
        start = next(symbol.start for symbol in Elf(file.read()).symbols if symbol.name == "exception_handle")
    base = 0x7D000000
    (line,) = told(
        Artifacts(None, HYPERVISOR, "none", None),
        f"boot hv_base=0x{base:x}",
        f'trace exact=1 addresses="0x{base + start:x}"',
    )
    assert line.startswith(f"  0x{base + start:08x} exception_handle+0x0 (hv/cpu/exceptions.c:")
