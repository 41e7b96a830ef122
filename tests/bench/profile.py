#!/usr/bin/python3
"""Where a benchmark's instructions go: samples of the instruction pointer on Bochs, by function of hypervisor, guest kernel and program.

Bochs's own debugger stops the machine every STEP instructions and prints where it is; nothing in the machine knows of it.
"""

import argparse
import bisect
import collections
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "scripts"))

from kmvlib import contract, hvlog, run  # noqa: E402 (the path has to be set first)
from kmvlib.bochs import Bochs  # noqa: E402
from kmvlib.elf import Elf  # noqa: E402
from kmvlib.options import RunOptions  # noqa: E402

STEP = 10_007  # a prime, or loops of a round length would be met at one place
LEAST_SHARE = 0.01
KERNEL_BASE = 0x80000000

TIME = re.compile(r"Next at t=(\d+)")
PLACE = re.compile(r"\(0\) \[[^\]]*\] ([0-9a-f]+):([0-9a-f]+) \([^)]*\): (.*?) +;")


def read_samples(path):
    """Pairs of time and (code selector, address, instruction), as the debugger printed them."""
    when, samples = None, []
    with open(path, encoding="ascii", errors="replace") as lines:
        for line in lines:
            found = TIME.search(line)
            if found:
                when = int(found.group(1))
            found = PLACE.search(line)
            if found and when is not None:
                samples.append((when, (int(found.group(1), 16), int(found.group(2), 16), found.group(3))))
                when = None
    return samples


def spans(events):
    """Name, start and end of each benchmark."""
    starts, found = {}, []
    for event in events:
        what, _, name = event.get("text", "").partition(" ")
        if what == "bench-start":
            starts[name] = int(event["tsc"])
        elif what == "bench-end":
            found.append((name, starts[name], int(event["tsc"])))
    return found


class Programs:
    """Names of the addresses of one run."""

    def __init__(self, args, events):
        boot = next(event for event in events if event["event"] == "boot")
        self.base = int(boot["hv_base"], 0)
        self.end = self.base + int(boot["hv_size"], 0)
        guest = guest_folder(args)
        self.hypervisor = read_elf(os.path.join(TOP, args.build, "hv", "hv.elf"))
        self.kernel = read_elf(os.path.join(guest, "kernel.elf"))
        self.user = read_elf(os.path.join(guest, "user", "bench"))

    def name(self, selector, address, instruction):
        if self.base <= address < self.end:
            part, elf, address = "hypervisor", self.hypervisor, address - self.base
        elif address >= KERNEL_BASE:
            part, elf = "kernel", self.kernel
        else:
            part, elf = ("user", self.user) if selector & 3 else ("other", None)
        symbol = elf.symbol_at(address) if elf else None
        place = symbol.name if symbol else "?"
        if instruction.startswith("rep"):
            place += f" [{instruction.split()[0]} {instruction.split()[1]}]"
        return part, place


def read_elf(path):
    with open(path, "rb") as file:
        return Elf(file.read())


def show(name, ticks, samples, programs):
    places = collections.Counter(programs.name(*place) for _, place in samples)
    parts = collections.Counter()
    for (part, _), count in places.items():
        parts[part] += count
    total = len(samples)
    print(f"{name}: {ticks} instructions, {total} samples")
    for part, count in parts.most_common():
        print(f"  {part:10} {count / total:6.1%} {count / total * ticks:14,.0f}")
    for (part, place), count in places.most_common():
        if count / total >= LEAST_SHARE:
            print(f"    {count / total:6.1%} {part:10} {place}")


def function_address(args, name):
    elf = read_elf(os.path.join(guest_folder(args), "user", "bench"))
    return next(symbol.start for symbol in elf.symbols if symbol.name == name)


def guest_folder(args):
    return os.path.join(TOP, args.build, "guest", "" if args.off else f"mirror-{contract.OFFSET_DEFAULT:08x}")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="+", help="benchmarks")
    parser.add_argument("--off", action="store_true", help="the native guest with the mirror off")
    parser.add_argument("--step", type=int, default=STEP, help=f"instructions between samples (default {STEP})")
    parser.add_argument("--instructions", type=int, default=150_000_000, help="to look at, from the first benchmark on")
    parser.add_argument("--build", default="build", help="folder of the build (default build)")
    parser.add_argument("--keep", required=True, help="folder for the run's files")
    return parser.parse_args()


def main():
    args = parse_arguments()
    # Not before: a stop while the machine idles can end Bochs.
    start = function_address(args, "run_benchmark")
    Bochs.debugger = f"lb {start:#x}\nc\nd 1\n" + f"sb {args.step}\nc\n" * (args.instructions // args.step) + "c\n"
    log = os.path.join(args.keep, "hv.log")
    options = RunOptions(
        platform="bochs", commands=" ".join(["bench", *args.names]), keep=args.keep, log=log, build=args.build,
        translate=not args.off, mirror=not args.off,
    )
    status = run.run(options)
    with open(log, encoding="ascii") as file:
        events = hvlog.parse_log(file.read())
    samples = read_samples(os.path.join(args.keep, "bochs.out"))
    programs = Programs(args, events)
    times = [when for when, _ in samples]
    for name, start, end in spans(events):
        show(name, end - start, samples[bisect.bisect(times, start) : bisect.bisect(times, end)], programs)
    return status


if __name__ == "__main__":
    sys.exit(main())
