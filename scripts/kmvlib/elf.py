"""Sections and symbols of ELF files, 32 and 64 bits."""

import bisect
import struct
from dataclasses import dataclass

MAGIC = b"\x7fELF"
LITTLE_ENDIAN = 1
SYMBOL_TABLE = 2  # SHT_SYMTAB
NO_BITS = 8  # SHT_NOBITS
EXECUTABLE = 4  # SHF_EXECINSTR
NO_TYPE, FUNCTION = 0, 2  # STT_NOTYPE, which labels of assembly have, and STT_FUNC


@dataclass(frozen=True)
class Layout:
    """Where the structures of one ELF class have their fields."""

    table: struct.Struct  # e_shoff
    table_at: int
    counts_at: int  # e_shentsize, e_shnum, e_shstrndx
    section: struct.Struct  # name, type, flags, address, offset, size, link
    symbol: struct.Struct
    symbol_fields: tuple  # which of a symbol's are name, value, info, section


LAYOUTS = {
    1: Layout(struct.Struct("<I"), 32, 46, struct.Struct("<7I"), struct.Struct("<IIIBBH"), (0, 1, 3, 5)),
    2: Layout(struct.Struct("<Q"), 40, 58, struct.Struct("<IIQQQQI"), struct.Struct("<IBBHQQ"), (0, 4, 1, 3)),
}


@dataclass(frozen=True)
class Section:
    name: str
    type: int
    flags: int
    address: int
    offset: int
    size: int
    link: int

    def holds(self, address):
        return self.address <= address < self.address + self.size


@dataclass(frozen=True, order=True)
class Symbol:
    """Of two symbols with one address the later one is the better name: a function's."""

    start: int
    is_function: bool
    name: str


class Elf:
    """One file's bytes; ValueError, struct.error or IndexError if they are no whole ELF file."""

    def __init__(self, data):
        if data[:4] != MAGIC or data[4] not in LAYOUTS or data[5] != LITTLE_ENDIAN:
            raise ValueError("not a little-endian ELF file")
        self.data = data
        self.layout = LAYOUTS[data[4]]
        self.sections = self.read_sections()
        self.code = [section for section in self.sections if section.flags & EXECUTABLE]
        self.symbols = sorted(self.read_symbols())
        self.starts = [symbol.start for symbol in self.symbols]

    def read_sections(self):
        (table,) = self.layout.table.unpack_from(self.data, self.layout.table_at)
        entry_size, count, names_index = struct.unpack_from("<3H", self.data, self.layout.counts_at)
        raw = [self.layout.section.unpack_from(self.data, table + entry_size * i) for i in range(count)]
        if not raw:
            return []
        names_offset = raw[names_index][4]
        return [Section(self.text(names_offset + name), *fields) for name, *fields in raw]

    def read_symbols(self):
        """Those of code."""
        for table in self.sections:
            if table.type != SYMBOL_TABLE:
                continue
            names = self.sections[table.link].offset
            for fields in self.layout.symbol.iter_unpack(self.contents(table)):
                name, value, info, index = (fields[field] for field in self.layout.symbol_fields)
                kind = info & 15
                if name and kind in (NO_TYPE, FUNCTION) and index < len(self.sections) and self.is_code(value):
                    yield Symbol(value, kind == FUNCTION, self.text(names + name))

    def text(self, offset):
        return self.data[offset : self.data.index(b"\0", offset)].decode("utf-8", "replace")

    def contents(self, section):
        return b"" if section.type == NO_BITS else self.data[section.offset : section.offset + section.size]

    def named(self, name):
        """The bytes of the section called `name`, None without one."""
        return next((self.contents(section) for section in self.sections if section.name == name), None)

    def is_code(self, address):
        return any(section.holds(address) for section in self.code)

    def symbol_at(self, address):
        """The last symbol at or before an address in code; None if there is none."""
        index = bisect.bisect_right(self.starts, address) - 1
        return self.symbols[index] if index >= 0 and self.is_code(address) else None

    def symbol_after(self, address):
        """The next symbol after an address; None if there is none."""
        index = bisect.bisect_right(self.starts, address)
        return self.symbol_at(self.starts[index]) if index < len(self.starts) else None
