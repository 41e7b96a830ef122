"""Without a mirror the same guest runs, and a poisoned page stops it: it never reads garbage."""

from machine import run

OFF = ("--translate", "off", "--mirror", "off")


def test_runs(tmp_path):
    result = run(tmp_path, *OFF, "--exec", "echo hello; ls; mirrorstat")
    assert result.status == 0, result.messages
    assert "\nhello\n" in result.console
    assert result.value("poisoned") == result.value("mirror_tables") == 0
    assert result.named("boot")[0]["mirror"] == "off"


def test_poisoned_page_stops_it(tmp_path):
    # Of so many pages in use one is touched soon; usertests touches the rest.
    result = run(tmp_path, *OFF, "--exec", "inject 200 1; usertests; echo survived")
    assert result.status == 6, result.messages
    assert "survived\n" not in result.console.replace("echo survived\n", "")
    (stop,) = result.named("guest_stop")
    poisoned = {event["gpage"] for event in result.named("poison")}
    assert stop["gpage"] in poisoned
    assert stop["gpage"] in result.messages
    assert not result.named("recover")
