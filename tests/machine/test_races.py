"""Processors that write to the same memory at once: what differs afterwards, what settles it, and what never differs."""

import os
import re
import subprocess

import pytest
from machine import BUILD, run
from test_processors import check_processors

KERNBASE = 0x80000000
PAGE = 4096


def page_of(name):
    """Guest-physical page of a variable of the translated kernel."""
    kernel = os.path.join(BUILD, "guest", "mirror-38000000", "kernel.elf")
    listing = subprocess.run(["nm", kernel], capture_output=True, text=True, check=True).stdout
    return next(int(line.split()[0], 16) for line in listing.splitlines() if line.split()[-1] == name) - KERNBASE


def found(pattern, console):
    """The numbers of each line that is like this."""
    return [tuple(map(int, numbers)) for numbers in re.findall(f"^race: {pattern}$", console, re.MULTILINE)]


@pytest.mark.parametrize("processors", [2, 4])
def test_racing_stores_are_settled(tmp_path, processors):
    commands = f"race {processors} 2; race {processors} 1; mirrorstat; verify"
    result = run(tmp_path, "--platform", "bochs", "--smp", str(processors), "--mem", "16", "--exec", commands, timeout=900)
    assert result.status == 0, result.messages
    check_processors(result, processors)

    # The racers do race: the kernel finds bytes whose mirrors are others. Settled, all pages are equal.
    settled = found(r"differing=(\d+) raced=(\d+) left=(\d+)", result.console)
    print(settled)
    assert len(settled) == 2 and sum(raced for _, raced, _ in settled) > 0
    assert all(pages == (raced > 0) and left == 0 for pages, raced, left in settled)
    # Where nothing was settled, what comes back from the mirror are bytes that some racer had stored.
    lost = found(r"differing=(\d+) changed=(-?\d+) left=(\d+)", result.console)
    print(lost)
    assert len(lost) == 2 and all(pages == (changed > 0) and changed >= 0 and left == 0 for pages, changed, left in lost)
    # Stores through pages that change their frames meanwhile.
    assert found(r"moved left=(\d+)", result.console) == [(0,), (0,)]

    # Only where processors store without a lock to the same words: locked writes never differ, nor do bytes side by side.
    plain = page_of("race_plain")
    differing = {int(event["gpa"], 16) // PAGE * PAGE for name in ("raced", "verify_diff") for event in result.named(name)}
    assert differing == {plain}
    assert result.value("raced") == len(result.named("raced")) == sum(raced > 0 for _, raced, _ in settled)
    assert [event["differing"] for event in result.named("settle")] == ["0"] * 4
    assert result.named("verify")[-1]["differing"] == "0"
