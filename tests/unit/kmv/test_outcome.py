"""What a run's end is called."""

import json

import pytest

from kmvlib.bochs import Bochs
from kmvlib.hvlog import parse_event
from kmvlib.outcome import Outcome
from kmvlib.qemu import BareQemu, Monitor


def outcome_of(*lines):
    outcome = Outcome()
    for line in lines:
        line = f"seq=1 tsc=2 event={line}"
        outcome.event(line, parse_event(line))
    return outcome


@pytest.mark.parametrize(
    "lines, status, word",
    [
        (["boot", "summary end=poweroff status=0"], 0, ""),
        (["summary end=poweroff status=7"], 1, "status 7"),
        (["summary end=poweroff"], 3, "no status"),
        (['refuse missing="EPT, VPID"', "summary status=0"], 5, "EPT, VPID"),
        (['panic message="impossible"'], 3, "impossible"),
        (["guest_stop reason=lost gpage=0x5000", "summary end=guest_stop status=0"], 6, "0x5000"),
        (["guest_stop reason=lost", "panic message=late"], 6, "lost"),
    ],
)
def test_events(lines, status, word):
    outcome = outcome_of(*lines)
    assert outcome.end.status == status
    assert word in outcome.end.message
    assert outcome.quiet_seconds is not None


def test_other_events_are_no_end():
    outcome = outcome_of("boot", "poison gpage=0x1000", "recover gpage=0x1000")
    assert outcome.end is None and outcome.quiet_seconds is None


def test_after_a_restart_the_next_end_counts():
    outcome = outcome_of("guest_stop reason=lost", "summary end=guest_stop status=0", "policy action=restart")
    assert outcome.end is None and outcome.quiet_seconds is None
    assert outcome_of("guest_stop reason=lost", "policy action=off").end.status == 6


def test_loader_error():
    outcome = Outcome()
    outcome.loader_error("kernel.elf: not an ELF file")
    assert (outcome.end.status, outcome.end.message) == (5, "loader: kernel.elf: not an ELF file")


@pytest.mark.parametrize("stage, status", [("firmware", 5), ("hypervisor", 3), ("guest", 6)])
def test_an_end_without_words(stage, status):
    outcome = Outcome()
    outcome.vanished(stage, "last line")
    assert outcome.end.status == status and outcome.end.message.endswith(": last line")


def test_an_announced_end_is_kept():
    outcome = outcome_of("summary status=0")
    outcome.vanished("hypervisor", "")
    assert outcome.end.status == 0


@pytest.mark.parametrize(
    "exit_status, messages, status",
    [
        (1, [{"return": {}}], 0),
        (7, [{"return": {}}], 3),
        (1, [], None),
        (0, [{"return": {}}, {"event": "SHUTDOWN", "data": {"reason": "guest-shutdown"}}], 0),
        (0, [{"return": {}}, {"event": "SHUTDOWN", "data": {"reason": "guest-reset"}}], None),
        (-9, [{"return": {}}], None),
        (0, [{"return": {}}], None),
    ],
)
def test_how_a_bare_machine_ended(exit_status, messages, status):
    machine = BareQemu(None, "kernel.elf", "", [], 1)
    for message in messages:
        machine.monitor.feed(json.dumps(message).encode() + b"\r\n")
    assert machine.power_off_status(exit_status) == status
    machine.monitor.channel.close()


def test_bochs_status_says_nothing():
    assert Bochs(None, interactive=False).power_off_status(1) is None


def test_a_machine_that_qemu_holds_is_told():
    monitor = Monitor()
    monitor.feed(b'{"QMP": {"version": {}}}\r\n{"event": "ST')
    assert not monitor.stopped
    monitor.feed(b'OP"}\r\n')
    assert monitor.stopped
    monitor.channel.close()
