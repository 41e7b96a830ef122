#!/usr/bin/python3
"""What the mirror costs: the guest's `bench` bare, under the hypervisor without mirror, and mirrored, in instructions on Bochs.

Prints a table and writes build/bench/overhead.csv, exits.csv (by reason) and a bar chart. Of a mirrored run, `translated` is
what was executed outside the hypervisor. Every figure is the median of runs in which pages lie elsewhere in memory.
"""

import argparse
import concurrent.futures
import csv
import os
import statistics

import charts
from guestrun import MODES, SCRUBBED, TOP, TRANSLATED, run_guest
from kmvlib.elf import Elf

COLUMNS = ("test", "bare", "hypervisor", "translated", "mirrored", "ratio", "exits", "pt_writes")
HOLDS = (0, 13, 37)  # pages that another process holds meanwhile
RUNS_AT_ONCE = 2
GROWTH_PROGRAM = "usertests"


class Bench:
    """All runs of one call, two at once: instructions do not depend on what else the host does."""

    def __init__(self, build, names, folder):
        self.build, self.names, self.folder = build, names, folder
        self.pool = concurrent.futures.ThreadPoolExecutor(RUNS_AT_ONCE)

    def start(self, mode, label, command):
        log = os.path.join(self.folder, f"{mode}-{label}.log")
        return self.pool.submit(run_guest, self.build, mode, [command], log)

    def start_all(self, hold, label, modes=MODES):
        command = " ".join(["bench", "--hold", str(hold), *self.names])
        return {mode: self.start(mode, f"{label}{hold}", command) for mode in modes}

    def start_growth(self):
        return {mode: self.start(mode, GROWTH_PROGRAM, f"bench {GROWTH_PROGRAM}") for mode in ("hypervisor", "mirrored")}


def results_of(runs):
    return {mode: run.result() for mode, run in runs.items()}


def median(runs, mode, name, key):
    return int(statistics.median(run[mode][name].get(key, 0) for run in runs))


def make_rows(runs):
    for name in runs[0]["mirrored"]:
        bare, off = (median(runs, mode, name, "ticks") for mode in ("bare", "hypervisor"))
        translated, mirrored = (median(runs, "mirrored", name, key) for key in ("translated", "ticks"))
        counts = [median(runs, "mirrored", name, key) for key in ("exits", "pt_writes")]
        yield (name, bare, off, translated, mirrored, f"{mirrored / off:.3f}", *counts)


def show(rows):
    for row in (COLUMNS, *rows):
        print(f"{row[0]:10}" + "".join(f"{cell:>13,}" if isinstance(cell, int) else f"{cell:>13}" for cell in row[1:]))


def reason_rows(runs):
    """Of the mirrored guest: name, reason, exits, instructions in the hypervisor."""
    for name, measures in runs[0]["mirrored"].items():
        for key in measures:
            kind, _, reason = key.partition(":")
            counts = [median(runs, "mirrored", name, f"{what}:{reason}") for what in ("exits", "ticks")]
            if kind == "exits" and reason and counts[0] > 0:
                yield (name, reason, *counts)


def show_reasons(rows):
    print("\nexits of the mirrored guest by reason (instructions in the hypervisor):")
    by_test = {}
    for name, reason, exits, ticks in rows:
        by_test.setdefault(name, []).append((ticks, f"{reason} {exits:,} ({ticks:,})"))
    for name, cells in by_test.items():
        print(f"{name:10} " + ", ".join(text for _, text in sorted(cells, reverse=True)))


def show_scrubber(rows):
    print("\nwith the scrubber, by its share of the time, against the mirrored guest without:")
    for row in rows:
        print(f"{row[0]:10}" + "".join(f"{cell:>16,}" if isinstance(cell, int) else f"{cell:>16}" for cell in row[1:]))


def show_summary(rows):
    """Of the tests that were asked for: what has to hold of them all."""
    worst = max(rows, key=lambda row: row[2] / row[1])
    print(f"\nhypervisor without mirror against bare: at most {worst[2] / worst[1]:.4f} ({worst[0]})")
    published = [float(row[5]) for row in rows if row[0] in charts.PUBLISHED]
    if published:
        print(
            f"mirrored against mirror off, {', '.join(row[0] for row in rows if row[0] in charts.PUBLISHED)}: "
            f"mean {statistics.mean(published):.3f}, worst {max(published):.3f}"
        )


def scrub_rows(mirrored, scrubbed):
    """What the scrubber adds to each test of one run of the mirrored guest, by its share of the time."""
    yield ("test", "mirrored", *(f"{mode}/1000" for mode in scrubbed))
    for name, measures in mirrored.items():
        yield (name, measures["ticks"], *(f"{results[name]['ticks'] / measures['ticks']:.3f}" for results in scrubbed.values()))


def differences(first, second):
    """Where two sets of results differ."""
    return [
        f"{mode} {name} {key}: {value} and {second[mode][name].get(key)}"
        for mode, results in first.items()
        for name, measures in results.items()
        for key, value in measures.items()
        if second[mode][name].get(key) != value
    ]


def text_bytes(path):
    with open(path, "rb") as file:
        return sum(section.size for section in Elf(file.read()).code)


def show_growth(build, growth):
    """What translation adds to the kernel's text, and to what usertests executes: neither waiting nor hypervisor counts."""
    guest = os.path.join(TOP, build, "guest")
    native, translated = (text_bytes(os.path.join(guest, part, "kernel.elf")) for part in ("", TRANSLATED))
    print(f"guest kernel's text: {native:,} bytes, translated {translated:,}: {translated / native - 1:+.1%}")
    off, on = growth["hypervisor"][GROWTH_PROGRAM], growth["mirrored"][GROWTH_PROGRAM]
    before, after = off["ticks"] - off["idle"], on["translated"] - on["idle"]
    print(f"{GROWTH_PROGRAM} executed: {before:,} instructions, translated {after:,}: {after / before - 1:+.1%}")


def write_csv(path, rows):
    with open(path, "w", encoding="ascii", newline="") as file:
        csv.writer(file).writerows(rows)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="benchmarks (default: all)")
    parser.add_argument("--build", default="build", help="folder of the build (default build)")
    parser.add_argument("--short", action="store_true", help="one run of each kind, no repetition, no usertests")
    return parser.parse_args()


def main():
    args = parse_arguments()
    folder = os.path.join(TOP, args.build, "bench")
    os.makedirs(folder, exist_ok=True)
    bench = Bench(args.build, args.names, folder)
    started = [bench.start_all(hold, "hold") for hold in (HOLDS[:1] if args.short else HOLDS)]
    scrubbed = bench.start_all(HOLDS[0], "hold", SCRUBBED)
    again = None if args.short else bench.start_all(HOLDS[0], "again")
    growth = None if args.short else bench.start_growth()
    runs = [results_of(run) for run in started]
    rows, reasons = list(make_rows(runs)), list(reason_rows(runs))
    write_csv(os.path.join(folder, "overhead.csv"), [COLUMNS, *rows])
    scrubs = list(scrub_rows(runs[0]["mirrored"], results_of(scrubbed)))
    write_csv(os.path.join(folder, "scrubber.csv"), scrubs)
    write_csv(os.path.join(folder, "exits.csv"), [("test", "reason", "exits", "ticks"), *reasons])
    show(rows)
    show_reasons(reasons)
    show_scrubber(scrubs)
    show_summary(rows)
    for name in charts.draw(rows, folder):
        print(f"chart: {os.path.relpath(name, TOP)}")
    if args.short:
        return
    show_growth(args.build, results_of(growth))
    found = differences(runs[0], results_of(again))
    if found:
        raise SystemExit("bench: two runs differ: " + "; ".join(found))
    print("a second run gave the same figures to the instruction")


if __name__ == "__main__":
    main()
