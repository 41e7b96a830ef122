"""Scratch folders, disks and the boot disk."""

import os
import subprocess

import pytest

from kmvlib import esp, scratch
from kmvlib.errors import KmvError


def test_scratch_goes_away():
    folder = scratch.Scratch()
    open(folder.path("file"), "w", encoding="ascii").close()
    folder.remove()
    assert not os.path.exists(folder.folder)


def test_kept_folder_stays_and_is_locked(tmp_path):
    keep = str(tmp_path / "keep")
    folder = scratch.Scratch(keep)
    with pytest.raises(KmvError, match="another run"):
        scratch.Scratch(keep)
    folder.remove()
    assert os.path.isdir(keep)


def test_shared_disk_is_locked(tmp_path):
    image = tmp_path / "disk"
    image.write_bytes(b"x")
    first = scratch.Scratch(str(tmp_path / "one"))
    second = scratch.Scratch(str(tmp_path / "two"))
    link, lock = scratch.shared_disk(first, str(image))
    assert os.path.realpath(link) == str(image)
    with pytest.raises(KmvError, match="another run uses this disk"):
        scratch.shared_disk(second, str(image))
    os.close(lock)
    os.close(scratch.shared_disk(second, str(image))[1])


def test_boot_disk_holds_its_files(tmp_path):
    big = tmp_path / "big"
    big.write_bytes(os.urandom(45 << 20))
    image = str(tmp_path / "esp.img")
    esp.make_esp(image, {"\\EFI\\BOOT\\BOOTX64.EFI": __file__, "\\EFI\\kmemvisor\\modules\\big": str(big)}, "a = b\n")

    def read(path):
        return subprocess.run(["mtype", "-i", image, path], capture_output=True, check=True).stdout

    with open(__file__, "rb") as file:
        assert read("::/EFI/BOOT/BOOTX64.EFI") == file.read()
    assert read("::/EFI/kmemvisor/modules/big") == big.read_bytes()
    assert read("::/EFI/kmemvisor/kmemvisor.conf") == b"a = b\n"
    with open(image, "rb") as file:
        assert file.read(512)[82:90] == b"FAT32   "
