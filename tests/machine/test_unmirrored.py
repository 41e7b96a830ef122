"""Without a mirror the same guest runs, and a poisoned page stops it: it never reads garbage."""

import re

from machine import run

OFF = ("--translate", "off", "--mirror", "off")


def test_runs(tmp_path):
    result = run(tmp_path, *OFF, "--exec", "echo hello; ls; mirrorstat")
    assert result.status == 0, result.messages
    assert "\nhello\n" in result.console
    assert result.value("poisoned") == result.value("mirror_tables") == 0
    assert result.named("boot")[0]["mirror"] == "off"


def test_poisoned_page_stops_it(tmp_path):
    # Of so many pages in use one is touched soon; usertests touches the rest. Which one comes first
    # hangs on when the line was typed: the guest panics, or loses what it needs to do so, and is stopped.
    result = run(tmp_path, *OFF, "--exec", "inject 200 1; usertests; echo survived")
    assert "survived\n" not in result.console.replace("echo survived\n", "")
    if result.status == 1:
        lost = re.search(r"^panic: cpu 0: memory page (0x[0-9a-f]+) lost: ", result.console, re.MULTILINE)[1]
    else:
        assert result.status == 6, result.messages
        (stop,) = result.named("guest_stop")
        lost = stop["gpage"]
        assert lost in result.messages
    assert lost in {event["gpage"] for event in result.named("poison")}
    assert not result.named("recover")
