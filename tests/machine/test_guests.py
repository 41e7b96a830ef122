"""Small kernels of one purpose each (guests/): they power off with what they found wrong."""

import os
import subprocess

import pytest

from machine import TOP, run

GUESTS = os.path.join(TOP, "tests", "machine", "guests")


@pytest.mark.parametrize("name", ["debug"])
def test_guest(tmp_path, name):
    kernel = tmp_path / f"{name}.elf"
    layout = ("-Wl,-Ttext=0x102000", "-Wl,--build-id=none")
    source = os.path.join(GUESTS, f"{name}.S")
    subprocess.run(["gcc", "-m32", "-nostdlib", "-static", "-no-pie", *layout, source, "-o", kernel], check=True)
    result = run(tmp_path, "--platform", "bochs", "--mirror", "off", "--guest", str(kernel))
    assert [event["end"] for event in result.named("summary")] == ["poweroff"], result.messages
    (summary,) = result.named("summary")
    assert int(summary["status"]) == 0
    assert result.status == 0
