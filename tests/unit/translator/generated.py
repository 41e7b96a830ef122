#!/usr/bin/python3
"""Programs that csmith generates, at each level of optimisation: the translated program and its identity print the checksum of
the original, and no byte of the translated one differs from its mirror. Runs on this processor.

    generated.py [--build FOLDER] [--cases N] [--first-seed N]
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
SECONDS = 60
# A generated program may run for ever: one that takes longer than this is no case.
CASE_SECONDS = 2
WORKERS = 2


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


def outcome(runner, program):
    """(checksum, pages that differ from their mirror)"""
    match = re.fullmatch(r"result=(\w+) pages=\d+ differ=(\d+)\n", run(runner, program, seconds=CASE_SECONDS))
    return match[1], int(match[2])


def translate(build, native, *options):
    out = native + "".join(options)
    run(os.path.join(build, "translator", "kmv-translate"), *options, "-o", out, native)
    return out


def compile_case(folder, seed, level):
    source, native = os.path.join(folder, f"{seed}.c"), os.path.join(folder, f"{seed}{level}")
    # It also writes a file platform.info, to where it runs.
    run("csmith", "--seed", str(seed), "--no-argc", "--concise", "--max-funcs", "6", "-o", source, folder=folder)
    run("gcc", *CFLAGS, level, "-I/usr/include/csmith", "-o", native, source, RUNTIME, *LDFLAGS)
    return native


def check(build, runner, seed, level):
    """True: all as it must be; None: the original takes too long. Else raises RuntimeError."""
    with tempfile.TemporaryDirectory() as folder:
        native = compile_case(folder, seed, level)
        try:
            expected = outcome(runner, native)[0]
        except subprocess.TimeoutExpired:
            return None
        same = outcome(runner, translate(build, native, "--identity"))[0]
        mirrored = outcome(runner, translate(build, native))
    if same != expected or mirrored != (expected, 0):
        raise RuntimeError(f"seed {seed} {level}: original {expected}, identity {same}, mirrored {mirrored}")
    return True


def try_program(build, runner, seed):
    """One result a level: True equal, False failed, None too slow; then the other levels are not tried."""
    results = []
    for level in LEVELS:
        try:
            results.append(check(build, runner, seed, level))
        except (RuntimeError, subprocess.TimeoutExpired) as error:
            print(f"seed {seed} {level}: {error}", flush=True)
            results.append(False)
        if results[-1] is None:
            break
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="build folder (default: build)")
    parser.add_argument("--cases", type=int, default=200, help="programs x levels to compare (default: 200)")
    parser.add_argument("--first-seed", type=int, default=1, help="seed of the first program (default: 1)")
    arguments = parser.parse_args()
    equal = failed = skipped = 0
    seed = arguments.first_seed
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        runner = build_runner(folder)
        while equal + failed < arguments.cases:
            seeds = range(seed, seed + WORKERS)
            seed += WORKERS
            for results in pool.map(lambda one: try_program(arguments.build, runner, one), seeds):
                equal += results.count(True)
                failed += results.count(False)
                skipped += None in results
    print(f"csmith: {seed - arguments.first_seed} programs, {equal + failed} cases (programs x levels): {equal} equal, "
          f"{failed} failed; {skipped} programs left out as too slow")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
