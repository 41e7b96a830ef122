#!/usr/bin/python3
"""What the mirror costs: the guest's `bench` without mirror and mirrored, in instructions on Bochs; a table, and a CSV file.

Of a mirrored run, `translated` is what was executed outside the hypervisor. `bare` stays empty: the guest does not
boot on Bochs without the hypervisor.
"""

import argparse
import csv
import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "scripts"))

from kmvlib import hvlog  # noqa: E402 (the path has to be set first)

COLUMNS = ("test", "bare", "hypervisor", "translated", "mirrored", "ratio", "exits", "pt_writes")
MEASURED = ("tsc", "exits", "pt_writes", "hv_ticks")
RUN_SECONDS = 900


def run_guest(build, names, log, *options):
    """Runs the benchmarks in one machine; returns what its log says of each."""
    command = [os.path.join(TOP, "scripts", "kmv"), "run", "--platform", "bochs", "--build", build, "--log", log]
    command += ["--timeout", str(RUN_SECONDS), "--exec", " ".join(["bench", *names]), *options]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False)
    if done.returncode != 0:
        raise SystemExit(f"overhead: the machine ended with status {done.returncode}: see {log}")
    with open(log, encoding="ascii") as file:
        return measured(hvlog.parse_log(file.read()))


def measured(events):
    """Differences of the counters between the two notes of each benchmark."""
    starts, found = {}, {}
    for event in events:
        what, _, name = event.get("text", "").partition(" ")
        values = {key: int(event[key]) for key in MEASURED} if what.startswith("bench-") else {}
        if what == "bench-start":
            starts[name] = values
        elif what == "bench-end":
            found[name] = {key: values[key] - starts[name][key] for key in MEASURED}
    return found


def make_rows(off, mirrored):
    for name, values in mirrored.items():
        hypervisor, total = off[name]["tsc"], values["tsc"]
        translated = total - values["hv_ticks"]
        yield (name, "", hypervisor, translated, total, f"{total / hypervisor:.3f}", values["exits"], values["pt_writes"])


def show(rows):
    for row in (COLUMNS, *rows):
        print(f"{row[0]:10}" + "".join(f"{cell:>13,}" if isinstance(cell, int) else f"{cell:>13}" for cell in row[2:]))


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="benchmarks (default: all)")
    parser.add_argument("--build", default="build", help="folder of the build (default build)")
    return parser.parse_args()


def main():
    args = parse_arguments()
    folder = os.path.join(TOP, args.build, "bench")
    os.makedirs(folder, exist_ok=True)
    off = run_guest(
        args.build, args.names, os.path.join(folder, "off.log"), "--translate", "off", "--mirror", "off"
    )
    mirrored = run_guest(args.build, args.names, os.path.join(folder, "mirrored.log"))
    rows = list(make_rows(off, mirrored))
    with open(os.path.join(folder, "overhead.csv"), "w", encoding="ascii", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    show(rows)


if __name__ == "__main__":
    main()
