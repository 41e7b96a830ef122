"""Builds the small kernels of guests/: each boots alone, tries something, and powers off with what it found."""

import os
import subprocess

from machine import TOP

GUESTS = os.path.join(TOP, "tests", "machine", "guests")
OFFSET = 0x38000000
FLAGS = ["-m32", "-ffreestanding", "-O1", "-g", "-fno-pic", "-fno-pie", "-no-pie", "-fno-stack-protector"]
FLAGS += ["-mgeneral-regs-only", "-Wall", "-Wextra", "-Werror", "-nostdlib", "-static"]
FLAGS += [f"-I{os.path.join(TOP, part, 'include')}" for part in ("hv", "translator")]
LAYOUT = ["-Wl,-Ttext-segment=0x100000", "-Wl,--build-id=none"]


EXTRA_SOURCES = {
    "modes": ["long.S"],
    "attack": sorted(name for name in os.listdir(GUESTS) if name.startswith("attack_")),
}


def build_guest(folder, name, mirrored, sources=None):
    """The kernel made of guests/start.S, runtime.c and NAME.c; with `mirrored` it says that it was translated."""
    files = [os.path.join(GUESTS, file) for file in sources or ["start.S", "runtime.c", f"{name}.c", *EXTRA_SOURCES.get(name, [])]]
    note = [f"-DMIRROR_OFFSET={OFFSET:#x}"] if mirrored else []
    kernel = folder / f"{name}.elf"
    subprocess.run(["gcc", *FLAGS, *LAYOUT, *note, *files, "-o", kernel], check=True)
    return str(kernel)


def guest_options(folder, name, mirrored, model):
    """Options of `kmv run` for that kernel on a model of Bochs."""
    mirror = "on" if mirrored else "off"
    kernel = build_guest(folder, name, mirrored)
    return ["--platform", "bochs", "--cpu", model, "--mirror", mirror, "--guest", kernel]
