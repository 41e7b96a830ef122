"""What the mirror costs the benchmarks, in instructions on Bochs, which repeat: docs/performance.md has the goals and all figures."""

import os
import statistics
import sys

import pytest

from machine import BUILD, TOP

sys.path.insert(0, os.path.join(TOP, "tests", "bench"))

from guestrun import run_guest  # noqa: E402 (the path has to be set first)

PIECES = ("sbrk", "bigwrite", "mem", "fork")
WORST_RATIO = 1.40  # the goal for the worst of the four
MEAN_RATIO = 0.72  # what is reached, and a little room; the goal is 1.25
WRITE_INSTRUCTIONS = 500  # mean of a page-table write in the hypervisor, locks included; the goal is 600
NEW_ROOT_INSTRUCTIONS = 2900  # mean of the two CR3 loads of a fork


@pytest.fixture(scope="module")
def costs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("costs")
    command = " ".join(["bench", *PIECES])
    return {mode: run_guest(BUILD, mode, [command], str(folder / f"{mode}.log")) for mode in ("hypervisor", "mirrored")}


def per_exit(measures, reason):
    return measures[f"ticks:{reason}"] / measures[f"exits:{reason}"]


def test_ratios(costs):
    ratios = {name: costs["mirrored"][name]["ticks"] / costs["hypervisor"][name]["ticks"] for name in PIECES}
    print(ratios)
    assert max(ratios.values()) <= WORST_RATIO, ratios
    assert statistics.mean(ratios.values()) <= MEAN_RATIO, ratios


def test_page_table_write(costs):
    measures = costs["mirrored"]["sbrk"]
    assert measures["pt_writes"] > 1000
    assert per_exit(measures, "ept_violation") <= WRITE_INSTRUCTIONS


def test_new_root(costs):
    assert per_exit(costs["mirrored"]["fork"], "cr_access") <= NEW_ROOT_INSTRUCTIONS
