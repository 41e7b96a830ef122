"""The image of a USB stick: firmware finds the loader on it, whatever bus it hangs on."""

import os
import re
import subprocess

import pytest
from machine import BUILD, KMV, run

FIRMWARE = "/usr/share/ovmf/OVMF.fd"
BOOT_SECONDS = 180


@pytest.fixture(name="image", scope="module")
def make_image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "stick.img"
    command = [KMV, "image", "--build", BUILD, str(path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"{path}\n"
    return path


def test_boots_as_a_disk(tmp_path, image):
    result = run(tmp_path, "--platform", "bochs", "--boot", str(image), "--exec", "inject 10 1; verify")
    assert result.status == 0, result.messages
    assert re.search(r"^verify: pages=\d+ differing=0$", result.console, re.MULTILINE)
    assert len(result.named("recover")) == 10


def test_boots_from_a_usb_stick(tmp_path, image):
    """As far as QEMU's own emulation goes: loader and hypervisor start, and say that VMX is missing."""
    serial = tmp_path / "com1"
    command = [
        *("qemu-system-x86_64", "-machine", "q35", "-accel", "tcg", "-cpu", "max", "-m", "512", "-bios", FIRMWARE),
        *("-display", "none", "-nodefaults", "-vga", "std", "-no-reboot", "-serial", f"file:{serial}"),
        *("-device", "qemu-xhci", "-drive", f"if=none,id=stick,format=raw,readonly=on,file={image}"),
        *("-device", "usb-storage,drive=stick"),
    ]
    machine = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        machine.wait(BOOT_SECONDS)
    finally:
        machine.kill()
    text = serial.read_text(encoding="ascii", errors="replace")
    assert "kmemvisor: this machine lacks: VMX" in text


def test_image_that_cannot_be_written(tmp_path):
    done = subprocess.run([KMV, "image", "--build", BUILD, str(tmp_path / "none" / "x")], capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1 and "No such file" in done.stderr
    assert not os.path.exists(tmp_path / "none")
