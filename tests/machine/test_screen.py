"""What a person at the screen gets to read: QEMU's picture of it, after the hypervisor has ended."""

import os
import re
import socket
import subprocess
import time

import pytest

from machine import TOP, run

FIRMWARE = "/usr/share/ovmf/OVMF.fd"
MARGIN, CELL_WIDTH, CELL_HEIGHT, LINE_CELLS = 8, 6, 9, 65
GLYPH_WIDTH, GLYPH_HEIGHT = 5, 7
DEADLINE_SECONDS = 120


def font():
    """Characters by their pixels, from the hypervisor's own table (test_screen.c has pictures of some)."""
    with open(os.path.join(TOP, "hv", "platform", "screen.c"), encoding="ascii") as file:
        table = re.search(r"glyphs\[.*?\{(.*?)\};", file.read(), re.DOTALL).group(1)
    glyphs = [int(text, 16) for text in re.findall(r"0x[0-9a-f]+", table)]
    assert len(glyphs) == 95
    return {glyph: chr(ord(" ") + index) for index, glyph in enumerate(glyphs)}


PROMPT = b"(qemu) "


def monitor(path, command):
    """Has QEMU's monitor do a command to its end: the next prompt."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(DEADLINE_SECONDS)
        channel.connect(str(path))
        for text in ("", f"{command}\n"):
            channel.sendall(text.encode())
            answer = b""
            while not answer.endswith(PROMPT):
                answer += channel.recv(4096)


def read_picture(path):
    """Width, height and bytes of a binary PPM file."""
    magic, size, _, pixels = path.read_bytes().split(b"\n", 3)
    assert magic == b"P6"
    width, height = map(int, size.split())
    assert len(pixels) == width * height * 3
    return width, height, pixels


def read_line(picture, row):
    """The text of a row of cells in the first column."""
    width, _, pixels = picture
    characters = font()
    text = ""
    for cell in range(LINE_CELLS):
        glyph = 0
        for bit in range(64):
            x, y = bit // 8, bit % 8
            if x < GLYPH_WIDTH and y < GLYPH_HEIGHT:
                at = (MARGIN + row * CELL_HEIGHT + y) * width + MARGIN + cell * CELL_WIDTH + x
                glyph |= (pixels[at * 3] > 127) << bit
        text += characters[glyph]
    return text.rstrip()


def wait_for(happened):
    end = time.monotonic() + DEADLINE_SECONDS
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.5)


@pytest.fixture(name="disk")
def boot_disk(tmp_path):
    """The disk image of a run of kmv on a machine that is refused."""
    run(tmp_path, "--platform", "tcg", "--exec", "echo hello", "--keep", str(tmp_path / "kept"))
    return tmp_path / "kept" / "boot.img"


def test_refusal_on_screen(tmp_path, disk):
    log, control, shot = tmp_path / "com2", tmp_path / "monitor", tmp_path / "screen.ppm"
    command = ["qemu-system-x86_64", "-accel", "tcg", "-cpu", "max", "-m", "512", "-bios", FIRMWARE, "-nodefaults"]
    command += ["-vga", "std", "-display", "none", "-no-shutdown", "-drive", f"file={disk},format=raw,if=ide"]
    command += ["-serial", "null", "-serial", f"file:{log}", "-monitor", f"unix:{control},server,nowait"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as machine:
        try:
            wait_for(lambda: log.exists() and b"event=refuse" in log.read_bytes())
            monitor(control, f"screendump {shot}")
        finally:
            machine.kill()
    picture = read_picture(shot)
    assert read_line(picture, 0) == 'event=refuse missing="VMX (CPUID.1:ECX.VMX)"'
    assert read_line(picture, 1) == ""
