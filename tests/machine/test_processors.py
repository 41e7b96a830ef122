"""The translated guest on several processors, mirrored: copies stay equal, lost pages come back, wherever they are used."""

import re

import pytest
from machine import run
from test_recovery import check_recoveries, check_verified

COMMANDS = "inject 50 1; forktest; inject 50 2; usertests pipe links fork-copies; verify; mirrorstat"


def check_processors(result, count):
    """Each came up, and was started by the guest once."""
    (event,) = result.named("processors")
    assert event["running"] == str(count)
    assert f"{count} cpu(s)" in result.console
    assert sorted(event["cpu"] for event in result.named("startup")) == [str(cpu) for cpu in range(1, count)]
    (isolation,) = result.named("isolation")
    assert isolation["wrong"] == "0"


def check_order(result):
    """Lines of all processors are one sequence."""
    numbers = [int(event["seq"]) for event in result.events]
    assert numbers == list(range(len(numbers)))


@pytest.mark.parametrize("processors", [2])
def test_pages_are_lost(tmp_path, processors):
    result = run(tmp_path, "--platform", "bochs", "--smp", str(processors), "--exec", COMMANDS, timeout=900)
    assert result.status == 0, result.messages
    assert re.search(r"^usertests: 3 passed, 0 failed$", result.console, re.MULTILINE)
    check_processors(result, processors)
    check_order(result)
    check_verified(result)
    check_recoveries(result, 100)


def test_x2apic_mode(tmp_path):
    """All processors of guest and hypervisor send interrupts by registers, not through the local APIC's page."""
    commands = "inject 20 1; forktest; verify; mirrorstat"
    result = run(tmp_path, "--platform", "bochs", "--smp", "3", "--cmdline", "x2apic", "--exec", commands)
    assert result.status == 0, result.messages
    assert "lapic: x2APIC mode" in result.console
    check_processors(result, 3)
    check_verified(result)
    check_recoveries(result, 20)
