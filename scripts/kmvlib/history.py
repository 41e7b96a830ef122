"""What the events of one run's log add up to: states, counts, and how long pages stayed bad."""

from collections import Counter, deque

# Events that hold figures or a failure's registers; all others a person following a run wants to see as they are.
FIGURES = ("stats", "exits", "counter", "cost", "memory", "isolation", "guest_state", "hv_state", "trace")
ANSWERS = ("recover", "degraded", "lost")
LAST_EVENTS = 8
LAST_RATES = 40
ENDINGS = {"summary": "ended", "guest_stop": "stopped", "panic": "panic", "refuse": "refused"}
PAGE_BYTES = 4096


def number(event, key):
    """The value of `key` as a number, decimal or 0x...; None where there is none."""
    try:
        return int(event[key], 0)
    except (KeyError, ValueError):
        return None


class History:
    """Takes events (dictionaries of kmvlib.hvlog) in order. Those it does not know are counted and kept like the others."""

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
        self.costs = {}  # by kind, from the run's end: how many exits by upper limit of their ticks
        self.counters = {}  # as last told
        self.samples = []  # (tsc, counters) of the start, where all are 0, and of each event=stats
        self.spare_total = None  # frames
        self.spare_free = None
        self.compared = self.differing = None  # pages of the last verify
        self.last = deque(maxlen=LAST_EVENTS)
        self.bad_since = {}  # tsc by (gpage, side) of what is not answered yet

    def take(self, event):
        name = event["event"]
        self.clock = number(event, "tsc") or 0
        self.started = self.clock if self.started is None else self.started
        self.events += 1
        self.counts[name] += 1
        if name not in FIGURES:
            self.last.append(event)
        handler = getattr(self, f"take_{name}", None)
        if handler:
            handler(event)
        # A stop is the reason of the summary after it, which must not hide it.
        if name in ENDINGS and self.state not in ENDINGS.values():
            self.state = ENDINGS[name]

    def take_boot(self, event):
        # A machine that restarts tells a new story: what was bad is gone.
        self.bad_since.clear()
        self.boot = event
        size = number(event, "spare_size")
        self.spare_total = self.spare_free = size // PAGE_BYTES if size is not None else None
        self.state = "starting"

    def take_guest_start(self, event):
        del event
        self.state = "running"
        self.samples.append((self.clock, {}))

    def take_poison(self, event):
        self.bad_since[event.get("gpage"), event.get("side")] = self.clock

    def take_recover(self, event):
        self.answer(event)
        if self.spare_free:
            self.spare_free -= 1
        since = self.bad_since.pop((event.get("gpage"), event.get("side")), None)
        if since is not None:
            self.latencies.append(self.clock - since)

    def take_renew(self, event):
        """A lost page that the guest got back empty: two frames."""
        del event
        if self.spare_free:
            self.spare_free -= 2

    def take_give(self, event):
        """The guest does without a page: its two frames are spare ones."""
        del event
        self.spare_free = (self.spare_free or 0) + 2

    def take_heal(self, event):
        """A degraded page has a second copy again."""
        del event
        if self.spare_free:
            self.spare_free -= 1

    def take_degraded(self, event):
        self.answer(event)
        self.bad_since.pop((event.get("gpage"), event.get("side")), None)

    def take_lost(self, event):
        """Of both sides, whichever was met."""
        self.answer(event)
        for side in ("native", "mirror"):
            self.bad_since.pop((event.get("gpage"), side), None)

    def answer(self, event):
        self.answers.append((self.clock, event["event"]))
        self.kinds[event["event"], event.get("side", "?"), event.get("cause", "?")] += 1

    def take_verify(self, event):
        self.compared, self.differing = number(event, "pages"), number(event, "differing")

    def take_stats(self, event):
        values = {key: number(event, key) for key in event if key not in ("seq", "tsc", "event")}
        values = {key: value for key, value in values.items() if value is not None}
        self.samples.append((self.clock, values))
        self.counters.update(values)
        self.spare_free = values.get("spare_free", self.spare_free)

    def take_exits(self, event):
        self.exits[event.get("reason", "?")] = number(event, "count") or 0

    def take_cost(self, event):
        pairs = (pair.split(":") for pair in event.get("distribution", "").split())
        self.costs[event.get("kind", "?")] = {int(limit): int(count) for limit, count in pairs}

    def take_counter(self, event):
        name, value = event.get("name", "?"), number(event, "value") or 0
        self.counters[name] = value
        if name == "spare_free":
            self.spare_free = value

    def rates(self, name):
        """(tsc, increase of a counter for each million ticks) from one line of counters to the next."""
        pairs = zip(self.samples, self.samples[1:])
        return [
            (after, (new[name] - old.get(name, 0)) * 1e6 / (after - before))
            for (before, old), (after, new) in pairs
            if after > before and name in new
        ]
