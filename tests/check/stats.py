#!/usr/bin/python3
"""Counts the hypervisor's lines and measures its functions; exit 1 if it has outgrown its limits."""

import argparse
import os
import re
import signal
import statistics
import sys

LIMITS = {"lines of C": 8000, "lines of assembly": 300, "longest function": 80}
C_SUFFIXES = (".c", ".h")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", default="hv", help="sources to measure (default hv)")
    folder = parser.parse_args().folder
    sources = {path: read_lines(path) for path in find_sources(folder)}
    if not sources:
        sys.exit(f"stats: {folder}: no C or assembly there: give a folder of sources")
    found = functions(sources)
    # A reader that has seen enough is no error.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    print(f"files              {len(sources):6}")
    figures = measure(sources, found)
    print(f"lines, all         {sum(map(len, sources.values())):6}   comments, blank lines and assembly with them")
    for name, value in figures.items():
        print(f"{name:18} {value:6}   limit {LIMITS[name]}")
    if found:
        print(f"functions          {len(found):6}   median {statistics.median(size for size, _ in found):g} lines")
        print(f"longest: {max(found)[1]}")
    too_big = [name for name, value in figures.items() if value > LIMITS[name]]
    for name in too_big:
        print(f"stats: {name}: {figures[name]}, at most {LIMITS[name]}", file=sys.stderr)
    return 1 if too_big else 0


def find_sources(folder):
    for parent, _, names in os.walk(folder):
        yield from (os.path.join(parent, name) for name in sorted(names) if name.endswith((*C_SUFFIXES, ".S")))


def read_lines(path):
    with open(path, encoding="utf-8") as file:
        return file.read().splitlines()


def measure(sources, found):
    return {
        "lines of C": sum(len(lines_of_code(lines)) for path, lines in sources.items() if path.endswith(C_SUFFIXES)),
        "lines of assembly": sum(len(lines) for path, lines in sources.items() if path.endswith(".S")),
        "longest function": max((size for size, _ in found), default=0),
    }


def lines_of_code(lines):
    """Lines without blank ones and those that hold comments only."""
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", "\n".join(lines), flags=re.DOTALL)
    return [line for line in code.splitlines() if line.strip()]


def functions(sources):
    """
    (lines, file:line) of each function: from its opening brace, which clang-format leaves alone on a line's first
    column for functions only, to the closing one there.
    """
    found = []
    for path, lines in sources.items():
        opened = None
        for number, line in enumerate(lines, 1):
            if line == "{":
                opened = number
            elif line == "}" and opened:
                found.append((number - opened + 1, f"{path}:{opened}"))
                opened = None
    return found


if __name__ == "__main__":
    sys.exit(main())
