"""scripts/kmv itself: usage, exit statuses, disks, and nothing left behind."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from machine import BUILD, KMV, command_line, read_events, run

BARE = ("--platform", "bare-tcg")


@pytest.mark.parametrize(
    "options, word",
    [
        (("--offset", "30000000"), "38000000"),
        (("--offset", "xyz"), "hexadecimal"),
        (("--mem", "0"), "--mem"),
        (("--mem", "2000"), "864"),
        (("--cpu", "z80", "--platform", "bochs"), "corei7_icelake_u"),
        (("--guest", "/no/such/kernel"), "no such file"),
        (("--hypervisor", "/no/such/file"), "no such file"),
        (("--hypervisor", KMV, *BARE), "a bare machine has none"),
        (("--translate", "off"), "--mirror off"),
        (("--cmdline", "two\nlines"), "one line"),
        (("--no-such-option",), "--help"),
        (("--smp", "9"), "1 to 8"),
    ],
)
def test_usage_errors(tmp_path, options, word):
    result = run(tmp_path, *options)
    assert result.status == 2
    assert result.messages.startswith("kmv: ") and result.messages.count("\n") == 1
    assert word in result.messages


def test_help():
    done = subprocess.run([KMV, "run", "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "exit status" in done.stdout


@pytest.mark.parametrize("status, expected", [("0", 0), ("3", 1)])
def test_bare_power_off(tmp_path, status, expected):
    result = run(tmp_path, *BARE, "--exec", f"echo hello; poweroff {status}", timeout=60)
    assert result.status == expected, result.messages
    assert "\nhello\n" in result.console


def test_bare_on_two_processors(tmp_path):
    result = run(tmp_path, *BARE, "--smp", "2", "--exec", "echo hello", timeout=60)
    assert result.status == 0, result.messages
    assert "2 cpu" in result.console


def test_no_kernel_is_refused(tmp_path):
    kernel = tmp_path / "kernel"
    kernel.write_bytes(b"not a kernel" * 1000)
    result = run(tmp_path, *BARE, "--guest", str(kernel), timeout=60)
    assert result.status == 5
    assert "kernel" in result.messages


def test_loader_error(tmp_path):
    kernel = tmp_path / "kernel"
    kernel.write_bytes(b"not a kernel" * 1000)
    result = run(tmp_path, "--platform", "tcg", "--guest", str(kernel))
    assert result.status == 5
    assert "kmv: loader: " in result.messages and "kernel.elf" in result.messages


def test_time_out(tmp_path):
    # cat reads the console, so no further prompt comes.
    result = run(tmp_path, *BARE, "--exec", "cat", timeout=5)
    assert result.status == 4
    assert "--timeout" in result.messages


def test_long_input_is_typed_whole(tmp_path):
    words = "abcdefghijklmnopqrstuvwxyz0123456789" * 2
    result = run(tmp_path, *BARE, text=f"echo {words}\n" * 5, timeout=120)
    assert result.status == 0, result.messages
    assert result.console.count(f"\n{words}\n") == 5


def test_disk_of_the_user_is_changed_in_place(tmp_path):
    image = os.path.join(BUILD, "guest", "fs.img")
    with open(image, "rb") as file:
        before = file.read()
    disk = tmp_path / "mine.img"
    shutil.copy(image, disk)
    assert run(tmp_path, *BARE, "--disk", str(disk), "--exec", "echo kept > note", timeout=60).status == 0
    result = run(tmp_path, *BARE, "--disk", str(disk), "--exec", "cat note", timeout=60)
    assert result.status == 0 and "\nkept\n" in result.console
    result = run(tmp_path, *BARE, "--exec", "echo lost > note", timeout=60)
    with open(image, "rb") as file:
        assert file.read() == before


def test_a_disk_in_use_is_refused(tmp_path):
    disk = tmp_path / "mine.img"
    shutil.copy(os.path.join(BUILD, "guest", "fs.img"), disk)
    options = (*BARE, "--disk", str(disk))
    first = subprocess.Popen(
        command_line(tmp_path, *options, "--exec", "cat", timeout=60),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        first.stdout.read(1)
        (tmp_path / "second").mkdir()
        result = run(tmp_path / "second", *options, "--exec", "echo hello", timeout=60)
        assert result.status == 2
        assert "another run uses this disk" in result.messages
    finally:
        first.terminate()
        first.wait(30)


def test_side_by_side(tmp_path):
    folders = [tmp_path / name for name in ("one", "two")]
    runs = []
    for folder in folders:
        folder.mkdir()
        command = command_line(folder, "--exec", f"echo I am {folder.name}; inject 5 1; verify")
        runs.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    outputs = [process.communicate() for process in runs]
    for folder, process, (console, messages) in zip(folders, runs, outputs):
        other = "two" if folder.name == "one" else "one"
        assert process.returncode == 0, messages
        assert f"\nI am {folder.name}\n" in console and f"I am {other}" not in console
        assert "differing=0" in console
        names = [event["event"] for event in read_events(folder / "hv.log")]
        assert names.count("boot") == names.count("summary") == 1


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(child) for child in file.read().split()]


def alive(pid):
    """Whether a process runs; a dead one that nobody has waited for does not."""
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


@pytest.mark.parametrize("platform", ["bochs", "tcg", "bare-tcg"])
@pytest.mark.parametrize(
    "sent, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_nothing_left_behind(tmp_path, platform, sent, status):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    process = subprocess.Popen(
        command_line(tmp_path, "--platform", platform, "--exec", "cat"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TMPDIR": str(scratch)},
    )
    machine_files = ("bochs.out", "qemu.log")
    wait_until(lambda: any((folder / name).exists() for folder in scratch.iterdir() for name in machine_files))
    wait_until(lambda: children(process.pid))
    started = children(process.pid)
    process.send_signal(sent)
    assert process.wait(30) == status
    wait_until(lambda: not any(alive(child) for child in started))
    if sent != signal.SIGKILL:
        assert not list(scratch.iterdir())
