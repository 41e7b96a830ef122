"""A guest's disk writes, recorded one by one, so that tests can cut it off after any of them."""

import os
import struct
import subprocess
from dataclasses import dataclass

from machine import BUILD

BLOCK = 512
FSCK = os.path.join(BUILD, "guest", "fsck-kmv")

# Superblock, block 1: size, nblocks, ninodes, nlog, logstart, ...
SUPER_FIELDS = struct.Struct("<5I")

# QEMU's blklogwrites: after one sector of its own, a sector of header and the data for each write.
LOG_HEADER = struct.Struct("<4Q")


@dataclass
class Recording:
    """The disk as it was, and the writes to it in order: pairs of block and bytes."""

    image: bytes
    writes: list

    def log_header(self):
        """Block number of the write-ahead log's header."""
        return SUPER_FIELDS.unpack_from(self.image, BLOCK)[4]

    def commits(self):
        """After how many writes each transaction is committed: its header names at least one block."""
        return [
            count
            for count, (block, data) in enumerate(self.writes, 1)
            if block == self.log_header() and struct.unpack_from("<i", data)[0] > 0
        ]

    def images(self):
        """The disk cut off after 0, 1, 2, ... writes."""
        disk = bytearray(self.image)
        yield bytes(disk)
        for block, data in self.writes:
            disk[block * BLOCK : block * BLOCK + len(data)] = data
            yield bytes(disk)


def record(folder, commands):
    """Runs shell commands on the bare guest, on a disk that it has booted from before: the first boot makes /console."""
    image, log = folder / "disk.img", folder / "writes.log"
    image.write_bytes(read(os.path.join(BUILD, "guest", "fs.img")))
    run_recorded(image, log, [])
    original = image.read_bytes()
    run_recorded(image, log, commands)
    recording = Recording(original, read_writes(log.read_bytes()))
    assert list(recording.images())[-1] == image.read_bytes(), "the recorded writes do not make the disk that was left"
    return recording


def run_recorded(image, log, commands):
    """Runs shell commands on the bare guest; its disk writes go to `log` as well."""
    log.write_bytes(b"")
    with subprocess.Popen(
        [
            "qemu-system-i386", "-kernel", os.path.join(BUILD, "guest", "kernel.elf"), "-m", "64",
            "-blockdev", f"driver=file,node-name=image,filename={image}",
            "-blockdev", f"driver=file,node-name=writes,filename={log}",
            "-blockdev", "driver=blklogwrites,node-name=disk,file=image,log=writes",
            "-device", "ide-hd,drive=disk,bus=ide.0,unit=1",
            "-serial", "stdio", "-display", "none", "-device", "isa-debug-exit,iobase=0x501,iosize=1",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as guest:  # fmt: skip
        # What is typed before the guest has set up its UART is lost.
        console = b""
        while not console.endswith(b"$ "):
            chunk = guest.stdout.read1()
            assert chunk, f"the guest ended before its prompt: {console!r}"
            console += chunk
        guest.communicate("\n".join([*commands, "poweroff", ""]).encode(), timeout=120)


def read_writes(log):
    """The writes of a blklogwrites log whose sectors have 512 bytes."""
    writes, at = [], BLOCK
    while at < len(log):
        sector, count, flags, _ = LOG_HEADER.unpack_from(log, at)
        at += BLOCK
        if flags == 0 and count > 0:
            writes.append((sector, log[at : at + count * BLOCK]))
            at += count * BLOCK
    return writes


def read(path):
    """A whole file."""
    with open(path, "rb") as file:
        return file.read()


def contents(path):
    """What the file system on an image holds, after the log's replay; fails if it is damaged."""
    done = subprocess.run([FSCK, "--list", path], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return "".join(line for line in done.stdout.splitlines(keepends=True) if not line.startswith("note: "))
