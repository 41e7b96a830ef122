"""Runs the guest's `bench` and tells what it took: instructions as the guest counts them, exits as the hypervisor's log does.

Commands stand on the disk, in the script that init runs: typed, they would come at another instruction each time.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "scripts"))

from kmvlib import contract, hvlog  # noqa: E402 (the path has to be set first)

RUN_SECONDS = 1800
DISK_BLOCKS = 4000
TRANSLATED = f"mirror-{contract.OFFSET_DEFAULT:08x}"
# How the guest runs: kmv's options, and where its programs are.
MODES = {
    "bare": (("--platform", "bare-bochs"), ""),
    "hypervisor": (("--platform", "bochs", "--translate", "off", "--mirror", "off"), ""),
    "mirrored": (("--platform", "bochs"), TRANSLATED),
}
# The mirrored guest with a scrubber: its share of the time in permille, by mode.
SCRUBBED = {"scrub 10": 10, "scrub 500": 500}
MODES_SCRUBBED = {mode: (("--platform", "bochs", "--scrub", str(share)), TRANSLATED) for mode, share in SCRUBBED.items()}
RESULT = re.compile(r"^bench (\w+): ticks=(\d+) idle=(\d+)$", re.MULTILINE)
COUNTERS = ("exits", "pt_writes", "hv_ticks")
REASON = re.compile(r"(\d+)/(\d+)")


def run_guest(build, mode, commands, log):
    """Runs the guest `mode` with `commands` from its disk; returns the measures by benchmark."""
    options, guest = (MODES | MODES_SCRUBBED)[mode]
    with tempfile.TemporaryDirectory() as folder:
        disk = make_disk(os.path.join(TOP, build, "guest"), guest, commands, folder)
        command = [os.path.join(TOP, "scripts", "kmv"), "run", "--build", build, "--disk", disk, "--log", log]
        command += ["--timeout", str(RUN_SECONDS), *options]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    results = {name: {"ticks": int(ticks), "idle": int(idle)} for name, ticks, idle in RESULT.findall(done.stdout)}
    if done.returncode != 0 or not results:
        raise SystemExit(f"bench: {mode}: status {done.returncode}, see {log}: {done.stderr.strip()}")
    if mode != "bare":
        with open(log, encoding="ascii") as file:
            add_counters(results, hvlog.parse_log(file.read()))
    return results


def make_disk(guest, translated, commands, folder):
    """A disk of the build's programs that runs `commands` and powers off."""
    script, disk = os.path.join(folder, "autorun"), os.path.join(folder, "fs.img")
    with open(script, "w", encoding="ascii") as out:
        out.write("".join(f"{command}\n" for command in [*commands, "poweroff"]))
    names = sorted(os.listdir(os.path.join(guest, translated, "disk")))
    files = [place_program(guest, translated, name, folder) for name in names]
    files += [os.path.join(TOP, "guest-xv6", "user", "rootfs", "README"), script]
    subprocess.run([os.path.join(guest, "mkfs"), "--size", str(DISK_BLOCKS), disk, *files], check=True)
    return disk


def place_program(guest, translated, name, folder):
    """
    A copy in `folder`, as large as the larger one of the native and the translated program: zeros follow the shorter one. The free
    blocks of all guests' disks lie at the same place then, for the emulated disk takes its time by how far its head has to move.
    """
    bytes_needed = max(os.path.getsize(os.path.join(guest, kind, "disk", name)) for kind in ("", TRANSLATED))
    path = shutil.copy(os.path.join(guest, translated, "disk", name), folder)
    os.truncate(path, bytes_needed)
    return path


def counters_of(event):
    """What a note tells: the counters, the time of the note, and exits and ticks of each reason."""
    values = {key: int(event[key]) for key in COUNTERS}
    values["log_ticks"] = int(event["tsc"])
    for key, text in event.items():
        found = REASON.fullmatch(text)
        if found:
            values[f"exits:{key}"], values[f"ticks:{key}"] = map(int, found.groups())
    return values


def add_counters(results, events):
    """Adds to each benchmark's measures what its two notes differ by."""
    starts = {}
    for event in events:
        what, _, name = event.get("text", "").partition(" ")
        if what == "bench-start":
            starts[name] = counters_of(event)
        elif what == "bench-end":
            results[name] |= {key: value - starts[name].get(key, 0) for key, value in counters_of(event).items()}
            # Both notes' own work lies within these two and is taken off whole.
            results[name]["translated"] = results[name]["log_ticks"] - results[name]["hv_ticks"]
