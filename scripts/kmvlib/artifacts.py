"""The files of the build that a run needs, made when they are missing."""

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass

from kmvlib import platforms
from kmvlib.errors import REFUSED, KmvError

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclass
class Artifacts:
    """
    Paths of one run's files; loader and hypervisor None for a bare guest, disk None without one, native (what the
    kernel was translated from) None if it was not or nobody knows, firmware None where the machine brings its own.
    """

    loader: str | None
    hypervisor: str | None
    kernel: str
    disk: str | None
    native: str | None = None
    firmware: str | None = None


def find_artifacts(options):
    """Where the files for `options` (options.RunOptions) are, or will be once made."""
    loader = hypervisor = firmware = None
    if options.platform in ("auto", "bochs"):
        firmware = os.path.join(TOP, options.build, "uefi", "ovmf.fd")
    if options.platform not in platforms.BARE:
        loader = os.path.join(TOP, options.build, "uefi", "BOOTX64.EFI")
        hypervisor = options.hypervisor or os.path.join(TOP, options.build, "hv", "hv.elf")
    translated = f"mirror-{options.offset:08x}" if options.translate else ""
    guest = os.path.join(TOP, options.build, "guest", translated)
    kernel = options.guest or os.path.join(guest, "kernel.elf")
    # A kernel of the user's own gets no disk that he did not ask for.
    disk = options.disk or (None if options.guest else os.path.join(guest, "fs.img"))
    native = None
    if options.translate and not options.guest:
        native = os.path.join(TOP, options.build, "guest", "kernel.elf")
    return Artifacts(loader, hypervisor, kernel, disk, native, firmware)


def make_artifacts(artifacts, options):
    """Makes those of the build's files that are missing."""
    mine = {artifacts.loader, artifacts.hypervisor, artifacts.kernel, artifacts.disk, artifacts.firmware}
    mine -= {None, options.hypervisor, options.guest, options.disk}
    # The names that the Makefile knows begin with BUILD as it is given here.
    build = os.path.relpath(os.path.join(TOP, options.build), TOP)
    make_missing(sorted(os.path.relpath(path, TOP) for path in mine), build, options.offset)


def make_missing(targets, build, offset):
    """Runs make for those of `targets` (relative to the top folder) that are not there."""
    if all(os.path.exists(os.path.join(TOP, name)) for name in targets):
        return
    os.makedirs(os.path.join(TOP, build), exist_ok=True)
    # Two runs side by side must not build the same file at once.
    with open(os.path.join(TOP, build, ".kmv-make.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        missing = [name for name in targets if not os.path.exists(os.path.join(TOP, name))]
        if missing:
            run_make([f"BUILD={build}", f"OFFSET={offset:08x}", *missing])


def run_make(arguments):
    """Runs make in the top folder; its output goes to stderr, stdin is the guest's."""
    environment = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS")}
    result = subprocess.run(
        ["make", "--no-print-directory", *arguments],
        cwd=TOP,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        check=False,
    )
    if result.returncode != 0:
        raise KmvError(REFUSED, f"make {' '.join(arguments)} failed: its messages are above")
