"""A running machine as its log tells it: a view that is redrawn at a terminal, plain lines elsewhere."""

import shutil
import sys
import time

from kmvlib.errors import OK, usage
from kmvlib.history import ENDINGS, NOTABLE, History
from kmvlib.hvlog import parse_event

POLL_SECONDS = 0.5
HIDDEN = ("seq", "tsc", "event")


def watch(path, follow):
    """Shows the log file `path`, until the machine's end if `follow`; returns kmv's exit status."""
    try:
        file = open(path, encoding="ascii", errors="replace")
    except OSError as error:
        raise usage(f"{path}: {error.strerror}: start a machine with kmv run --log {path}") from None
    with file:
        return Watch(file, sys.stdout, time.monotonic).play(follow)


def event_line(event):
    pairs = " ".join(f"{key}={value}" for key, value in event.items() if key not in HIDDEN)
    return f"{event['seq']:>6} {event['event']} {pairs}".rstrip()


class Watch:
    """Reads what was added to `file`, shows it on `out`."""

    def __init__(self, file, out, clock):
        self.file = file
        self.out = out
        self.clock = clock
        self.live = out.isatty()
        self.history = History()
        self.pending = ""
        self.rates = {}

    def play(self, follow):
        before = self.clock()
        while True:
            self.read()
            now = self.clock()
            if self.live:
                self.measure(now - before)
                self.draw()
            before = now
            if not follow or self.ended():
                break
            time.sleep(POLL_SECONDS)
        if not self.live:
            self.out.write(self.totals() + "\n")
        return OK

    def ended(self):
        """The summary is a run's last event; after a panic or a refusal there is none."""
        return self.history.counts["summary"] > 0 or self.history.state in (ENDINGS["panic"], ENDINGS["refuse"])

    def read(self):
        *lines, self.pending = (self.pending + self.file.read()).split("\n")
        for event in filter(None, map(parse_event, lines)):
            self.history.take(event)
            if not self.live and event["event"] in NOTABLE:
                self.out.write(event_line(event) + "\n")
        self.out.flush()

    def measure(self, seconds):
        """Events a second since the last look, by name."""
        counts = self.history.counts
        seen = self.rates.get("seen", {})
        for name in ("poison", "recover"):
            self.rates[name] = (counts[name] - seen.get(name, 0)) / seconds if seconds > 0 else 0
        self.rates["seen"] = dict(counts)

    def totals(self):
        history = self.history
        spare = "?" if history.spare_free is None else history.spare_free
        counts = " ".join(f"{name}={history.counts[name]}" for name in ("poison", "recover", "degraded", "lost"))
        counters = "".join(
            f" {name}={history.counters[name]}" for name in ("exits", "pt_writes") if name in history.counters
        )
        return f"state={history.state.replace(' ', '_')} tsc={history.clock} {counts} spare_free={spare}{counters}"

    def draw(self):
        size = shutil.get_terminal_size()
        lines = [
            f"kmemvisor: {self.history.state}",
            *self.totals().split(" ", 2)[1:],
            f"a second: {self.rates['poison']:.1f} poisoned, {self.rates['recover']:.1f} recovered",
            "",
            *map(event_line, self.history.last),
        ]
        shown = "\r\n".join(line[: size.columns - 1] + "\x1b[K" for line in lines[: size.lines - 1])
        self.out.write(f"\x1b[H{shown}\x1b[J\r\n")
        self.out.flush()
