#!/usr/bin/python3
"""What translation costs on this processor: compute programs as Linux runs them, native against translated with the mirror mapped.

Prints a line a program and writes build/bench/host.csv. A pair is one run of each, one right after the other and in turns the
first; a ratio is the translated run's time against the native one's of its pair.
"""

import argparse
import csv
import math
import os
import re
import statistics
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
GOAL = 1.30
PAIRS = 10
SECONDS = 60
COLUMNS = ("program", "rounds", "native_ms", "translated_ms", "ratio_min", "ratio", "ratio_max", "processor_ratio")
OUTPUT = re.compile(r"result=(\w+) pages=\d+ differ=(\d+) wall=(\d+) processor=(\d+)\n")

# Rounds that take about 0.15 s on a processor of 2023.
ROUNDS = {
    "sort": 20,
    "matrix": 20,
    "matrix_sse": 30,
    "sha256": 150,
    "crc32": 600,
    "lz": 100,
    "queens": 40,
    "sieve": 25,
    "hash": 100,
    "search": 40,
    "fft": 600,
    "fft_sse": 1200,
    "bignum": 700,
    "guest_compute": 150,
    "guest_copy": 2000,
}


def run(folder, program, rounds):
    """(result, pages that differ, nanoseconds by the clock, of the processor)"""
    command = [os.path.join(folder, "runner"), "--time", os.path.join(folder, program), str(rounds)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=SECONDS)
    found = OUTPUT.fullmatch(done.stdout)
    if done.returncode != 0 or not found:
        raise SystemExit(f"bench-host: {program}: status {done.returncode}: {done.stderr.strip() or done.stdout.strip()}")
    return found[1], int(found[2]), int(found[3]), int(found[4])


def run_pair(folder, name, rounds, translated_first):
    """The runs of native and translated program, which have to agree."""
    kinds = ["native", "translated"]
    runs = {kind: run(folder, f"{name}.{kind}", rounds) for kind in (kinds[::-1] if translated_first else kinds)}
    native, translated = (runs[kind] for kind in kinds)
    if native[0] != translated[0]:
        raise SystemExit(f"bench-host: {name}: native result {native[0]}, translated {translated[0]}")
    if translated[1]:
        raise SystemExit(f"bench-host: {name}: {translated[1]} pages differ from their mirror")
    return native, translated


def measure(folder, name, rounds, pairs):
    """One row as COLUMNS has it."""
    runs = [run_pair(folder, name, rounds, number % 2 == 1) for number in range(pairs)]
    native, translated = (statistics.median(pair[kind][2] for pair in runs) / 1e6 for kind in (0, 1))
    ratios = [pair[1][2] / pair[0][2] for pair in runs]
    processor = statistics.median(pair[1][3] / pair[0][3] for pair in runs)
    return (name, rounds, native, translated, min(ratios), statistics.median(ratios), max(ratios), processor)


def cells(row):
    return [f"{cell:.1f}" if index in (2, 3) else f"{cell:.3f}" if index > 3 else cell for index, cell in enumerate(row)]


def show(row):
    print(f"{row[0]:14}" + "".join(f"{cell:>16}" for cell in row[1:]), flush=True)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="programs (default: all)")
    parser.add_argument("--build", default="build", help="folder of the build (default build)")
    parser.add_argument("--pairs", type=int, default=PAIRS, help=f"pairs of runs of each program (default {PAIRS})")
    args = parser.parse_args()
    unknown = [name for name in args.names if name not in ROUNDS]
    if unknown:
        parser.error(f"{unknown[0]}: no such program: {', '.join(ROUNDS)}")
    return args


def main():
    args = parse_arguments()
    folder = os.path.join(TOP, args.build, "bench", "host")
    # Both runs of a pair on one processor: what else the host does hits them alike.
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"on this host, {args.pairs} pairs of runs (load {os.getloadavg()[0]:.1f}); ratio: translated against native by the clock")
    show(COLUMNS)
    rows = []
    for name in args.names or ROUNDS:
        rows.append(measure(folder, name, ROUNDS[name], args.pairs))
        show(cells(rows[-1]))
    mean = math.exp(statistics.mean(math.log(row[5]) for row in rows))
    with open(os.path.join(TOP, args.build, "bench", "host.csv"), "w", encoding="ascii", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *map(cells, rows), ("geometric mean", "", "", "", "", f"{mean:.3f}", "", "")])
    worst = max(rows, key=lambda row: row[5])
    print(f"geometric mean {mean:.3f}, goal {GOAL:.2f}; dearest {worst[0]} {worst[5]:.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
