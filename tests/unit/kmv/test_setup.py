"""scripts/setup, on systems made of stand-ins."""

import os
import subprocess

import pytest

from conftest import TOP

SETUP = os.path.join(TOP, "scripts", "setup")


def run(*options, path=None):
    environment = dict(os.environ, PATH=path) if path else None
    return subprocess.run(
        ["/bin/bash", SETUP, *options],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(name="system")
def make_system(tmp_path):
    """A folder for PATH: the usual tools, and a dpkg and an apt that know only what their files say."""
    for tool in ("bash", "cat", "comm", "env", "sed", "sort"):
        os.symlink(f"/usr/bin/{tool}", tmp_path / tool)

    def add(name, script):
        (tmp_path / name).write_text("#!/bin/sh\n" + script)
        (tmp_path / name).chmod(0o755)

    installed, calls = tmp_path / "installed", tmp_path / "calls"
    installed.touch()
    calls.touch()
    add("id", "echo 0\n")
    add("dpkg-query", f"cat {installed}\n")
    add("apt-get", f'echo "$@" >> {calls}\n')
    return tmp_path


def install(system, packages):
    (system / "installed").write_text("".join(f"ii  {name}\n" for name in packages))


def all_packages():
    return run("--list").stdout.split()


def test_missing_packages_are_told(system):
    install(system, [name for name in all_packages() if name not in ("bochs", "ovmf")])
    result = run("--check", path=str(system))
    assert result.returncode == 1
    assert result.stdout.split() == ["bochs", "ovmf"]
    assert (system / "calls").read_text() == ""


def test_missing_packages_are_installed(system):
    install(system, [name for name in all_packages() if name != "mtools"])
    assert run(path=str(system)).returncode == 0
    assert (system / "calls").read_text() == "-q install -y --no-install-recommends mtools\n"


def test_nothing_to_do(system):
    install(system, all_packages())
    assert run("--check", path=str(system)).returncode == 0
    assert run(path=str(system)).returncode == 0
    assert (system / "calls").read_text() == ""


def test_without_apt(system):
    (system / "apt-get").unlink()
    result = run(path=str(system))
    assert result.returncode == 1
    assert all(name in result.stderr for name in all_packages())


def test_half_installed_counts_as_missing(system):
    install(system, all_packages())
    text = (system / "installed").read_text().replace("ii  gcc\n", "rc  gcc\n")
    (system / "installed").write_text(text)
    assert run("--check", path=str(system)).stdout.split() == ["gcc"]
