"""The guest's own tests: bare on several processors, under the hypervisor, mirrored, and while pages are lost."""

import os
import re

import pytest
from machine import run

OFF = ("--translate", "off", "--mirror", "off")
ALL = "forktest; stressfs; usertests"
LONG_SECONDS = 3600

# The whole suite takes minutes on an emulated VT-x: `make test-guest` runs it, `make test` a part of it.
PART = "sbrk-shrink pipe exec-many-arguments links fork-copies kernel-memory"
long_run = pytest.mark.skipif("KMV_LONG" not in os.environ, reason="make test-guest runs it")


def check(result, tests=None):
    """Every test passed, and as many as asked for were run."""
    assert result.status == 0, result.messages + result.console[-2000:]
    (counts,) = re.findall(r"^usertests: (\d+) passed, (\d+) failed$", result.console, re.MULTILINE)
    assert int(counts[1]) == 0, result.console
    assert int(counts[0]) >= (tests or 80)


def check_all(result):
    """As check, with forktest and stressfs before it."""
    check(result)
    assert re.search(r"^forktest: OK", result.console, re.MULTILINE)
    assert re.search(r"^stressfs: done", result.console, re.MULTILINE)


def check_copies(result):
    """Nothing was lost, and the two copies are equal."""
    assert re.search(r"^verify: pages=\d+ differing=0$", result.console, re.MULTILINE), result.console[-2000:]
    assert not result.named("lost")
    assert not result.named("degraded")


def make_folder(parent, name):
    """A folder of its own for one of several runs."""
    folder = parent / name
    folder.mkdir()
    return folder


def guest_time(result):
    """Emulated time of the guest, in instructions: Bochs counts one tick each, idle ones too."""
    (start,), (end,) = result.named("guest_start"), result.named("summary")
    return int(end["tsc"]) - int(start["tsc"])


@pytest.mark.parametrize("processors", [1, 2, 4])
def test_bare(tmp_path, processors):
    check_all(run(tmp_path, "--platform", "bare-tcg", "--smp", str(processors), "--exec", ALL, timeout=900))


def test_part_mirrored_while_pages_are_lost(tmp_path):
    result = run(tmp_path, "--exec", f"usertests --inject 5 {PART}; verify", timeout=900)
    check(result, len(PART.split()))
    check_copies(result)
    assert len(result.named("poison")) == 5 * len(PART.split())


@long_run
def test_whole_without_and_with_mirror(tmp_path):
    without = run(make_folder(tmp_path, "without"), *OFF, "--exec", ALL, timeout=LONG_SECONDS)
    check_all(without)
    mirrored = run(make_folder(tmp_path, "mirrored"), "--exec", f"{ALL}; verify", timeout=LONG_SECONDS)
    check_all(mirrored)
    check_copies(mirrored)
    print(f"emulated time: {guest_time(without)} without mirror, {guest_time(mirrored)} mirrored")
    assert guest_time(mirrored) <= 2.0 * guest_time(without)


@long_run
@pytest.mark.parametrize("processors", [1, 2, 4])
def test_whole_mirrored_while_pages_are_lost(tmp_path, processors):
    commands = "inject 5; forktest; inject 5; stressfs; usertests --inject 5; verify"
    result = run(tmp_path, "--smp", str(processors), "--exec", commands, timeout=LONG_SECONDS * processors)
    check_all(result)
    check_copies(result)
    assert len(result.named("poison")) >= 400
