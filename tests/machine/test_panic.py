"""A kernel panic's stack trace is turned into functions and source lines, the same ones for a translated kernel."""

import os
import re
import struct

import pytest

from machine import BUILD, TOP, run

BLOCK = 512
INODE_BYTES = 64
ROOT_INODE = 1
NAME_BYTES = 14
BLOCKS_AT = 12  # in an i-node: the numbers of its data blocks

FRAME = re.compile(r"kmv:   0x[0-9a-f]{8} (\w+)\+0x[0-9a-f]+ \(([\w./-]+):(\d+)(?: in \w+)?\)")


def inode_at(image, number):
    """Where an i-node is on a disk; the superblock tells where they begin."""
    (start,) = struct.unpack_from("<I", image, BLOCK + 5 * 4)
    return start * BLOCK + number * INODE_BYTES


def root_entries(image):
    """I-node numbers by name, from the root directory's first block."""
    (block,) = struct.unpack_from("<I", image, inode_at(image, ROOT_INODE) + BLOCKS_AT)
    entries = struct.iter_unpack(f"<H{NAME_BYTES}s", image[block * BLOCK : (block + 1) * BLOCK])
    return {name.rstrip(b"\0").decode(): number for number, name in entries if number}


def damaged_disk(folder, original):
    """A copy of a disk on which two files, whose names it returns too, have the same first block."""
    with open(original, "rb") as file:
        image = bytearray(file.read())
    first, second = (inode_at(image, root_entries(image)[name]) + BLOCKS_AT for name in ("cat", "echo"))
    image[second : second + 4] = image[first : first + 4]
    path = folder / "damaged.img"
    path.write_bytes(image)
    return path


def panic(folder, disk, *options):
    """Frees a block twice; returns the run and its frames as (function, file, line)."""
    path = damaged_disk(folder, os.path.join(BUILD, "guest", disk))
    result = run(folder, *options, "--disk", str(path), "--exec", "rm cat; rm echo; echo survived")
    frames = [found.groups() for found in map(FRAME.fullmatch, result.messages.splitlines()) if found]
    return result, frames


def check_panic(result):
    assert result.status == 1, result.messages
    assert re.search(r"^panic: cpu 0: block_free: disk block \d+ is free already$", result.console, re.MULTILINE)
    (trace,) = re.findall(r"^stack trace:(.*)$", result.console, re.MULTILINE)
    addresses = trace.split()
    assert [line.split()[1] for line in result.messages.splitlines() if line.startswith("kmv:   0x")] == addresses
    assert "survived\n" not in result.console.replace("echo survived\n", "")


@pytest.fixture(name="native", scope="module")
def native_frames(tmp_path_factory):
    result, frames = panic(tmp_path_factory.mktemp("native"), "fs.img", "--platform", "bare-tcg")
    check_panic(result)
    return frames


def source_line(file, number):
    with open(os.path.join(TOP, file), encoding="utf-8") as source:
        return source.read().splitlines()[int(number) - 1]


def test_functions_and_lines(native):
    functions = [function for function, _, _ in native]
    assert functions[0] == "block_free"
    assert "syscall" in functions
    assert 'panic("block_free: ' in source_line(*native[0][1:])
    caller, file, number = native[1]
    assert (caller, file) == ("inode_truncate", "guest-xv6/kernel/inode.c")
    assert "block_free(ip->disk.blocks[i])" in source_line(file, number)


def test_translated_kernel_tells_the_same(tmp_path, native):
    result, frames = panic(tmp_path, os.path.join("mirror-38000000", "fs.img"), "--platform", "bochs")
    check_panic(result)
    assert result.named("boot")[0]["mirror"] == "on"
    assert frames == native
