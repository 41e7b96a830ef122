"""Programs that are not translated run on the mirrored kernel, unprotected: told losses instead of stale copies."""

import os
import re
import subprocess

from machine import BUILD, run

MKFS = os.path.join(BUILD, "guest", "mkfs")
NATIVE = os.path.join(BUILD, "guest", "disk")
MIRRORED = os.path.join(BUILD, "guest", "mirror-38000000", "disk")
TRANSLATED = ["init", "sh", "echo", "verify", "mirrorstat", "poweroff", "spaces", "inject", "stressfs", "cat"]
PLAIN = ["spaces", "forktest", "grep"]
CASES = 7


def make_disk(folder):
    """A disk with translated programs, and with others as they were before, named plain-NAME."""
    files = [os.path.join(MIRRORED, name) for name in TRANSLATED]
    for name in PLAIN:
        plain = folder / f"plain-{name}"
        plain.write_bytes(open(os.path.join(NATIVE, name), "rb").read())
        files.append(str(plain))
    readme = folder / "README"
    readme.write_text("some text, more than a few bytes of it\n")
    image = folder / "fs.img"
    subprocess.run([MKFS, "--size", "4000", image, *files, readme], check=True)
    return str(image)


def test_unprotected_and_protected(tmp_path):
    commands = [
        *("plain-spaces unprotected", "spaces protected", "verify", "plain-forktest", "stressfs", "verify"),
        *("cat README | plain-grep text | cat", "inject 200 3", "verify", "mirrorstat"),
    ]
    result = run(tmp_path, "--disk", make_disk(tmp_path), "--exec", "; ".join(commands), timeout=500)
    assert result.status == 0, result.messages + result.console[-3000:]
    assert "exec: plain-spaces: not translated for OFFSET 0x38000000: its memory is not protected" in result.console
    assert result.console.count(f"spaces: {CASES} passed, 0 failed") == 2, result.console
    killed = re.findall(r"^pid \d+ (\S+): memory page 0x[0-9a-f]+ lost, killed$", result.console, re.MULTILINE)
    assert killed == ["plain-spaces"] * 3
    assert "forktest: OK" in result.console and "stressfs: done" in result.console
    assert "\nsome text, more than a few bytes of it\n" in result.console
    # Freed pages are copies again: nothing differs, though code that keeps no mirror wrote to them.
    assert len(re.findall(r"^verify: pages=\d+ differing=0$", result.console, re.MULTILINE)) == 3
    assert result.value("unprotected") == 0
    assert result.value("lost") == result.value("told") == result.value("renewed") == 3
