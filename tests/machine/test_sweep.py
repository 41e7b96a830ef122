"""Loses a page at every boundary between two instructions of code with windows of every shape (guests/sweep.S)."""

import os
import re
import subprocess

from guestkit import FLAGS, GUESTS, OFFSET
from machine import BUILD, TEST_HYPERVISOR, run

TRANSLATOR = os.path.join(BUILD, "translator")
TRAPS = [word for name in ("on_interrupt", "on_trap", "on_other", "on_debug") for word in ("--trap-entry", name)]
LAYOUT = ["-fcf-protection=none", f"-Wl,-T,{os.path.join(GUESTS, 'sweep.ld')}", "-Wl,--emit-relocs", "-Wl,--build-id=none"]
SPARE_MIB = 64  # a frame a boundary
SECONDS = 1500
SUMMARY = re.compile(r"sweep shapes=(\d+) boundaries=(\d+) interrupts=(\d+) windows=(\d+) wrong=(\d+)")
SHAPES = 36


def build(folder):
    native, kernel = folder / "sweep.native.elf", folder / "sweep.elf"
    files = [os.path.join(GUESTS, name) for name in ("sweep.c", "sweep.S")]
    subprocess.run(["gcc", *FLAGS, *LAYOUT, f"-DMIRROR_OFFSET={OFFSET:#x}u", *files, "-o", native], check=True)
    options = ["--offset", f"{OFFSET:x}", *TRAPS]
    subprocess.run([os.path.join(TRANSLATOR, "kmv-translate"), *options, "-o", kernel, native], check=True)
    subprocess.run([os.path.join(TRANSLATOR, "kmv-verify"), *TRAPS, native, kernel], check=True)
    return str(kernel)


def test_no_boundary_loses_a_write(tmp_path):
    options = ["--platform", "bochs", "--guest", build(tmp_path), "--spare", str(SPARE_MIB)]
    options += ["--hypervisor", TEST_HYPERVISOR]
    result = run(tmp_path, *options, timeout=SECONDS)
    found = SUMMARY.search(result.console)
    assert found, result.messages
    print(found.group(0))
    shapes, boundaries, interrupts, windows, wrong = map(int, found.groups())
    assert wrong == 0, re.findall("^wrong .*", result.console, re.MULTILINE)
    assert shapes == SHAPES and result.status == 0
    # Each page is lost on either side, of the running context and of a preempted one.
    assert interrupts == boundaries // 2
    # A page that is to be lost inside a window waits for its end.
    assert boundaries > 4000 and windows > 1000
    (summary,) = result.named("summary")
    assert summary["end"] == "poweroff"
    recovered = len(result.named("recover"))
    assert recovered == boundaries
