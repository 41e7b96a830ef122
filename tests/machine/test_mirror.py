"""There are two copies in different frames, and verify tells when they differ."""

import os
import shutil
import subprocess

import pytest

from machine import BUILD, TOP, run

TRANSLATE = os.path.join(BUILD, "translator", "kmv-translate")
PROVE = os.path.join(BUILD, "translator", "kmv-verify")
NATIVE_KERNEL = os.path.join(BUILD, "guest", "kernel.elf")
DISK = os.path.join(BUILD, "guest", "mirror-38000000", "fs.img")


def test_two_frames_with_equal_bytes(tmp_path):
    result = run(tmp_path, "--exec", "verify; inject 40 3")
    assert result.status == 0, result.messages
    (boot,) = result.named("boot")
    blocks = {side: int(boot[f"{name}_base"], 16) for side, name in (("native", "guest"), ("mirror", "mirror"))}
    size = int(boot["guest_size"], 16)
    assert abs(blocks["native"] - blocks["mirror"]) >= size
    # The hypervisor names the frame it takes away: each side's page lies in that side's block.
    first = {(event["gpage"], event["side"]): event for event in reversed(result.named("poison"))}
    assert {side for _, side in first} == {"native", "mirror"}
    for (page, side), event in first.items():
        assert int(event["frame"], 16) == blocks[side] + int(page, 16)
    assert "differing=0" in result.console


@pytest.mark.parametrize("writer", ["store", "push_register"])
def test_dropped_mirror_is_seen(tmp_path, writer):
    kernel = tmp_path / "kernel.elf"
    subprocess.run(
        [
            *(TRANSLATE, "--offset", "38000000", "--trap-entry", "alltraps:gate"),
            *("--drop-mirror", writer, "-o", str(kernel), NATIVE_KERNEL),
        ],
        cwd=TOP,
        check=True,
    )
    proof = subprocess.run([PROVE, NATIVE_KERNEL, str(kernel)], capture_output=True, text=True, check=False)
    assert proof.returncode == 1, proof.stdout + proof.stderr

    disk = tmp_path / "fs.img"
    shutil.copy(DISK, disk)
    result = run(tmp_path, "--guest", str(kernel), "--disk", str(disk), "--exec", "verify")
    assert result.status == 0, result.messages
    (line,) = [line for line in result.console.splitlines() if line.startswith("verify: pages=")]
    assert int(line.split("differing=")[1]) > 0
    assert result.named("verify_diff")
