"""What the events of one run's log add up to: states, counts, and how long pages stayed bad."""

from collections import Counter, deque

# The events that a person following a run wants to see as they are.
NOTABLE = ("boot", "guest_start", "poison", "recover", "degraded", "lost", "verify", "conflict", "guest_stop", "panic")
LAST_EVENTS = 8
ENDINGS = {"summary": "ended", "guest_stop": "stopped", "panic": "panic", "refuse": "refused"}


def number(event, key):
    """The value of `key` as a number, decimal or 0x...; None where there is none."""
    try:
        return int(event[key], 0)
    except (KeyError, ValueError):
        return None


class History:
    """Takes events (dictionaries of kmvlib.hvlog) in order."""

    def __init__(self):
        self.state = "waiting for the hypervisor"
        self.boot = {}
        self.clock = 0  # the last event's tsc
        self.started = None  # the first event's tsc
        self.events = 0
        self.counts = Counter()  # of events by name
        self.kinds = Counter()  # of answers to bad pages by (event, side, cause)
        self.answers = []  # (tsc, event) of each recover, degraded, lost
        self.latencies = []  # ticks between poison and recover of one page
        self.exits = {}  # by reason, from the run's end
        self.counters = {}
        self.spare_free = None
        self.last = deque(maxlen=LAST_EVENTS)
        self.bad_since = {}

    def take(self, event):
        name = event["event"]
        self.clock = int(event["tsc"])
        self.started = self.clock if self.started is None else self.started
        self.events += 1
        self.counts[name] += 1
        if name in NOTABLE:
            self.last.append(event)
        handler = getattr(self, f"take_{name}", None)
        if handler:
            handler(event)
        # A stop is the reason of the summary after it, which must not hide it.
        if name in ENDINGS and self.state not in ENDINGS.values():
            self.state = ENDINGS[name]

    def take_boot(self, event):
        self.boot = event
        size = number(event, "spare_size")
        self.spare_free = size // 4096 if size is not None else None
        self.state = "starting"

    def take_guest_start(self, event):
        del event
        self.state = "running"

    def take_poison(self, event):
        self.bad_since[event.get("gpage"), event.get("side")] = self.clock

    def take_recover(self, event):
        self.answer(event)
        if self.spare_free:
            self.spare_free -= 1
        since = self.bad_since.pop((event.get("gpage"), event.get("side")), None)
        if since is not None:
            self.latencies.append(self.clock - since)

    def take_degraded(self, event):
        self.answer(event)

    def take_lost(self, event):
        self.answer(event)

    def answer(self, event):
        self.answers.append((self.clock, event["event"]))
        self.kinds[event["event"], event.get("side", "?"), event.get("cause", "?")] += 1

    def take_exits(self, event):
        self.exits[event.get("reason", "?")] = number(event, "count") or 0

    def take_counter(self, event):
        self.counters[event.get("name", "?")] = number(event, "value") or 0
