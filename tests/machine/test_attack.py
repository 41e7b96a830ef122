"""Hostile guests (guests/): each attempt gets the answer it has to get, and the hypervisor lives."""

import os
import re

import pytest

from guestkit import guest_options
from machine import run

LEAST_ROWS = 40
LONG = "KMV_LONG" in os.environ
MODELS = ["corei7_sandy_bridge_2600k", "corei7_haswell_4770", "corei7_skylake_x", "corei7_icelake_u"]
X2APIC_MODELS = MODELS[1:]
# `make attack` runs all of them; the short form the least machine and the default one.
TABLE_RUNS = [(model, mirrored) for model in MODELS for mirrored in (True, False)]
SHORT_TABLE_RUNS = [("corei7_sandy_bridge_2600k", False), ("corei7_icelake_u", True)]
STOP_MODELS = MODELS if LONG else ["corei7_icelake_u"]
FUZZ_CALLS = int(os.environ.get("KMV_FUZZ_CALLS", "20000"))
FUZZ_SEED = int(os.environ.get("KMV_FUZZ_SEED", "1"))

ROW = re.compile(r"^attack (\S+) ring=([03]) expected=(\S+) got=(\S+)$", re.MULTILINE)

# The attempt (guests/stops.c), and what the hypervisor says when it stops the guest for it.
STOPS = {
    "read_beyond_ram": {"reason": "unmapped_memory", "gpa": "0x8000000", "access": "r"},
    "write_beyond_ram": {"reason": "unmapped_memory", "gpa": "0x8000000", "access": "w"},
    "read_spare_pool": {"reason": "unmapped_memory", "access": "r"},
    "write_tables_window": {"reason": "unmapped_memory", "gpa": "0xe0000000", "access": "w"},
    "write_shadow_root": {"reason": "unmapped_memory", "gpa": "0xe0001000", "access": "w"},
    "run_device": {"reason": "unmapped_memory", "gpa": "0xfee00000", "access": "x"},
    "conflict": {"reason": "mirror_conflict"},
    "root_beyond_ram": {"reason": "bad_page_directory"},
    "table_beyond_ram": {"reason": "unmapped_memory", "access": "r"},
    "wrapped_large_page": {"reason": "unmapped_memory", "gpa": "0x100000000", "access": "r"},
    "triple_fault": {"reason": "triple_fault"},
    "stack_lost": {"reason": "triple_fault"},
    "keyboard_reset": {"reason": "guest_reset", "port": "0x64"},
    "output_port_reset": {"reason": "guest_reset", "port": "0x60"},
    "reset_control": {"reason": "guest_reset", "port": "0xcf9"},
    "pae": {"reason": "unsupported"},
    "string_on_denied_port": {"reason": "unsupported", "port": "0x2f8"},
    "lost_page": {"reason": "page_lost", "gpage": "0x400000"},
}
SHORT_STOPS = ["write_tables_window", "output_port_reset"]


def check_alive(result):
    """The hypervisor came to its own end: a summary, no panic, and a map that leads to the guest's own memory alone."""
    assert len(result.named("summary")) == 1, result.messages
    assert not result.named("panic")
    (isolation,) = result.named("isolation")
    assert int(isolation["leaves"]) > 0 and int(isolation["wrong"]) == 0


@pytest.mark.parametrize("model, mirrored", TABLE_RUNS if LONG else SHORT_TABLE_RUNS)
def test_table(tmp_path, model, mirrored):
    result = run(tmp_path, *guest_options(tmp_path, "attack", mirrored, model))
    rows = ROW.findall(result.console)
    assert len(rows) >= LEAST_ROWS, result.console + result.messages
    assert [row for row in rows if row[2] != row[3]] == []
    assert rows[-1][0] == ("x2apic_same" if model in X2APIC_MODELS else "x2apic_enable_and_off")  # which is tried last
    check_alive(result)
    assert result.named("summary")[0]["end"] == "poweroff"
    assert result.status == 0, result.messages


@pytest.mark.parametrize("model", STOP_MODELS)
@pytest.mark.parametrize("name", STOPS if LONG else SHORT_STOPS)
def test_stop(tmp_path, name, model):
    result = run(tmp_path, *guest_options(tmp_path, "stops", True, model), "--cmdline", name)
    assert "survived" not in result.console
    (stop,) = result.named("guest_stop")
    assert {key: stop.get(key) for key in STOPS[name]} == STOPS[name], result.messages
    check_alive(result)
    assert result.status == 6, result.messages


# The row that comes last, mirrored or not: all of them were tried.
LAST_ROWS = {("modes", False): "apic_timer", ("modes", True): "apic_timer", ("tasks", False): "virtual_8086", ("tasks", True): "both_copies"}
SHORT_KERNEL_RUNS = [("modes", "corei7_sandy_bridge_2600k", False), ("tasks", "corei7_sandy_bridge_2600k", False), ("tasks", "corei7_icelake_u", True)]
KERNEL_RUNS = [(name, model, mirrored) for name in ("modes", "tasks") for model, mirrored in TABLE_RUNS]


@pytest.mark.parametrize("name, model, mirrored", KERNEL_RUNS if LONG else SHORT_KERNEL_RUNS)
def test_kernel(tmp_path, name, model, mirrored):
    """What kernels other than the project's own use. Modes: real mode, virtual-8086, PAE, 4-level paging, timers. Tasks: task switches."""
    result = run(tmp_path, *guest_options(tmp_path, name, mirrored, model))
    rows = ROW.findall(result.console)
    assert LAST_ROWS[name, mirrored] == rows[-1][0], result.console + result.messages
    assert [row for row in rows if row[2] != row[3]] == []
    check_alive(result)
    assert result.status == 0, result.messages


def test_hypercalls(tmp_path):
    options = guest_options(tmp_path, "fuzz", True, "corei7_icelake_u")
    command = f"seed={FUZZ_SEED} calls={FUZZ_CALLS}"
    result = run(tmp_path, *options, "--mem", "8", "--cmdline", command, timeout=300 + FUZZ_CALLS // 500)
    assert "fuzz failed" not in result.console, result.console
    (told,) = re.findall(r"^fuzz calls=(\S+) ring3=(\S+) unknown=(\S+)$", result.console, re.MULTILINE)
    calls, user, unknown = (int(text, 16) for text in told)
    assert calls == FUZZ_CALLS
    assert user > calls // 3 and unknown > calls // 10
    check_alive(result)
    assert result.status == 0, result.messages
