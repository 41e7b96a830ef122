"""A short campaign of faults; `make campaign` runs the long one."""

import os
import re
import subprocess
import sys

from machine import BUILD, TOP, hvlog

FAULTS = 200
RESULT = f"injected={FAULTS} recovered={FAULTS} lost=0 wrong_bytes=0 diffs=0"
KINDS = 12


def campaign(seed):
    command = [sys.executable, os.path.join(TOP, "tests", "campaign", "campaign.py"), "--build", os.path.relpath(BUILD, TOP)]
    done = subprocess.run(
        [*command, "--faults", str(FAULTS), "--seed", str(seed), "--jobs", "1"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_two_hundred_faults():
    output = campaign(1)
    print(output)
    assert output.splitlines()[-1] == RESULT
    kinds = dict(re.findall(r"^kind (\w+): (\d+),", output, re.MULTILINE))
    assert len(kinds) == KINDS and sum(map(int, kinds.values())) == FAULTS
    with open(os.path.join(BUILD, "campaign", "seed-1", "machine-000", "hv.log"), encoding="ascii") as log:
        faults = [event for event in hvlog.parse_log(log.read()) if event["event"] == "fault"]
    # Of the kernel and of programs.
    assert {fault["privilege"] for fault in faults} == {"0", "3"}
