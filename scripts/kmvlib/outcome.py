"""How a run ended, and what kmv says about it."""

from dataclasses import dataclass

from kmvlib import errors

# Seconds of silence on COM2 after which an announced end is complete, for machines that do not stop by themselves.
QUIET_SECONDS = {"panic": 1.0, "guest_stop": 1.0, "refuse": 0.3, "summary": 1.0}


@dataclass
class End:
    """An end of the machine: exit status of kmv, and the line that says why ("" for a clean one)."""

    status: int
    message: str


class Outcome:
    """Collects what the log tells about the end. The first end that is told counts; a summary only closes it."""

    def __init__(self):
        self.end = None
        self.quiet_seconds = None

    def event(self, line, pairs):
        name = pairs["event"]
        if name == "policy" and pairs.get("action") == "restart":
            # The machine goes on with another guest, whose end counts.
            self.end = self.quiet_seconds = None
            return
        if name not in QUIET_SECONDS:
            return
        self.quiet_seconds = QUIET_SECONDS[name]
        if self.end is None:
            self.end = TELLERS[name](line, pairs)

    def loader_error(self, text):
        self.quiet_seconds = 0.3
        self.end = self.end or End(errors.REFUSED, f"loader: {text}")

    def powered_off(self, status):
        """The guest ended the machine itself, with `status`."""
        self.end = self.end or power_off_end(status)

    def timed_out(self, seconds):
        self.end = End(errors.TIMED_OUT, f"time-out: still running after {seconds:g} s: allow more with --timeout")

    def vanished(self, stage, diagnosis):
        """The machine ended, nobody had told why, and it had come as far as `stage`, a key of VANISHED."""
        if self.end is None:
            status, message = VANISHED[stage]
            self.end = End(status, f"{message}: {diagnosis}" if diagnosis else message)


VANISHED = {
    "firmware": (errors.REFUSED, "the machine ended before anything ran on it"),
    "hypervisor": (errors.HYPERVISOR_PANIC, "the machine ended without the hypervisor's summary"),
    "guest": (errors.GUEST_STOPPED, "the machine ended, but the guest did not power it off"),
}


def power_off_end(status):
    if status == 0:
        return End(errors.OK, "")
    return End(errors.GUEST_FAILED, f"the guest powered off with status {status}")


def told_summary(line, pairs):
    try:
        return power_off_end(int(pairs["status"], 0))
    except (KeyError, ValueError):
        return End(errors.HYPERVISOR_PANIC, f"the hypervisor's summary has no status: {line}")


def told_refusal(line, pairs):
    missing = pairs.get("missing")
    return End(errors.REFUSED, f"refused: this machine lacks: {missing}" if missing else f"refused: {line}")


def told_panic(line, pairs):
    del pairs
    return End(errors.HYPERVISOR_PANIC, f"hypervisor panic: {line}")


def told_guest_stop(line, pairs):
    del pairs
    return End(errors.GUEST_STOPPED, f"guest stopped: {line}")


TELLERS = {
    "summary": told_summary,
    "refuse": told_refusal,
    "panic": told_panic,
    "guest_stop": told_guest_stop,
}
