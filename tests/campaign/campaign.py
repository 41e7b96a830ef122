#!/usr/bin/python3
"""
Lets thousands of pages go bad, of every kind and at random instants, while machines run the guest's tests one after the other,
and compares what each machine says and leaves on its disk with a run of the same work without faults.

A seed repeats exactly: each machine's commands stand on its disk, and the hypervisor draws kind, page and instant of each fault.
"""

import argparse
import concurrent.futures
import hashlib
import os
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(TOP, "scripts"), os.path.join(TOP, "tests", "bench")]

from guestrun import TRANSLATED, make_disk  # noqa: E402 (the path has to be set first)
from kmvlib import hvlog  # noqa: E402

RUN_SECONDS = 3600
FAULTS_A_MACHINE = 1000
USERTESTS = os.path.join(TOP, "guest-xv6", "user", "usertests")
TEST_NAME = re.compile(r'^\s*\{"([a-z0-9-]+)", test_', re.MULTILINE)
# Too long under an emulator for a piece that is run many times; `make test-guest` runs them while pages are lost, too.
LEFT_OUT = {"noise"}
PIECES = 8
NAMES_A_LINE = 4
FILE_WORK = [
    "cat README README README > copy",
    "wc copy",
    "grep the copy | wc",
    "mkdir kept",
    "cat copy README > kept/second",
    "wc kept/second",
    "ln copy kept/third",
    "rm copy",
    # Loops of programs, which the tests hardly have.
    "wc usertests sh bench",
    "grep nothing usertests | wc",
    "grep the usertests bench | wc",
    "wc bench sh usertests",
]
# What losses of both copies do to the processes that have them, and to nobody else.
TOLD_WORK = ["lose", "spaces protected", *FILE_WORK]
# The rest of the run's time, without faults, is left to the last commands.
SPREAD = 0.8


@dataclass
class Work:
    """Commands that machines run, and what a machine without faults made of them."""

    name: str
    commands: list
    ticks: int = 0
    lines: Counter = field(default_factory=Counter)
    files: str = ""


@dataclass
class Total:
    """Of all machines so far."""

    injected: int = 0
    recovered: int = 0
    lost: int = 0
    wrong_bytes: int = 0
    diffs: int = 0
    kinds: Counter = field(default_factory=Counter)
    in_programs: Counter = field(default_factory=Counter)
    complaints: list = field(default_factory=list)
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)


def main():
    args = parse_args()
    folder = os.path.join(TOP, args.build, "campaign", f"seed-{args.seed}")
    os.makedirs(folder, exist_ok=True)
    started = time.monotonic()
    shares = share_out(args.faults)
    works = make_works()[: len(shares)]
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(lambda work: run_without(args, folder, work), works))
        say(f"{len(works)} machines without faults done, {time.monotonic() - started:.0f} s")
        total = Total()
        orders = [(index, share, works[index % len(works)]) for index, share in enumerate(shares)]
        for index, result in enumerate(pool.map(lambda order: run_with(args, folder, *order), orders)):
            count(total, *orders[index], *result)
            say(
                f"machine {index + 1}/{len(orders)} work={orders[index][2].name} injected={total.injected}"
                f"/{args.faults} recovered={total.recovered} lost={total.lost}, {time.monotonic() - started:.0f} s"
            )
        told_is_right = run_told(args, folder) if args.told else True
    return tell(args, total, told_is_right)


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", help="folder of the build")
    parser.add_argument("--faults", type=int, default=10000, metavar="N", help="how many in all (default 10000)")
    parser.add_argument("--seed", type=int, default=1, help="from which all is drawn (default 1)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="machines at a time (default 2)")
    parser.add_argument("--smp", type=int, default=1, metavar="N", help="processors of each machine (default 1)")
    parser.add_argument("--told", action="store_true", help="also losses that can't be recovered, in a machine of their own")
    args = parser.parse_args()
    if args.faults < 1 or args.seed < 0 or args.jobs < 1 or args.smp < 1:
        parser.error("all numbers have to be positive")
    return args


def say(text):
    print(text, flush=True)


def share_out(faults):
    """How many faults each machine gets."""
    machines = -(-faults // FAULTS_A_MACHINE)
    return [faults // machines + (index < faults % machines) for index in range(machines)]


def make_works():
    names = []
    for name in sorted(os.listdir(USERTESTS)):
        if name.endswith(".c"):
            with open(os.path.join(USERTESTS, name), encoding="ascii") as source:
                names += [test for test in TEST_NAME.findall(source.read()) if test not in LEFT_OUT]
    if len(names) < 80:
        raise SystemExit(f"campaign: only {len(names)} tests found in {USERTESTS}")
    return [Work(f"piece{piece}", piece_commands(names[piece::PIECES])) for piece in range(PIECES)]


def piece_commands(names):
    lines = [" ".join(names[at : at + NAMES_A_LINE]) for at in range(0, len(names), NAMES_A_LINE)]
    return ["stressfs", *(f"usertests {line}" for line in lines), *FILE_WORK]


def run_machine(args, folder, name, commands):
    """Runs commands from the disk; returns (kmv's status, console, events, the disk's files as text)."""
    place = os.path.join(folder, name)
    os.makedirs(place, exist_ok=True)
    log = os.path.join(place, "hv.log")
    disk = make_disk(os.path.join(TOP, args.build, "guest"), TRANSLATED, commands, place)
    command = [os.path.join(TOP, "scripts", "kmv"), "run", "--build", args.build, "--disk", disk, "--log", log]
    command += ["--platform", "bochs", "--timeout", str(RUN_SECONDS)]
    command += ["--hypervisor", os.path.join(TOP, args.build, "hv", "hv-test.elf")]
    if args.smp > 1:
        command += ["--smp", str(args.smp)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", check=False)
    with open(os.path.join(place, "console"), "w", encoding="utf-8") as out:
        out.write(done.stdout + done.stderr)
    with open(log, encoding="ascii", errors="replace") as file:
        events = hvlog.parse_log(file.read())
    return done.returncode, done.stdout, events, list_files(args, disk)


def list_files(args, disk):
    """Every file with a checksum of its bytes; what fsck complains of otherwise. The script differs, it holds the seed."""
    fsck = os.path.join(TOP, args.build, "guest", "fsck-kmv")
    done = subprocess.run([fsck, "--list", disk], capture_output=True, text=True, check=False)
    return "".join(line for line in (done.stdout + done.stderr).splitlines(True) if not line.endswith("/autorun\n"))


def console_lines(console):
    """What a run says, without what depends on the time and on what else ran."""
    console = re.sub(r"\d+ ticks", "ticks", re.sub(r"pid \d+", "pid", console))
    return Counter(line for line in console.splitlines() if not re.match(r"\w+=|verify:|faults:", line))


def one(events, name):
    found = [event for event in events if event["event"] == name]
    return found[-1] if found else None


def run_without(args, folder, work):
    status, console, events, files = run_machine(args, folder, f"{work.name}-without", [*work.commands, "faults --wait", "verify"])
    start, end = one(events, "guest_start"), one(events, "summary")
    if status != 0 or "FAILED" in console or not end:
        raise SystemExit(f"campaign: {work.name} fails without any fault, status {status}: see {folder}/{work.name}-without")
    outside = next(event for event in reversed(events) if event["event"] == "counter" and event["name"] == "hv_ticks")
    work.ticks = int(end["tsc"]) - int(start["tsc"]) - int(outside["value"])
    work.lines, work.files = console_lines(console), files


def run_with(args, folder, index, share, work):
    interval = max(1, int(SPREAD * work.ticks / share))
    seed = (args.seed * 1000003 + index) % 2**31
    commands = [f"faults {share} {seed} {interval}", *work.commands, "faults --wait", "verify"]
    return run_machine(args, folder, f"machine-{index:03}", commands)


def unrecovered(events):
    """(page, side) of each page that went bad and has no good frame since."""
    bad = Counter()
    for event in events:
        if event["event"] == "poison":
            bad[event["gpage"], event["side"], event["frame"]] += 1
        elif event["event"] == "recover":
            bad[event["gpage"], event["side"], event["bad"]] -= 1
    return {(page, side) for (page, side, _), left in bad.items() if left > 0}


def count(total, index, share, work, status, console, events, files):
    faults = [event for event in events if event["event"] == "fault"]
    left = unrecovered(events)
    total.injected += len(faults)
    total.recovered += sum((fault["gpage"], fault["side"]) not in left for fault in faults)
    total.lost += sum(event["event"] == "lost" for event in events)
    total.kinds.update(fault["kind"] for fault in faults)
    total.in_programs.update(fault["kind"] for fault in faults if fault["privilege"] == "3")
    verify = one(events, "verify")
    total.diffs += int(verify["differing"]) if verify else 1
    wrong = difference(work.lines, console_lines(console)) + (files != work.files)
    total.wrong_bytes += wrong
    if status != 0 or wrong or len(faults) != share or not verify:
        total.complaints.append(f"machine-{index:03}: status {status}, {len(faults)} of {share} faults, {wrong} differences from {work.name}-without")
    for event in events:
        if event["event"] in ("fault", "poison", "recover", "lost", "degraded", "verify"):
            total.digest.update(repr(sorted(event.items())).encode())


def difference(expected, found):
    return sum(((expected - found) + (found - expected)).values())


def run_told(args, folder):
    """Losses of both copies: killed processes, and nothing else hurt. Returns whether it was so."""
    status, console, events, _ = run_machine(args, folder, "told", [*TOLD_WORK, "verify"])
    told = sum(event["event"] == "told" for event in events)
    killed = len(re.findall(r"^pid \d+ \S+: memory page 0x[0-9a-f]+ lost, killed$", console, re.MULTILINE))
    verify = one(events, "verify")
    right = status == 0 and re.search(r"^lose: \d+ passed, 0 failed$", console, re.MULTILINE) and verify and verify["differing"] == "0"
    say(f"not recoverable: told={told} killed={killed} {'nothing else hurt' if right else 'WRONG: see ' + folder + '/told'}")
    return bool(right) and killed > 0


def tell(args, total, told_is_right):
    for kind, number in sorted(total.kinds.items()):
        say(f"kind {kind}: {number}, {total.in_programs[kind]} of them while a program ran")
    for complaint in total.complaints:
        say(complaint)
    say(f"seed={args.seed} digest={total.digest.hexdigest()[:16]}")
    say(
        f"injected={total.injected} recovered={total.recovered} lost={total.lost} wrong_bytes={total.wrong_bytes} "
        f"diffs={total.diffs}"
    )
    right = total.injected == total.recovered == args.faults and total.lost == total.wrong_bytes == total.diffs == 0
    return 0 if right and told_is_right and not total.complaints else 1


if __name__ == "__main__":
    sys.exit(main())
