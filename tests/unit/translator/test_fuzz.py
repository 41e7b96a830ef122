"""The fuzzers, for a few seconds each; `make fuzz` runs them for longer."""

import os
import re
import subprocess

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
BUILD = os.path.join(TOP, os.environ.get("KMV_BUILD", "build"))
CORPUS = os.path.join(TOP, "tests", "fuzz", "corpus")
SECONDS = 5


@pytest.mark.parametrize("name", ("elf", "emit", "loader"))
def test_no_input_crashes(name, tmp_path):
    seeds = os.path.join(CORPUS, name)
    assert os.listdir(seeds)
    found = tmp_path / "found"
    found.mkdir()
    fuzzer = os.path.join(BUILD, "fuzz", f"fuzz_{name}")
    result = subprocess.run(
        [fuzzer, f"-max_total_time={SECONDS}", "-timeout=10", "-rss_limit_mb=1024", "-malloc_limit_mb=256", "-verbosity=0",
         "-print_final_stats=1", f"-artifact_prefix={tmp_path}/", found, seeds],
        check=False, capture_output=True, text=True, errors="replace", timeout=60 + 10 * SECONDS)
    assert result.returncode == 0, result.stderr
    executed = re.search(r"stat::number_of_executed_units: (\d+)", result.stderr)
    assert int(executed[1]) > len(os.listdir(seeds))
