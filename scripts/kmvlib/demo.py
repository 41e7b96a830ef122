"""A run that shows itself: a story of commands, told while they are typed, and a summary of what became of the bad memory."""

import os
import shutil
import subprocess
import sys
import textwrap
import time

from kmvlib import contract, errors, hvlog, platforms, report, run
from kmvlib.artifacts import TOP, find_artifacts, make_artifacts
from kmvlib.elf import Elf
from kmvlib.feed import Script
from kmvlib.history import History

READING_SECONDS = 2.0  # at a terminal, before a command is typed
TEXT_WIDTH = 96
BOLD, PLAIN = "\x1b[1m", "\x1b[0m"

# Pages that the scrubber visits before memory is changed: each a few times. It finds the change in half as many more.
VISITS = 3 * 64 * 256
CHANGED_FUNCTION = "machine_poweroff"  # of the guest's kernel: executed at the end only
CHANGED_WORD = 0xBADC0DE5

# Pairs of a text, "" to go on without one, and a command.
OPENING = (
    (
        "This guest is a Unix whose kernel and programs are translated: each store to memory is done twice, here and in the mirror. "
        "Its programs do what they always do.",
        "ls",
    ),
)
SCRUBBER = (
    (
        "The scrubber gets half of the time: it compares both copies of page after page, and knows a checksum of those that nobody writes to. "
        "While it works, a word of the kernel's own code is overwritten from outside the machine.",
        "scrub 500",
    ),
    ("", f"hold {VISITS}"),
    ("", "scrub 0"),
)
LOSSES = (
    (
        "50 pages of the running system go bad: kernel text and data, page tables, stacks, memory of programs, on either side. "
        "Nobody tells the guest.",
        "inject 50 1",
    ),
    (
        "forktest makes processes until there is no room for one more. Each bad page that it meets is replaced by a fresh one and filled "
        "from the other copy, between two instructions.",
        "forktest",
    ),
    ("100 more pages, and four processes that write, read and compare files.", "inject 100 2"),
    ("", "stressfs"),
    ("150 more pages; the shell, a pipe and two programs have to be whole to print one word.", "inject 150 3"),
    ("", "echo alive | grep alive"),
    ("The hypervisor compares all of memory with its mirror, byte by byte. Bad pages that nobody used are found by it.", "verify"),
    (
        "Two pages go bad in both copies: nothing can be recovered. The guest's kernel is told which they are, and kills the process "
        "whose page it was. Everybody else goes on.",
        "lose read stack",
    ),
    (
        "A program that is not translated keeps no mirror. It runs, unprotected: when a page of it goes bad, it is killed. It is never "
        "handed what the mirror held before.",
        "plain-spaces unprotected",
    ),
    (
        "300 more pages, for which there are not spare frames enough: when they are used up, the two copies of a page share the good "
        "frame. The log says so (degraded).",
        "inject 300 4",
    ),
    ("", "verify"),
    (
        "The guest has memory to spare and gives some of it: each page makes two spare frames. The degraded pages get their second copy "
        "again: back at full strength.",
        "give 100",
    ),
    ("", "verify"),
    ("", "echo alive | grep alive"),
)


class Narrator(Script):
    """Tells the text of each part of a story before it types its command."""

    def __init__(self, story, send, write, at_terminal):
        super().__init__([command for _, command in story], send)
        self.texts = [text for text, _ in story]
        self.total = sum(bool(text) for text in self.texts)
        self.told = 0
        self.write = write
        self.at_terminal = at_terminal
        self.held = b""

    def shown(self, data):
        """Keeps a last prompt, or what may become one, back: the text has to stand before it."""
        data = self.held + data
        self.held = next((end for end in (b"$ ", b"$") if data.endswith(end)), b"")
        return data[: len(data) - len(self.held)]

    def prompt(self):
        text = self.texts.pop(0) if self.texts else ""
        if text:
            self.told += 1
            self.write(f"\n{self.styled(text)}\n".encode())
            time.sleep(READING_SECONDS if self.at_terminal else 0)
        self.write(self.held)
        self.held = b""
        super().prompt()

    def styled(self, text):
        heading = f"[{self.told}/{self.total}] "
        lines = textwrap.fill(text, TEXT_WIDTH, initial_indent=heading, subsequent_indent=" " * len(heading))
        return f"{BOLD}{lines}{PLAIN}" if self.at_terminal else lines


class Vandal:
    """Overwrites a word of the guest's kernel in the machine's memory once the guest notes that all of its memory is known."""

    def __init__(self, kernel):
        with open(kernel, "rb") as file:
            symbols = Elf(file.read()).symbols
        self.offset = next(symbol.start for symbol in symbols if symbol.name == CHANGED_FUNCTION) - contract.KERNEL_BASE
        self.guest = None

    def take(self, event, poke):
        if event["event"] == "boot":
            self.guest = int(event["guest_base"], 0)
        elif event["event"] == "note" and event.get("text") == "held":
            poke(self.guest + self.offset, CHANGED_WORD)


def demo(options):
    """Runs the story on a machine as `options` (options.RunOptions) say; returns kmv's exit status."""
    started = time.monotonic()
    options.log = options.log or os.path.relpath(os.path.join(TOP, options.build, "demo", "hv.log"))
    artifacts = find_artifacts(options)
    make_artifacts(artifacts, options)
    options.disk = make_disk(options, os.path.dirname(artifacts.kernel))
    # Only an emulator changes memory from outside.
    emulated = options.platform == "bochs" or options.platform == "auto" and platforms.probe() == "bochs"
    if emulated:
        options.on_event = Vandal(artifacts.kernel).take
    story = (*OPENING, *(SCRUBBER if emulated else ()), *LOSSES)
    options.make_feed = lambda send: Narrator(story, send, run.write_out, sys.stdout.isatty())
    status = run.run(options)
    with open(options.log, encoding="ascii", errors="replace") as file:
        history = History()
        for event in hvlog.parse_log(file.read()):
            history.take(event)
    closing = f"{time.monotonic() - started:.0f} s in all. The run as a page of charts:"
    print("\n".join(["", *summary(history), closing]), flush=True)
    report.write_report(options.log, f"{options.log}.html")
    return status or (errors.OK if is_good(history) else errors.CHECK_FAILED)


def make_disk(options, guest):
    """The build's disk and, as plain-spaces, a program that is not translated."""
    folder = os.path.join(TOP, options.build, "demo")
    os.makedirs(folder, exist_ok=True)
    programs = os.path.join(guest, "disk")
    plain, image = os.path.join(folder, "plain-spaces"), os.path.join(folder, "fs.img")
    shutil.copyfile(os.path.join(TOP, options.build, "guest", "disk", "spaces"), plain)
    files = [os.path.join(programs, name) for name in sorted(os.listdir(programs))]
    mkfs = os.path.join(TOP, options.build, "guest", "mkfs")
    done = subprocess.run([mkfs, "--size", "4000", image, *files, plain], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise errors.KmvError(errors.REFUSED, f"demo disk: {done.stderr.strip()}")
    return image


def is_good(history):
    """
    All that went bad was answered, the guest was told of what was lost and got it back empty, every page has two copies
    again, and they are equal.
    """
    counts = history.counts
    given_back = counts["lost"] == counts["told"] == counts["renew"]
    return counts["poison"] > 0 and not history.bad_since and given_back and counts["heal"] == counts["degraded"] and history.differing == 0


def summary(history):
    """What became of the bad memory, a line a fact."""
    counts = history.counts
    found = sum(count for (_, _, cause), count in history.kinds.items() if cause == "scrub")
    yield f"{counts['poison']} frames went bad, {found} changed of itself: " + ", ".join(
        f"{counts[name]} {word}" for name, word in (("recover", "recovered"), ("degraded", "degraded"), ("heal", "of them healed"), ("lost", "pages lost"))
    ) + "."
    for (answer, side, cause), count in history.kinds.most_common():
        yield f"  {count:5} {answer}, {side} side, cause {cause}"
    yield f"Compared at the end: {history.compared} pages, {history.differing} differ from their copy."
    yield f"Spare frames left: {history.spare_free} of {history.spare_total}."
