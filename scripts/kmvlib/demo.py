"""A run that shows itself: a story of commands, told while they are typed, and a summary of what became of the bad pages."""

import os
import sys
import time

from kmvlib import errors, hvlog, report, run
from kmvlib.artifacts import TOP
from kmvlib.feed import Script
from kmvlib.history import History

READING_SECONDS = 2.0  # at a terminal, before a command is typed

STORY = (
    (
        "This guest is a Unix whose kernel and programs are translated: each store to memory is done twice,",
        "here and in the mirror. Its programs do what they always do.",
        "ls",
    ),
    (
        "50 pages of the running system go bad: kernel text and data, page tables, stacks, user memory, on either",
        "side. Nobody tells the guest.",
        "inject 50 1",
    ),
    (
        "forktest makes processes until there is no room for one more. Each bad page that it meets is replaced by a",
        "fresh one and filled from the other copy, between two instructions.",
        "forktest",
    ),
    ("100 more pages, and four processes that write, read and compare files.", "inject 100 2"),
    ("", "stressfs"),
    ("200 more pages; the shell, a pipe and two programs have to be whole to print one word.", "inject 200 3"),
    ("", "echo alive | grep alive"),
    ("The hypervisor compares all of memory with its mirror, byte by byte. Bad pages nobody used are found now.", "verify"),
    (
        "Two pages go bad in both copies: nothing can be recovered. The guest's kernel is told which they are, and kills the",
        "process whose page it was. Everybody else goes on.",
        "lose read stack",
    ),
    (
        "300 more pages, for which there are not spare frames enough: when they are used up, the two copies of a page share the",
        "good frame. The log says so (degraded).",
        "inject 300 4",
    ),
    ("", "verify"),
    ("", "echo alive | grep alive"),
    ("What the hypervisor counted.", "mirrorstat"),
)


class Narrator(Script):
    """Tells each part of a story before it types its command: a sequence of lines, the last one the command."""

    def __init__(self, story, send, write, reading_seconds):
        super().__init__([part[-1] for part in story], send)
        self.texts = [part[:-1] for part in story]
        self.total = sum(any(text) for text in self.texts)
        self.told = 0
        self.write = write
        self.reading_seconds = reading_seconds
        self.held = b""

    def shown(self, data):
        """Keeps a last prompt, or what may become one, back: the text has to stand before it."""
        data = self.held + data
        self.held = next((end for end in (b"$ ", b"$") if data.endswith(end)), b"")
        return data[: len(data) - len(self.held)]

    def prompt(self):
        text = self.texts.pop(0) if self.texts else ()
        if any(text):
            self.told += 1
            heading = f"[{self.told}/{self.total}] "
            lines = [heading + text[0], *(" " * len(heading) + line for line in text[1:])]
            self.write("".join(f"{line}\n" for line in ["", *lines]).encode())
            time.sleep(self.reading_seconds)
        self.write(self.held)
        self.held = b""
        super().prompt()


def demo(options):
    """Runs the story on a machine as `options` (options.RunOptions) say; returns kmv's exit status."""
    started = time.monotonic()
    options.log = options.log or os.path.relpath(os.path.join(TOP, options.build, "demo", "hv.log"))
    reading = READING_SECONDS if sys.stdout.isatty() else 0.0
    options.make_feed = lambda send: Narrator(STORY, send, run.write_out, reading)
    status = run.run(options)
    with open(options.log, encoding="ascii", errors="replace") as file:
        history = History()
        for event in hvlog.parse_log(file.read()):
            history.take(event)
    closing = f"{time.monotonic() - started:.0f} s in all. The run as a page of charts:"
    print("\n".join(["", *summary(history), closing]), flush=True)
    report.write_report(options.log, f"{options.log}.html")
    return status or (errors.OK if is_good(history) else errors.CHECK_FAILED)


def is_good(history):
    """Every bad page was answered, what was lost in both copies the guest was told of and got back empty, and copies are equal."""
    counts = history.counts
    answered = counts["recover"] + counts["degraded"] + 2 * counts["lost"]
    given_back = counts["lost"] == counts["told"] == counts["renew"]
    return answered == counts["poison"] > 0 and given_back and history.differing == 0


def summary(history):
    """What became of the bad pages, a line a fact."""
    counts = history.counts
    yield f"{counts['poison']} frames went bad: {counts['recover']} recovered, {counts['degraded']} degraded, {counts['lost']} pages lost in both copies."
    for (answer, side, cause), count in history.kinds.most_common():
        yield f"  {count:5} {answer}, {side} side, cause {cause}"
    yield f"Compared at the end: {history.compared} pages, {history.differing} differ from their copy."
    yield f"Spare frames left: {history.spare_free} of {history.spare_total}."
