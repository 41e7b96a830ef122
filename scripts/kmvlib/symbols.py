"""What code addresses are called in the sources: stack traces of panics, instruction pointers of the log."""

import bisect
import os
import re
import struct
import subprocess
from dataclasses import dataclass

from kmvlib.artifacts import TOP
from kmvlib.elf import Elf

ADDRESS_MAP = ".kmv.addrmap"
ADDRESS_PAIR = struct.Struct("<II")  # struct kmv_addr_pair: in the original program, in the translated one
TOOL_SECONDS = 20

PANIC = re.compile(rb"panic: cpu \d+: ")
TRAP = re.compile(rb"kernel trap .* eip 0x([0-9a-f]+)")
TRACE = re.compile(rb"stack trace:((?: 0x[0-9a-f]+)+)\s*$")
LINE_BYTES = 4096  # more than the longest line that a panic prints
INSTRUCTION_POINTER = re.compile(r"\brip=0x([0-9a-f]+)")
DISCRIMINATOR = re.compile(r" \(discriminator \d+\)$")

# What reading a file that is missing, cut off or no ELF file can raise.
UNREADABLE = (OSError, ValueError, IndexError, struct.error)


@dataclass(frozen=True)
class Trace:
    """Code addresses, innermost first: of calls, they are where the call returns to."""

    addresses: tuple
    first_is_exact: bool  # the first one is of the instruction itself, not of a call's return


class TraceWatcher:
    """Finds the stack traces of panics in a console stream cut anywhere."""

    def __init__(self):
        self.pending = b""
        self.panicked = False
        self.trap = None

    def feed(self, data):
        """The traces whose lines these bytes end."""
        *lines, rest = (self.pending + data).split(b"\n")
        self.pending = rest[-LINE_BYTES:]
        return [trace for trace in map(self.take_line, lines) if trace]

    def take_line(self, line):
        if PANIC.search(line):
            found = TRAP.search(line)
            self.panicked, self.trap = True, int(found.group(1), 16) if found else None
        found = TRACE.search(line)
        if not found or not self.panicked:
            return None
        addresses = tuple(int(text, 16) for text in found.group(1).split())
        return Trace(addresses, self.trap == addresses[0])


class AddressMap:
    """The translator's map of instructions; both sides of it increase."""

    def __init__(self, contents):
        pairs = list(ADDRESS_PAIR.iter_unpack(contents))
        self.old = [old for old, _ in pairs]
        self.new = [new for _, new in pairs]

    def index(self, address):
        """Of the last pair at or before an address of the translated program; -1 in front of the first one."""
        return bisect.bisect_right(self.new, address) - 1


@dataclass(frozen=True)
class Place:
    """A frame's function and offset; `lookup` is an address for the line tables, None without any."""

    name: str
    offset: int
    lookup: int | None


class Program:
    """A program loaded `base` bytes above its linked addresses; `native` is the file it was translated from."""

    def __init__(self, path, native=None, base=0):
        self.base = base
        self.elf = read_elf(path)
        contents = self.elf.named(ADDRESS_MAP)
        self.map = AddressMap(contents) if contents else None
        native = native if self.map and native and os.path.isfile(native) else None
        self.native = read_elf(native) if native else None
        # A translation has lines of its own, but the original's are looked up: they serve its offsets in functions, too.
        self.lines_path = native or path

    def place(self, address, exact):
        """Where an address is; None outside the program. A return address lies after its call."""
        linked = address - self.base
        inside = linked if exact else linked - 1
        symbol = self.elf.symbol_at(inside)
        if symbol is None:
            return None
        own_lookup = None if self.native else inside
        return self.original_place(symbol, inside, exact) or Place(symbol.name, linked - symbol.start, own_lookup)

    def original_place(self, symbol, inside, exact):
        """The same place in the native program; None if that is not there or of another build."""
        if not self.native:
            return None
        index = self.map.index(inside)
        if index >= 0 and self.map.new[index] >= symbol.start:
            instruction, following = self.map.old[index], self.map.old[min(index + 1, len(self.map.old) - 1)]
            native = self.native.symbol_at(instruction)
            if native and native.name == symbol.name:
                return Place(symbol.name, (instruction if exact else following) - native.start, instruction)
        # Between a function's symbol and its first instruction's pair lies its entry copy; pairs of padding in front
        # of the function can share the symbol's address.
        native = self.native.symbol_after(self.map.old[index] if index >= 0 else self.map.old[0] - 1)
        return Place(symbol.name, 0, native.start) if native and native.name == symbol.name else None

    def describe(self, trace):
        """One line of text a frame; none if no frame is in the program."""
        exact = [trace.first_is_exact and not depth for depth in range(len(trace.addresses))]
        places = [self.place(address, first) for address, first in zip(trace.addresses, exact)]
        if not any(places):
            return []
        lookups = [place.lookup for place in places if place and place.lookup is not None]
        sources = find_lines(self.lines_path, lookups)
        return [frame_text(address, place, sources) for address, place in zip(trace.addresses, places)]


def read_elf(path):
    with open(path, "rb") as file:
        return Elf(file.read())


def frame_text(address, place, sources):
    if place is None:
        return f"  0x{address:08x} outside the program"
    source = sources.get(place.lookup, "")
    return f"  0x{address:08x} {place.name}+0x{place.offset:x}{source and f' ({source})'}"


def find_lines(path, addresses):
    """Source lines from a program's DWARF, by address; fewer or none where something is missing."""
    if not path or not addresses:
        return {}
    command = ["addr2line", "-a", "-f", "-i", "-e", path, *(f"0x{address:x}" for address in addresses)]
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TOOL_SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.SubprocessError):
        return {}
    return parse_lines(done.stdout)


def parse_lines(output):
    """
    What `addr2line -a -f -i` says: after each address a line of function and one of `file:line`, repeated with the
    caller of every inlined function.
    """
    blocks = {}
    for text in output.splitlines():
        if text.startswith("0x"):
            answer = blocks.setdefault(int(text, 16), [])
        elif blocks:
            answer.append(text)
    sources = {}
    for address, answer in blocks.items():
        if len(answer) < 2 or "?" in answer[1] or answer[1].endswith(":0"):
            continue
        inlined = f" in {answer[0]}" if len(answer) > 2 else ""
        sources[address] = short_path(DISCRIMINATOR.sub("", answer[1])) + inlined
    return sources


def short_path(location):
    """`file:line` from the top folder."""
    return location.removeprefix(TOP + os.sep)


class Symbols:
    """The symbols of one run's programs. Whatever file or tool is missing, the answer is only shorter."""

    def __init__(self, artifacts):
        self.artifacts = artifacts
        self.hypervisor_base = None
        self.end_lines = []

    def guest(self, trace):
        """Lines for a trace of the guest's kernel."""
        return self.describe(trace, self.artifacts.kernel, self.artifacts.native)

    def event(self, pairs, line):
        """Takes an event of the log; what it tells of an end's instruction pointer goes to `end_lines`."""
        name = pairs["event"]
        if name == "boot":
            self.hypervisor_base = parse_number(pairs.get("hv_base", ""))
        if name == "policy" and pairs.get("action") == "restart":
            self.end_lines = []
        if self.end_lines:
            return
        found = INSTRUCTION_POINTER.search(line)
        if name == "guest_stop" and found:
            self.end_lines = self.guest(Trace((int(found.group(1), 16),), True))
        elif name == "trace" and self.hypervisor_base is not None and self.artifacts.hypervisor:
            addresses = tuple(int(text, 16) for text in pairs["addresses"].split())
            trace = Trace(addresses, pairs["exact"] == "1")
            self.end_lines = self.describe(trace, self.artifacts.hypervisor, base=self.hypervisor_base)

    @staticmethod
    def describe(trace, path, native=None, base=0):
        try:
            return Program(path, native, base).describe(trace)
        except UNREADABLE:
            return []


def parse_number(text):
    """A number of the log; None for what is none."""
    try:
        return int(text, 0)
    except ValueError:
        return None
