"""The loader on QEMU's TCG, with a stand-in for the hypervisor that tells what it was handed (loader/probe.c)."""

import os
import re
import shutil
import struct
import subprocess
import sys
import time

import pytest

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.path.join(TOP, os.environ.get("KMV_BUILD", "build"))
LOADER = os.path.join(BUILD, "uefi", "BOOTX64.EFI")
PROBE = os.path.join(BUILD, "tests", "loader", "probe.elf")

sys.path.insert(0, os.path.join(TOP, "scripts"))

from kmvlib import conf, esp, hvlog  # noqa: E402 (the path has to be set first)

MIB = 1 << 20
OFFSET = 0x38000000
ADDRESS = 0x100000
CODE = bytes(range(0x40, 0x60))
FIRMWARE = "/usr/share/ovmf/OVMF.fd"
BOOT_SECONDS = 120


def make_kernel(offset=OFFSET):
    """An ELF32 Multiboot kernel of one segment: header, then CODE, where it is entered. Offset None: no note."""
    multiboot = struct.pack("<3I", 0x1BADB002, 3, -(0x1BADB002 + 3) & 0xFFFFFFFF)
    text = multiboot + CODE
    note = b"" if offset is None else struct.pack("<3I4s3I", 4, 12, 0x4B4D5631, b"kmv", 2, offset, 0)
    text_at = 52 + 2 * 32
    programs = struct.pack("<8I", 1, text_at, ADDRESS, ADDRESS, len(text), len(text) + 100, 7, 4)
    programs += struct.pack("<8I", 4 if note else 0, text_at + len(text), 0, 0, len(note), len(note), 4, 4)
    header = struct.pack(
        "<16s2H5I6H",
        *(b"\x7fELF\x01\x01\x01", 2, 3, 1, ADDRESS + len(multiboot), 52, 0, 0),
        *(52, 32, 2, 40, 0, 0),
    )
    return header + programs + text + note


def write_file(folder, name, data):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)
    return path


def kmv_run(folder, kernel, *options):
    """Runs `scripts/kmv run` with the probe for a hypervisor; returns the process and the log's events."""
    build = os.path.join(folder, "build")
    for source, name in ((LOADER, "uefi/BOOTX64.EFI"), (PROBE, "hv/hv.elf")):
        os.makedirs(os.path.dirname(os.path.join(build, name)), exist_ok=True)
        shutil.copy(source, os.path.join(build, name))
    log = os.path.join(folder, "hv.log")
    command = [os.path.join(TOP, "scripts", "kmv"), "run", "--platform", "tcg", "--build", build, "--log", log]
    command += ["--guest", write_file(folder, "kernel.elf", kernel), "--timeout", str(BOOT_SECONDS), *options]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=BOOT_SECONDS + 30, check=False
    )
    with open(log, encoding="ascii") as file:
        return done, hvlog.parse_log(file.read())


def the_event(events, name):
    """The one event of this name, its numbers as numbers."""
    (event,) = [event for event in events if event["event"] == name]
    return {key: int(value, 16) if value.startswith("0x") else value for key, value in event.items()}


def assert_disjoint(blocks):
    """`blocks`: (start, size) pairs."""
    ordered = sorted(blocks)
    for (start, size), (following, _) in zip(ordered, ordered[1:]):
        assert start + size <= following, [(hex(start), hex(size)) for start, size in ordered]


def test_processors(tmp_path):
    """The loader names all of them, and has a place below 1 MiB where they can start."""
    done, events = kmv_run(tmp_path, make_kernel(), *("--mem", "32", "--smp", "3"))
    assert done.returncode == 0, done.stderr
    machine = the_event(events, "machine")
    assert machine["cpu_count"] == 3
    assert machine["cpu_apic1"] in (1, 2)
    assert 0 < machine["ap_start"] < 0xA0000 - 0x1000 and machine["ap_start"] % 0x1000 == 0


def test_hand_over(tmp_path):
    module = write_file(tmp_path, "data.img", b"module!!" + bytes(5000))
    done, events = kmv_run(
        tmp_path, make_kernel(), *("--mem", "32", "--spare", "3", "--module", module, "--cmdline", "a=1 b")
    )
    assert done.returncode == 0, done.stderr

    image = the_event(events, "image")
    assert image["word"] == "relocated"
    assert image["bss"] == 0
    assert image["rflags"] & 0x600 == 0  # interrupts off, strings upwards
    assert image["hv_base"] <= image["here"] < image["hv_base"] + image["hv_size"]

    blocks = the_event(events, "blocks")
    assert blocks["guest_size"] == 32 * MIB
    assert blocks["spare_size"] == 3 * MIB
    # With the hypervisor, what is allowed beside a guest of up to 128 MiB: one part in 200.
    assert blocks["heap_size"] == (128 * MIB // 200 - image["hv_size"]) // 4096 * 4096
    assert blocks["guest_base"] % (2 * MIB) == 0 and blocks["mirror_base"] % (2 * MIB) == 0
    assert blocks["phys_end"] >= 4 << 30
    assert_disjoint(
        [(blocks[f"{name}_base"], blocks[f"{name}_size"]) for name in ("heap", "guest", "spare")]
        + [(blocks["mirror_base"], blocks["guest_size"]), (image["hv_base"], image["hv_size"])]
        + [(blocks["bootinfo"], 4096)]
    )

    machine = the_event(events, "machine")
    assert machine["cpu_count"] == 1 and machine["ap_start"] == 0
    assert machine["magic"].to_bytes(8, "little") == b"KMXVBOOT"
    assert machine["version"] == 2
    assert machine["flags"] == 1
    assert machine["mirror_offset"] == OFFSET
    assert machine["rsdp"].to_bytes(8, "little") == b"RSD PTR "
    assert machine["framebuffer"] != 0 and machine["bgr"] == 1
    assert machine["pixels_per_line"] >= machine["width"] >= 640 and machine["height"] >= 480

    guest = the_event(events, "guest")
    assert guest["entry"] == ADDRESS + 12
    assert guest["code"].to_bytes(8, "little") == CODE[:8]
    assert 0x8000 <= guest["mbi"] < 0x9F000
    assert guest["mbi_flags"] == 0x24D
    assert guest["mem_upper"] == 31 * 1024
    assert guest["mods_count"] == 1
    assert guest["cmdline"] == "a=1 b"

    placed = the_event(events, "module")
    assert placed["start"] == 32 * MIB - 0x2000
    assert placed["size"] == 5008
    assert placed["data"].to_bytes(8, "little") == b"module!!"
    assert placed["string"] == r"\EFI\kmemvisor\modules\data.img"


def test_mirror_off_reserves_no_mirror(tmp_path):
    done, events = kmv_run(tmp_path, make_kernel(offset=None), "--mem", "32", "--mirror", "off", "--translate", "off")
    assert done.returncode == 0, done.stderr
    blocks = the_event(events, "blocks")
    assert (blocks["mirror_base"], blocks["spare_base"], blocks["spare_size"]) == (0, 0, 0)
    assert the_event(events, "machine")["flags"] == 0


@pytest.mark.parametrize(
    "kernel, reason",
    [
        (make_kernel()[:130], "the segment at 0x100000 reaches past the end of the file"),
        (make_kernel(offset=None), "not translated (no .note.kmv), but mirror is on"),
        (make_kernel(offset=0x18000000), "translated for offset 0x18000000, but 0x38000000 is configured"),
    ],
    ids=["truncated", "untranslated", "other offset"],
)
def test_kmv_says_what_the_loader_refuses(tmp_path, kernel, reason):
    done, events = kmv_run(tmp_path, kernel, "--mem", "32")
    assert done.returncode == 5
    assert r"\EFI\kmemvisor\kernel.elf: " + reason in done.stderr
    assert not events


def boot(folder, conf_text, memory, stop, script=None):
    """
    Boots a disk with LOADER, PROBE, a kernel and this configuration (None: no file) until the regular expression
    `stop` matches COM1. Returns the texts of COM1 and COM2. With `script`, the firmware's shell runs it instead.
    """
    files = {
        "\\EFI\\kmemvisor\\loader.efi" if script else "\\EFI\\BOOT\\BOOTX64.EFI": LOADER,
        conf.HYPERVISOR: PROBE,
        conf.KERNEL: write_file(folder, "kernel.elf", make_kernel()),
    }
    if script:
        files["\\startup.nsh"] = write_file(folder, "startup.nsh", script.encode("ascii"))
    image = os.path.join(folder, "esp.img")
    esp.make_esp(image, files, conf_text or "")
    if conf_text is None:
        esp.mtool("mdel", "-i", image, "::/EFI/kmemvisor/kmemvisor.conf")
    ports = [os.path.join(folder, name) for name in ("com1", "com2")]
    command = ["qemu-system-x86_64", "-accel", "tcg", "-m", str(memory), "-bios", FIRMWARE, "-display", "none"]
    command += ["-nodefaults", "-vga", "std", "-drive", f"format=raw,file={image}", "-no-reboot"]
    command += [argument for port in ports for argument in ("-serial", f"file:{port}")]
    machine = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + BOOT_SECONDS
        while not re.search(stop, read_port(ports[0]), re.MULTILINE):
            assert machine.poll() is None and time.monotonic() < deadline, read_port(ports[0])
            time.sleep(0.2)
        time.sleep(0.5)  # COM2 comes after COM1
    finally:
        machine.kill()
        machine.wait()
    return [read_port(port) for port in ports]


def read_port(path):
    """What a serial port said, without cursor movements."""
    if not os.path.exists(path):
        return ""
    with open(path, encoding="ascii", errors="replace", newline="") as file:
        return re.sub(r"\x1b\[[0-9;=]*[A-Za-z]", "", file.read()).replace("\r", "")


CONF = r"\EFI\kmemvisor\kmemvisor.conf"


@pytest.mark.parametrize(
    "conf_text, memory, line",
    [
        (None, 256, rf"{CONF}: not found on the boot volume"),
        ("kernel = kernel.elf\nmodule = none.img\n", 256, r"\EFI\kmemvisor\none.img: not found on the boot volume"),
        ("kernle = kernel.elf\n", 256, rf"{CONF}: line 1: unknown key 'kernle'"),
        ("kernel = kernel.elf\nmemory = 256\n", 512, rf"{CONF}: no free block of 262144 KiB for the mirror"),
    ],
    ids=["no configuration", "no module", "unknown key", "little memory"],
)
def test_one_line_on_both_ports(tmp_path, conf_text, memory, line):
    for text in boot(tmp_path, conf_text, memory, "^kmemvisor: error: .*\n"):
        (said,) = re.findall(r"^kmemvisor: .*", text, re.MULTILINE)
        assert said.startswith("kmemvisor: error: " + line)


def test_gives_memory_back(tmp_path):
    script = "fs0:\r\nmemmap\r\n\\EFI\\kmemvisor\\loader.efi\r\necho status=%lasterror%\r\nmemmap\r\necho the end\r\n"
    com1, _ = boot(tmp_path, "kernel = kernel.elf\nmemory = 256\n", 512, "^the end$", script)
    assert "for the mirror" in com1  # the guest's block had been reserved before
    assert re.search(r"^status=0x1$", com1, re.MULTILINE)  # EFI_LOAD_ERROR
    for kind in ("Reserved", "LoaderData"):
        before, after = re.findall(rf"^ *{kind} *: *([\d,]+) Pages", com1, re.MULTILINE)
        assert before == after
