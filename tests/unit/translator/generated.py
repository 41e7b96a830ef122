#!/usr/bin/python3
"""Programs that csmith generates, linked statically without a C library, at each level of optimisation: the translated program
and its identity print the checksum of the original, and no byte of the translated one differs from its mirror. Runs on this
processor. A program that takes too long as it is, at any level, is left out, and another one is made in its place.

    generated.py [--build FOLDER] [--programs N] [--first-seed N]
"""

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
RUNTIME = os.path.join(HERE, "programs", "csmith_runtime.c")
LEVELS = ("-O0", "-O1", "-O2", "-O3", "-Os")
CFLAGS = ("-m32", "-w", "-nostdlib", "-static", "-no-pie", "-fno-pic", "-ffreestanding", "-fno-builtin",
          "-fno-tree-loop-distribute-patterns", "-fno-stack-protector", "-fno-asynchronous-unwind-tables",
          "-fcf-protection=none")
LDFLAGS = ("-Wl,--emit-relocs,--build-id=none,-z,noexecstack,-e,entry,-Ttext-segment=0x08048000", "-lgcc")
RUNNER_BASE = "0x60000000"  # clear of programs, their stack and both mirrors
SECONDS = 600
# csmith may search for ever, and a generated program run for ever: one that takes longer than this is left out.
GENERATE_SECONDS = 30
CASE_SECONDS = 2
TRANSLATED_SECONDS = 60
WORKERS = 2
BATCH = 20  # programs between two lines of progress


def run(*command, seconds=SECONDS, folder=None):
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=seconds, cwd=folder)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: status {result.returncode}\n{result.stdout}{result.stderr}")
    return result.stdout


def build_runner(folder):
    runner = os.path.join(folder, "runner")
    run("gcc", "-m32", "-O1", "-static", "-no-pie", "-fcf-protection=none", f"-Wl,-Ttext-segment={RUNNER_BASE}", "-o",
        runner, os.path.join(HERE, "runner.c"))
    return runner


def outcome(runner, program, seconds=TRANSLATED_SECONDS):
    """(checksum, pages that differ from their mirror)"""
    match = re.fullmatch(r"result=(\w+) pages=\d+ differ=(\d+)\n", run(runner, program, seconds=seconds))
    return match[1], int(match[2])


def translate(build, native, *options):
    out = native + "".join(options)
    run(os.path.join(build, "translator", "kmv-translate"), *options, "-o", out, native)
    return out


def generate(folder, seed):
    """The source of a program; None: csmith does not come to an end with it."""
    source = os.path.join(folder, f"{seed}.c")
    try:
        # It also writes a file platform.info, to where it runs.
        run("csmith", "--seed", str(seed), "--no-argc", "--concise", "--max-funcs", "6", "-o", source, folder=folder,
            seconds=GENERATE_SECONDS)
    except subprocess.TimeoutExpired:
        return None
    return source


def compile_case(source, level):
    native = source.removesuffix(".c") + level
    run("gcc", *CFLAGS, level, "-I/usr/include/csmith", "-o", native, source, RUNTIME, *LDFLAGS)
    return native


def check(build, runner, source, level):
    """True: all as it must be; None: the original takes too long. Else raises RuntimeError."""
    native = compile_case(source, level)
    try:
        expected = outcome(runner, native, CASE_SECONDS)[0]
    except subprocess.TimeoutExpired:
        return None
    same = outcome(runner, translate(build, native, "--identity"))[0]
    mirrored = outcome(runner, translate(build, native))
    if same != expected or mirrored != (expected, 0):
        raise RuntimeError(f"original {expected}, identity {same}, mirrored {mirrored}")
    return True


def try_program(build, runner, seed):
    """One result a level: True equal, False failed, None too slow: the other levels are not tried then."""
    results = []
    with tempfile.TemporaryDirectory() as folder:
        source = generate(folder, seed)
        for level in LEVELS if source else ():
            try:
                results.append(check(build, runner, source, level))
            except (RuntimeError, subprocess.TimeoutExpired) as error:
                print(f"seed {seed} {level}: {error}", flush=True)
                results.append(False)
            if results[-1] is None:
                break
    return results if source else [None]


class Totals:
    def __init__(self):
        self.programs = self.left_out = self.equal = self.failed = 0

    def add(self, results):
        """What a program came to. Failures count even where a later level is too slow."""
        self.failed += results.count(False)
        if None in results and False not in results:
            self.left_out += 1
        else:
            self.programs += 1
            self.equal += results.count(True)

    def text(self):
        return (f"{self.programs} programs, {self.equal + self.failed} cases (programs x levels): {self.equal} equal, "
                f"{self.failed} failed; {self.left_out} programs left out as too slow")


def run_programs(arguments):
    totals, seed = Totals(), arguments.first_seed
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        runner = build_runner(folder)
        while totals.programs < arguments.programs:
            count = min(BATCH, arguments.programs - totals.programs)
            for results in pool.map(lambda one: try_program(arguments.build, runner, one), range(seed, seed + count)):
                totals.add(results)
            seed += count
            print(f"csmith: seeds to {seed - 1}: {totals.text()}", file=sys.stderr, flush=True)
    return totals


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="build folder (default: build)")
    parser.add_argument("--programs", type=int, default=200, help="programs to compare, at five levels each (default: 200)")
    parser.add_argument("--first-seed", type=int, default=1, help="seed of the first program (default: 1)")
    totals = run_programs(parser.parse_args())
    print(f"csmith: {totals.text()}")
    return 1 if totals.failed else 0


if __name__ == "__main__":
    sys.exit(main())
