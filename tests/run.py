#!/usr/bin/python3
"""Runs unit-test programs and pytest folders; ends with the line `N passed, N failed`, exit 1 if any failed."""

import argparse
import os
import re
import subprocess
import sys
import xml.etree.ElementTree

PROGRAM_SECONDS = 300
MACHINES_AT_ONCE = "2"  # a machine takes a processor for itself


def main():
    args = parse_args()
    passed = failed = 0
    for program in args.programs:
        counts = run_program(program)
        passed, failed = passed + counts[0], failed + counts[1]
    if args.pytest:
        counts = run_pytest(args.pytest, args.build, [])
        passed, failed = passed + counts[0], failed + counts[1]
    for folder in args.machine:
        counts = run_pytest(folder, args.build, ["-n", MACHINES_AT_ONCE, "--dist", "load", "--durations=5"])
        passed, failed = passed + counts[0], failed + counts[1]
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", default="build", help="folder of the build")
    parser.add_argument("--pytest", metavar="FOLDER", help="tests that need no machine")
    parser.add_argument("--machine", metavar="PATH", action="append", default=[], help="tests that boot machines")
    parser.add_argument("programs", nargs="*", help="unit-test programs (cmocka)")
    return parser.parse_args()


def run_program(program):
    """Runs one cmocka program; returns (passed, failed). One that dies counts as one failure more."""
    print(f"== {program}", flush=True)
    try:
        result = subprocess.run(
            [program],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=PROGRAM_SECONDS,
            text=True,
            errors="replace",
            check=False,
        )
        output, status = result.stdout, result.returncode
    except (subprocess.TimeoutExpired, OSError) as error:
        output, status = str(error), -1
    passed, failed = count_cmocka(output)
    if status != 0 and failed == 0 or passed + failed == 0:
        failed += 1
    if failed:
        print(output)
        print(f"{program}: exit status {status}")
    return passed, failed


def count_cmocka(output):
    """(passed, failed) as a cmocka program's output tells them, for all groups it ran."""
    passed = re.findall(r"^\[  PASSED  \] (\d+) test\(s\)\.", output, re.MULTILINE)
    failed = re.findall(r"^\[  FAILED  \] [^\n]*?(\d+) test\(s\)", output, re.MULTILINE)
    return sum(map(int, passed)), sum(map(int, failed))


def run_pytest(folder, build, options):
    """Runs pytest on a folder; returns (passed, failed). A pytest that breaks counts as one failure."""
    print(f"== {folder}", flush=True)
    os.makedirs(os.path.join(build, "tests"), exist_ok=True)
    report = os.path.join(build, "tests", folder.replace("/", "-") + ".xml")
    if os.path.exists(report):
        os.remove(report)
    command = [sys.executable, "-m", "pytest", "-q", "--junitxml", report, *options, folder]
    status = subprocess.run(command, env={**os.environ, "KMV_BUILD": build}, check=False).returncode
    passed, failed = count_junit(report) if os.path.exists(report) else (0, 0)
    if status != 0 and failed == 0:
        failed += 1
    return passed, failed


def count_junit(report):
    """(passed, failed) of a JUnit report; skipped tests count as neither."""
    passed = failed = 0
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        if case.find("failure") is not None or case.find("error") is not None:
            failed += 1
        elif case.find("skipped") is None:
            passed += 1
    return passed, failed


if __name__ == "__main__":
    sys.exit(main())
