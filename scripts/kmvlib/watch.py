"""A running machine as its log tells it: a view that is redrawn at a terminal, plain lines elsewhere."""

import shutil
import sys
import time

from kmvlib.errors import OK, usage
from kmvlib.history import ANSWERS, ENDINGS, FIGURES, LAST_RATES, History
from kmvlib.hvlog import parse_event

POLL_SECONDS = 0.5
HIDDEN = ("seq", "tsc", "event")
# Of a line of counters, what plain lines show; the rates between two lines follow.
SHOWN = ("exits", "pt_writes", "poisoned", "recovered", "degraded", "lost", "spare_free")
RATES = ("exits", "pt_writes")
STEPS = "▁▂▃▄▅▆▇█"
COLOURS = {"good": "\x1b[32m", "bad": "\x1b[31m", "strong": "\x1b[1m", "dim": "\x1b[2m", "": ""}
RESET = "\x1b[0m"
STYLES = {"running": "good", "ended": "strong", "stopped": "bad", "panic": "bad", "refused": "bad"}
EVENT_STYLES = {"recover": "good", "degraded": "bad", "lost": "bad", "guest_stop": "bad", "panic": "bad"}


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
    return f"{event.get('seq', '?'):>6} {event['event']} {pairs}".rstrip()


def stats_line(event, history):
    """A line of counters, short, with what they rose by for each million ticks since the line before."""
    short = {key: event[key] for key in ("seq", "event", *SHOWN) if key in event}
    for name in RATES:
        rates = history.rates(name)
        if rates:
            short[f"{name}_per_mtick"] = f"{rates[-1][1]:.1f}"
    return event_line(short)


def sparkline(values):
    """One character a value, as high as the value against the largest."""
    top = max(values, default=0) or 1
    return "".join(STEPS[min(len(STEPS) - 1, int(value * len(STEPS) / top))] for value in values)


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
        self.seen = None  # (seconds, counters) when the last line of counters came

    def play(self, follow):
        if self.live:
            self.out.write("\x1b[2J")
        while True:
            self.read()
            if self.live:
                self.measure(self.clock())
                self.draw()
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
            if self.live:
                continue
            if event["event"] == "stats":
                self.out.write(stats_line(event, self.history) + "\n")
            elif event["event"] not in FIGURES:
                self.out.write(event_line(event) + "\n")
        self.out.flush()

    def measure(self, now):
        """What the counters rose by a second, between the looks at which new lines of them had come."""
        samples = [sample for sample in self.history.samples if sample[1]]
        if not samples or self.seen and self.seen[2] == len(samples):
            return
        counters = samples[-1][1]
        if self.seen:
            seconds = max(now - self.seen[0], 1e-3)
            self.rates = {name: (counters.get(name, 0) - self.seen[1].get(name, 0)) / seconds for name in RATES}
        self.seen = (now, counters, len(samples))

    def totals(self):
        history = self.history
        spare = "?" if history.spare_free is None else history.spare_free
        counts = " ".join(f"{name}={history.counts[name]}" for name in ("poison", *ANSWERS))
        counters = "".join(f" {name}={history.counters[name]}" for name in RATES if name in history.counters)
        return f"state={history.state.replace(' ', '_')} tsc={history.clock} {counts} spare_free={spare}{counters}"

    def draw(self):
        size = shutil.get_terminal_size()
        lines = [*self.head(), ("", ""), *((EVENT_STYLES.get(event["event"], ""), event_line(event)) for event in self.history.last)]
        shown = "\r\n".join(
            f"{COLOURS[style]}{line[: size.columns - 1]}{RESET if style else ''}\x1b[K" for style, line in lines[: size.lines - 1]
        )
        self.out.write(f"\x1b[H{shown}\x1b[J\r\n")
        self.out.flush()

    def head(self):
        """Pairs of style and text: the state, the counters, the pages."""
        history, counts = self.history, self.history.counts
        state = history.state
        yield STYLES.get(state, "strong"), f"kmemvisor: {state}, {history.clock / 1e6:,.1f} million ticks, {history.events:,} events"
        for name, title in (("exits", "exits"), ("pt_writes", "PTE writes")):
            yield "", self.counter_row(name, title)
        pages = "   ".join(f"{word} {counts[name]:,}" for word, name in zip(("bad", "recovered", "degraded", "lost"), ("poison", *ANSWERS)))
        yield "bad" if counts["lost"] or counts["degraded"] else "", f"{'pages':12}{pages}"
        yield "", f"{'spare frames':12} {self.spare_text()}"

    def counter_row(self, name, title):
        value = self.history.counters.get(name)
        if value is None:
            return f"{title:12}{'told at the end':>14}   (kmv run --stats 1 tells them each second)"
        rate = f"{self.rates[name]:>12,.0f} a second" if name in self.rates else ""
        return f"{title:12}{value:>14,}{rate}  {self.spark(name)}".rstrip()

    def spark(self, name):
        """What the last lines of counters rose by, where the terminal can show it."""
        if "utf" not in (getattr(self.out, "encoding", "") or "").lower():
            return ""
        return sparkline([rate for _, rate in self.history.rates(name)[-LAST_RATES:]])

    def spare_text(self):
        left, total = self.history.spare_free, self.history.spare_total
        if left is None:
            return "?"
        return f"{left:,} of {total:,} left" if total else f"{left:,} left"
