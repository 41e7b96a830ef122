"""The firmware of emulated machines: what is taken out of OVMF, and that the rest stays what it was."""

import functools
import os
import random
import struct
import subprocess

import pytest

from kmvlib import firmware
from kmvlib.artifacts import TOP

OVMF = "/usr/share/ovmf/OVMF.fd"
TRIM = os.path.join(TOP, "scripts", "trim-firmware")


@pytest.fixture(scope="module", name="image")
def read_image():
    with open(OVMF, "rb") as file:
        return file.read()


@pytest.fixture(scope="module", name="trimmed")
def trim_image(image):
    return firmware.trim(image)


@functools.cache
def drivers(image):
    """The volume of the drivers, unpacked."""
    start, end = firmware.packed_section(image)
    unpacked = firmware.unpack(image[start:end])
    *_, last = firmware.sections(unpacked, 0, len(unpacked))
    return unpacked[last.start + 4 : last.end]


def contents(volume):
    """Name (None without one) and bytes of each file that is not padding."""
    found = [file for file in firmware.files(volume, 0) if file.kind != firmware.PADDING]
    return [(firmware.name_of(volume, file), volume[file.start : file.end]) for file in found]


def test_unused_drivers_are_gone_and_the_others_as_they_were(image, trimmed):
    before, after = contents(drivers(image)), contents(drivers(trimmed))
    assert {name for name, _ in before} >= {"DxeCore", "BdsDxe", "Fat", "Shell", "TcpDxe"}
    assert after == [file for file in before if file[0] not in firmware.UNUSED]
    assert len(before) - len(after) > 40


def test_the_rest_of_the_image_is_untouched(image, trimmed):
    start, end = firmware.packed_section(image)
    assert len(trimmed) == len(image)
    assert trimmed[:start] == image[:start] and trimmed[end:] == image[end:]
    assert firmware.packed_section(trimmed) == (start, end)


def test_header_of_the_volume(trimmed):
    volume = drivers(trimmed)
    length, signature = struct.unpack_from("<Q4s", volume, 32)
    (header_bytes,) = struct.unpack_from("<H", volume, 48)
    blocks, block_bytes = struct.unpack_from("<II", volume, 56)
    assert signature == b"_FVH" and length == len(volume) == blocks * block_bytes
    assert sum(struct.unpack_from(f"<{header_bytes // 2}H", volume, 0)) % 65536 == 0


def test_trimming_repeats_and_ends(image, trimmed):
    assert firmware.trim(image) == trimmed
    assert drivers(firmware.trim(trimmed)) == drivers(trimmed)


def test_damaged_images(image):
    start, _ = firmware.packed_section(image)
    chance = random.Random(1)
    cuts = [image[: chance.randrange(start + 5000)] for _ in range(40)]
    flips = []
    for _ in range(200):
        flipped = bytearray(image[: start + 5000])
        flipped[chance.randrange(start - 200, start + 100)] ^= 1 << chance.randrange(8)
        flips.append(bytes(flipped))
    for damaged in [b"", *cuts, *flips]:
        with pytest.raises(firmware.UnknownFormat):
            firmware.trim(damaged)


def test_damaged_volumes(image):
    start, end = firmware.packed_section(image)
    unpacked = firmware.unpack(image[start:end])
    chance = random.Random(2)
    shorter = refused = 0
    for file in chance.sample(list(firmware.files(drivers(image), 0)), 60):
        flipped = bytearray(unpacked)
        at = len(unpacked) - len(drivers(image)) + file.start + chance.randrange(28)
        flipped[at] ^= 1 << chance.randrange(8)
        try:
            shorter += len(firmware.trim_volumes(bytes(flipped))) < len(unpacked)
        except (firmware.UnknownFormat, struct.error):
            refused += 1
    assert shorter + refused == 60 and shorter > 0 and refused > 0


def run_trim(*arguments):
    return subprocess.run([TRIM, *map(str, arguments)], capture_output=True, text=True, check=False)


def test_program(tmp_path, trimmed):
    done = run_trim(OVMF, tmp_path / "ovmf.fd")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "ovmf.fd").read_bytes() == trimmed
    assert os.listdir(tmp_path) == ["ovmf.fd"]


def test_unknown_firmware_is_used_as_it_is(tmp_path):
    other = tmp_path / "other.fd"
    other.write_bytes(b"other" * 5000)
    done = run_trim(other, tmp_path / "copy.fd")
    assert done.returncode == 0 and (tmp_path / "copy.fd").read_bytes() == other.read_bytes()
    assert done.stderr == f"trim-firmware: {other}: no volume packed with LZMA in it: used as it is, machines take longer to come up\n"


def test_missing_files(tmp_path):
    done = run_trim(tmp_path / "none.fd", tmp_path / "copy.fd")
    assert done.returncode == 1
    assert done.stderr == f"trim-firmware: {tmp_path / 'none.fd'}: No such file or directory: scripts/setup installs it\n"
    assert run_trim(OVMF, tmp_path / "no" / "copy.fd").returncode == 1
    assert os.listdir(tmp_path) == []
