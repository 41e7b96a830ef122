"""Memory that changes from outside, behind the back of everything in the machine, is found by the scrubber; the right side is chosen."""

import os
import re
import subprocess
import sys

from machine import BUILD, TOP, Result, read_events, run

sys.path.insert(0, os.path.join(TOP, "tests", "bench"))

from guestrun import TRANSLATED, make_disk  # noqa: E402 (the path has to be set first)

GUEST = os.path.join(BUILD, "guest")
OFFSET = 0x38000000
PAGE = 4096
PERMILLE = 500
MEM_MIB = 16
VISITS = 4 * MEM_MIB * 256  # of every page, four
WRONG = 0xBADC0DE5
SECONDS = 400
PLACE = re.compile(r"linear page 0x([0-9a-f]+) maps to physical page 0x([0-9a-f]+)")


def address_of(program, name):
    """Of a symbol of the translated guest, data included."""
    listing = subprocess.run(["nm", os.path.join(GUEST, TRANSLATED, program)], capture_output=True, text=True, check=True)
    return next(int(line.split()[0], 16) for line in listing.stdout.splitlines() if line.split()[-1] == name)


def debug(folder, disk, *commands):
    """A run until the guest's kernel gets the note `held`, then the debugger's commands."""
    stop = [f"lb {address_of('kernel.elf', 'sys_note'):#x}", "c", "d 1"]
    options = ["--disk", str(disk), "--keep", str(folder), "--mem", str(MEM_MIB), "--scrub", str(PERMILLE)]
    command = [sys.executable, os.path.join(TOP, "tests", "machine", "debugger.py"), *options, *stop, *commands]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    return Result(done.returncode, done.stdout, done.stderr, read_events(folder / "hv.log"))


def find_pages(folder, disk, addresses):
    """Where in the machine's memory the debugger sees these linear addresses."""
    result = debug(folder, disk, *(f"page {address:#x}" for address in addresses), "q")
    pages = {int(page, 16): int(frame, 16) for page, frame in PLACE.findall((folder / "bochs.out").read_text())}
    assert len(pages) == len({address // PAGE for address in addresses}), result.messages
    return [pages[address // PAGE * PAGE] + address % PAGE for address in addresses]


def test_corruption_from_outside(tmp_path):
    disk = make_disk(GUEST, TRANSLATED, [f"hold {VISITS}"], str(tmp_path))
    words, text = address_of("user/hold", "held_words"), address_of("kernel.elf", "machine_poweroff")
    # A program's page on each side, a third on both, and kernel text that is yet to be executed.
    addresses = [words + 0x10, words + PAGE + OFFSET + 0x20, words + 2 * PAGE, words + 2 * PAGE + OFFSET + 4, text]
    native, mirror, both, both_mirror, code = find_pages(tmp_path / "look", disk, addresses)
    spoil = [f"setpmem {address:#x} 4 {WRONG:#x}" for address in (native, mirror, both, both_mirror, code)]
    result = debug(tmp_path / "spoil", disk, *spoil, "c")

    assert result.status == 0, result.messages
    recovered = {(event["side"], int(event["bad"], 16)) for event in result.named("recover")}
    assert recovered == {(side, at // PAGE * PAGE) for side, at in (("native", native), ("mirror", mirror), ("native", code))}
    assert {event["cause"] for event in result.named("recover")} == {"scrub"}
    # What can't be decided is told, once, and not touched.
    (unsure,) = result.named("scrub")
    assert unsure["action"] == "none"
    assert "hold: 1 words changed, scrub_wrong=3 scrub_unsure=1" in result.console
    assert not result.named("lost") and not result.named("degraded")


def test_nothing_is_found_in_a_busy_guest(tmp_path):
    commands = "scrub 501; scrub 500; forktest; inject 50 1; bench sbrk fork exec; scrub 0; verify; mirrorstat"
    result = run(tmp_path, "--mem", str(MEM_MIB), "--exec", commands)
    assert result.status == 0, result.messages
    assert "scrub: 501: refused" in result.console
    assert "differing=0" in result.console
    assert result.value("scrub_pages") > 2 * MEM_MIB * 256 and result.value("scrub_opened") > 0
    assert result.value("scrub_wrong") == result.value("scrub_unsure") == 0
    assert not result.named("scrub") and result.value("recovered") == 50
