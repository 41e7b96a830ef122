"""Pages that are lost on both sides: the guest is told, kills whose memory it was, and goes on."""

import os
import re

import pytest
from machine import run

CASES = 15


def check_told(result, deaths):
    """Every loss that an access met was told, and answered with a fresh page."""
    told = result.named("told")
    assert len(told) == result.value("told") == result.value("lost") == len(result.named("renew"))
    assert [event["gpage"] for event in told] == [event["gpage"] for event in result.named("renew")]
    assert len(re.findall(r"^pid \d+ lose: memory page 0x[0-9a-f]+ lost, killed$", result.console, re.MULTILINE)) == deaths


def test_only_the_process_dies(tmp_path):
    result = run(tmp_path, "--exec", "lose; echo alive; verify; mirrorstat")
    assert result.status == 0, result.messages + result.console[-2000:]
    assert f"lose: {CASES} passed, 0 failed" in result.console
    # All but the case whose lost page nobody touches before it is freed.
    check_told(result, CASES - 1)
    assert "\nalive\n" in result.console
    assert re.search(r"^verify: pages=\d+ differing=0$", result.console, re.MULTILINE)


def test_kernels_own_page_panics(tmp_path):
    result = run(tmp_path, "--exec", "lose kernel")
    assert re.search(r"^panic: cpu 0: memory page 0x[0-9a-f]+ lost: it was the kernel's own, eip 0x[0-9a-f]+$", result.console, re.MULTILINE)
    assert result.status == 1 and result.named("summary")[0]["status"] == "255"


@pytest.mark.skipif("KMV_LONG" not in os.environ, reason="make test-guest runs it")
def test_guest_stops_when_it_cannot_be_told(tmp_path):
    result = run(tmp_path, "--exec", "lose kernel-stack")
    (stop,) = result.named("guest_stop")
    assert (stop["reason"], stop["cause"]) == ("page_lost", "handler_lost")
    assert result.status == 6


def test_degraded_pages_heal(tmp_path):
    result = run(tmp_path, "--spare", "1", "--exec", "inject 300 1; verify; give 30; verify; inject 10 2; verify; mirrorstat")
    assert result.status == 0, result.messages + result.console[-2000:]
    assert "give: 30 pages given" in result.console
    degraded = [event["gpage"] for event in result.named("degraded")]
    # 256 spare frames.
    assert len(degraded) == result.value("degraded") == 300 - 256
    assert sorted(degraded) == sorted(event["gpage"] for event in result.named("heal"))
    assert result.value("spare_free") == 2 * 30 - len(degraded) - 10
    assert [event["degraded"] for event in result.named("verify")] == [str(len(degraded)), "0", "0"]
    assert all(event["differing"] == event["lost"] == "0" for event in result.named("verify"))
    bad = set()
    for event in result.events:
        assert event["event"] not in ("recover", "heal") or event["new"] not in bad
        bad.add(event.get("bad"))
    assert result.named("isolation")[0]["wrong"] == "0"
