#!/usr/bin/python3
"""Speed and memory of kmv-translate on generated programs: prints instructions a second and peak memory for each size of text.

The program is tests/unit/translator/programs/compute.c at -O2, linked together with itself until its text is large enough.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SOURCE = os.path.join(TOP, "tests", "unit", "translator", "programs", "compute.c")
MEGABYTE = 10**6
LEAST_SPEED = 1e6
MOST_PEAK = 200


def run(*command):
    subprocess.run(command, check=True, timeout=300)


def text_size(path):
    lines = subprocess.run(["size", "-A", path], check=True, capture_output=True, text=True).stdout.splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(".text"))


def generate(folder, size):
    """An executable with at least `size` bytes of text: copies of one object whose symbols are local."""
    unit, out = os.path.join(folder, "unit.o"), os.path.join(folder, f"{size}.elf")
    run("gcc", "-m32", "-O2", "-c", "-fno-pic", "-ffreestanding", "-fno-stack-protector", "-fcf-protection=none",
        "-fno-asynchronous-unwind-tables", "-o", unit, SOURCE)
    start = os.path.join(folder, "start.s")
    with open(start, "w", encoding="ascii") as file:
        file.write(".globl _start\n_start: ret\n")
    run("gcc", "-m32", "-c", "-o", start + ".o", start)
    run("objcopy", "--keep-global-symbol=none", unit)
    pieces, once = [], unit
    remaining = -(-size // text_size(unit))
    while remaining:
        if remaining % 2:
            pieces.append(once)
        remaining //= 2
        doubled = f"{once}.2"
        run("ld", "-m", "elf_i386", "-r", "-o", doubled, once, once)
        once = doubled
    run("ld", "-m", "elf_i386", "-static", "--emit-relocs", "-z", "noexecstack", "-o", out, start + ".o", *pieces)
    return out


def measure(translate, program, folder):
    """(instructions, processor seconds, peak MB)"""
    stats = os.path.join(folder, "stats.json")
    pid = os.spawnv(os.P_NOWAIT, translate, [translate, "--stats", stats, "-o", os.path.join(folder, "out"), program])
    _, status, usage = os.wait4(pid, 0)
    # Time on the processor: what else the machine does must not count.
    seconds = usage.ru_utime + usage.ru_stime
    if status != 0:
        sys.exit(f"bench: {translate} failed on {program}")
    with open(stats, encoding="ascii") as file:
        return json.load(file)["instructions"], seconds, usage.ru_maxrss * 1024 / MEGABYTE


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="build folder (default: build)")
    parser.add_argument("--sizes", default="5,10,20", help="MB of text, separated by commas")
    arguments = parser.parse_args()
    translate = os.path.join(arguments.build, "translator", "kmv-translate")
    good = True
    with tempfile.TemporaryDirectory() as folder:
        for megabytes in map(int, arguments.sizes.split(",")):
            program = generate(folder, megabytes * MEGABYTE)
            count, seconds, peak = measure(translate, program, folder)
            good = good and count / seconds >= LEAST_SPEED and peak < MOST_PEAK
            print(f"text {megabytes:3d} MB: {count:8d} instructions, {seconds:6.2f} s, {count / seconds / 1e6:5.2f} M/s, "
                  f"peak {peak:6.1f} MB", flush=True)
            os.unlink(program)
    print(f"bench-translator: {'holds' if good else 'MISSED'}: at least 1 M instructions/s, below {MOST_PEAK} MB")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
