"""The translated, mirrored guest loses pages and does not notice."""

import os
import re

import pytest

from machine import TOP, run

README = os.path.join(TOP, "README.md")
TEN_TIMES_200 = "; ".join(["inject 200 7"] * 10 + ["verify", "mirrorstat"])
PAGES = 128 * 256  # of 128 MiB


def check_recoveries(result, poisoned):
    """Every poisoned page is in the log, and got a fresh frame in place of its bad one."""
    poisons = result.named("poison")
    recoveries = result.named("recover")
    assert len(poisons) == poisoned
    # verify reads every page, so that every poisoned one is touched again.
    bad = sorted((event["gpage"], event["side"], event["frame"]) for event in poisons)
    assert sorted((event["gpage"], event["side"], event["bad"]) for event in recoveries) == bad
    assert all(int(event["new"], 16) not in (0, int(event["bad"], 16)) for event in recoveries)
    assert result.value("poisoned") == result.value("recovered") == poisoned
    assert result.value("lost") == result.value("degraded") == 0


def check_verified(result):
    lines = [line for line in result.console.splitlines() if line.startswith("verify: pages=")]
    assert lines and all(line.endswith(" differing=0") for line in lines)
    pages = int(lines[-1].split()[1].split("=")[1])
    # All of guest memory but the hole below 1 MiB, give or take the firmware tables.
    assert PAGES - 256 <= pages <= PAGES


def check_counters_told(result, period):
    """A line of counters each period (in ticks), none sooner, with counters that only rise."""
    told = result.named("stats")
    assert len(told) >= 10
    for before, after in zip(told, told[1:]):
        assert int(after["tsc"]) - int(before["tsc"]) >= period
        for name in ("exits", "recovered", "hv_ticks"):
            assert int(after[name]) >= int(before[name])
    assert int(told[-1]["recovered"]) > 0 and int(told[-1]["exits"]) > int(told[0]["exits"])


def read_example():
    """The commands of README's first run, and the lines it prints, from kmv and from the guest."""
    with open(README, encoding="utf-8") as file:
        commands, output = re.search(r"^\$ scripts/kmv run --exec '(.*)'\n((?:.+\n)*)", file.read(), re.MULTILINE).groups()
    *lines, last = output.splitlines()
    assert last == "```"
    told = [line for line in lines if line.startswith("kmv: ")]
    return commands, told, [line for line in lines if line not in told]


@pytest.mark.parametrize("model", ["corei7_icelake_u", "corei7_sandy_bridge_2600k"])
def test_fifty_pages(tmp_path, model):
    commands, told, console = read_example()
    result = run(tmp_path, "--platform", "bochs", "--cpu", model, "--exec", f"{commands}; mirrorstat")
    assert result.status == 0, result.messages
    assert result.messages.splitlines() == told
    assert result.console.splitlines()[: len(console) - 1] == console[:-1] and console[-1] == "$ poweroff"
    check_verified(result)
    check_recoveries(result, 50)
    assert result.named("summary")[0]["status"] == "0"


def test_two_hundred_pages_ten_times(tmp_path):
    result = run(tmp_path, "--stats", "0.5", "--exec", TEN_TIMES_200, timeout=500)
    assert result.status == 0, result.messages
    assert result.console.count("inject: 200 pages poisoned") == 10
    check_verified(result)
    check_recoveries(result, 2000)
    check_counters_told(result, 25_000_000)
