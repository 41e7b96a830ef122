"""The files of the build that a run needs, made when they are missing."""

import fcntl
import os
import subprocess
import sys
from dataclasses import dataclass

from kmvlib.errors import REFUSED, KmvError

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


@dataclass
class Artifacts:
    """Paths of one run's files; loader and hypervisor None for a bare guest, disk None without one."""

    loader: str | None
    hypervisor: str | None
    kernel: str
    disk: str | None


def find_artifacts(options):
    """The files for `options` (options.RunOptions); those of the build are made if missing."""
    build = os.path.relpath(os.path.join(TOP, options.build), TOP)
    guest = os.path.join(build, "guest", f"mirror-{options.offset:08x}" if options.translate else "")
    loader = hypervisor = None
    if options.platform != "bare-tcg":
        loader = os.path.join(build, "uefi", "BOOTX64.EFI")
        hypervisor = os.path.join(build, "hv", "hv.elf")
    kernel = options.guest or os.path.join(guest, "kernel.elf")
    # A kernel of the user's own gets no disk that he did not ask for.
    disk = options.disk or (None if options.guest else os.path.join(guest, "fs.img"))

    mine = [loader, hypervisor]
    mine += [] if options.guest else [kernel]
    mine += [] if options.disk else [disk]
    make_missing([name for name in mine if name], build, options.offset)
    return Artifacts(*(name and os.path.join(TOP, name) for name in (loader, hypervisor, kernel, disk)))


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
