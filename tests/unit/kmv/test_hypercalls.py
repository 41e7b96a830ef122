"""The header's hypercalls against their document."""

import os
import re
import subprocess

import pytest

from conftest import TOP
from kmvlib import hypercalls

HEADER = hypercalls.read(hypercalls.HEADER)
DOCUMENT = hypercalls.read(hypercalls.DOCUMENT)


def test_header_and_document_agree():
    assert hypercalls.differences(HEADER, DOCUMENT) == []


def test_everything_was_found():
    numbers = [call.number for call in hypercalls.header_calls(HEADER).values()]
    assert len(numbers) == len(re.findall(r"KMV_HC_\w+ = ", HEADER))
    assert numbers == sorted(set(numbers)) and numbers[0] == 0
    assert len(hypercalls.header_counters(HEADER)) == HEADER.count("    X(")


@pytest.mark.parametrize(
    "old, new, said",
    [
        ("| 3 | `KMV_HC_POISON`", "| 9 | `KMV_HC_POISON`", "KMV_HC_POISON: number 3 in"),
        ("| 4 | `KMV_HC_VERIFY`", "| 4 | `KMV_HC_VERITY`", "KMV_HC_VERIFY: in hv"),
        ("| 4 | `KMV_HC_VERIFY`", "| 4 | `KMV_HC_VERITY`", "KMV_HC_VERITY: in docs"),
        ("-114: bad already", "bad already", "KMV_HC_POISON: error -114 in hv"),
        ("does not return |", "-5: never |", "KMV_HC_POWEROFF: error -5 in docs"),
        ("| `spare_free` |", "| `spare` |", "counter spare_free: in hv"),
        ("| `spare_free` |", "| `spare` |", "counter spare: in docs"),
        ("`shadow_roots`, `mirror_tables`", "`mirror_tables`, `shadow_roots`", "counters: order"),
    ],
)
def test_a_difference_is_told(old, new, said):
    assert old in DOCUMENT
    lines = hypercalls.differences(HEADER, DOCUMENT.replace(old, new))
    assert any(line.startswith(said) for line in lines), lines


def test_commands():
    kmv = os.path.join(TOP, "scripts", "kmv")
    check = subprocess.run([kmv, "hypercalls", "--check"], capture_output=True, text=True, check=False)
    assert check.returncode == 0 and check.stdout.endswith(": ok\n"), check
    listed = subprocess.run([kmv, "hypercalls"], capture_output=True, text=True, check=True).stdout.splitlines()
    assert [line.split("\t")[1] for line in listed] == list(hypercalls.header_calls(HEADER))
