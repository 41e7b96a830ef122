"""Runs machines through scripts/kmv, as people do, and reads what they leave behind."""

import os
import subprocess
import sys
from dataclasses import dataclass

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("KMV_BUILD", "build"))
# The hypervisor with what only tests order (hypervisor/).
TEST_HYPERVISOR = os.path.join(BUILD, "hv", "hv-test.elf")
KMV = os.path.join(TOP, "scripts", "kmv")

sys.path.insert(0, os.path.join(TOP, "scripts"))

from kmvlib import hvlog  # noqa: E402 (the path has to be set first)

# Of one run. Alone, Bochs starts in 15 s; a machine with more work than processors takes a few times that.
RUN_SECONDS = 300


@dataclass
class Result:
    """A finished run: exit status, console, kmv's own messages, the log's events."""

    status: int
    console: str
    messages: str
    events: list

    def named(self, event):
        """The events of one name, in order."""
        return [entry for entry in self.events if entry["event"] == event]

    def costs(self, kind):
        """Of exits of a kind: how many there were, the ticks below which 50, 99 and 100 % of them lie, and the distribution."""
        text = next(event["distribution"] for event in self.named("cost") if event["kind"] == kind)
        buckets = [tuple(map(int, pair.split(":"))) for pair in text.split()]
        ticks = [below for below, count in buckets for _ in range(count)]
        return {"count": len(ticks), **{f"p{part}": ticks[-(-len(ticks) * part // 100) - 1] for part in (50, 99, 100)}, "distribution": text}

    def value(self, name):
        """A counter as the guest's mirrorstat printed it last."""
        values = [line.split("=")[1] for line in self.console.splitlines() if line.startswith(f"{name}=")]
        return int(values[-1])


def command_line(folder, *options, timeout=RUN_SECONDS):
    """The command of a run whose log goes to `folder`."""
    return [KMV, "run", "--build", BUILD, "--log", str(folder / "hv.log"), "--timeout", str(timeout), *options]


def run(folder, *options, text="", timeout=RUN_SECONDS):
    """Runs a machine to its end, `text` its standard input."""
    done = subprocess.run(
        command_line(folder, *options, timeout=timeout),
        input=text,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=timeout + 60,
        check=False,
    )
    return Result(done.returncode, done.stdout, done.stderr, read_events(folder / "hv.log"))


def read_events(log):
    """The events of a log file; none if there is no file."""
    if not log.exists():
        return []
    return hvlog.parse_log(log.read_text(encoding="ascii", errors="replace"))
