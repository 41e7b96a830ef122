"""The hypervisor broken on purpose, each way once: what it says of its end, and what it does then."""

import os
import re

import pytest

from guestkit import build_guest
from machine import TEST_HYPERVISOR, run

# The number in hypervisor/failure.c; what the panic's message holds; the function that the trace begins in, inlined or not.
PANICS = {
    "exception": (0, "exception vector=6 ", "test_failure"),
    "page_fault": (1, "exception vector=14 error=0x0 ", "read_nowhere"),
    "stack_overflow": (2, "stack overflow vector=8 ", "recurse"),
    "panic": (3, "asked for", "test_failure"),
    "entry_control": (6, "error=7 flags=0x42: VM entry with invalid control field(s)", "entry_failed"),
    "entry_host": (7, "error=8 flags=0x42: VM entry with invalid host-state field(s)", "entry_failed"),
}
# The number; what the guest is stopped for; the field that a failed VM entry names.
STOPS = {
    "entry_flags": (4, {"reason": "entry_failed", "exit": "entry_guest_state"}, "GUEST_RFLAGS"),
    "entry_code_segment": (5, {"reason": "entry_failed", "exit": "entry_guest_state"}, "GUEST_CS_ACCESS_RIGHTS"),
    "unknown_exit": (8, {"reason": "unhandled_exit", "number": "16"}, None),
    "triple_fault": ("triple", {"reason": "triple_fault"}, None),
}
# `make attack` forces all of them.
LONG = "KMV_LONG" in os.environ
SHORT = {"stack_overflow", "entry_host", "entry_flags"}

FIELDS = {"entry_control": "CR3_TARGET_COUNT", "entry_host": "HOST_CS_SELECTOR"}
GUEST_STATE = {"GUEST_RIP", "GUEST_CR0", "GUEST_CR3", "GUEST_RFLAGS", "GUEST_CS_ACCESS_RIGHTS", "GUEST_IDTR_BASE"}


def boot(folder, number, *options):
    kernel = build_guest(folder, "faults", False)
    machine = ("--platform", "bochs", "--mirror", "off", "--guest", kernel, "--cmdline", str(number))
    return run(folder, *machine, "--hypervisor", TEST_HYPERVISOR, *options)


def dumped_fields(result):
    return {event["field"] for event in result.named("guest_state") if "field" in event}


def check_entry(result, field):
    (check,) = result.named("entry_check")
    assert check["field"] == field
    assert check["rule"].startswith("SDM vol. 3C, 27.")


def chosen(names):
    return [name for name in names if LONG or name in SHORT]


@pytest.mark.parametrize("name", chosen(PANICS))
def test_panic(tmp_path, name):
    number, message, function = PANICS[name]
    result = boot(tmp_path, number)
    (event,) = result.named("panic")
    assert message in event["message"]
    assert result.status == 3, result.messages
    frames = [line for line in result.messages.splitlines() if "kmv:   0x" in line]
    assert re.search(rf"\b{function}\b", frames[0])
    assert " hv_main+" in frames[-2] and " hv_entry+" in frames[-1]
    assert GUEST_STATE | {"HOST_RIP", "PRIMARY_CONTROLS"} <= dumped_fields(result)
    if "vector=" in message:
        assert {event["register"] for event in result.named("hv_state") if "register" in event} >= {"rax", "rbp", "r15"}
    if name in FIELDS:
        check_entry(result, FIELDS[name])
    assert [event["action"] for event in result.named("policy")] == ["off"]


@pytest.mark.parametrize("name", chosen(STOPS))
def test_guest_stop(tmp_path, name):
    number, expected, field = STOPS[name]
    result = boot(tmp_path, number)
    (stop,) = result.named("guest_stop")
    assert {key: stop.get(key) for key in expected} == expected
    assert result.status == 6, result.messages
    assert GUEST_STATE <= dumped_fields(result)
    assert "kmv:   0x" in result.messages
    if field:
        check_entry(result, field)
    assert [event["action"] for event in result.named("policy")] == ["off"]


def test_restart(tmp_path):
    """The machine starts again, and the guest that runs then ends well."""
    result = boot(tmp_path, "triple", "--on-stop", "restart")
    assert [event["action"] for event in result.named("policy")] == ["restart"]
    assert [event["end"] for event in result.named("summary")] == ["guest_stop", "poweroff"]
    assert "restarted" in result.console
    assert result.status == 0, result.messages
